//! The engine behind frames of bytes: applied batch by batch, chained, told to who waits, held against the journal.

mod blocks;
mod retrace;
mod runner;

pub use blocks::Applied;
pub use retrace::{JournalRow, Untrue};
pub use runner::{Runner, chain_hash};
