//! The journal's events as rows for the tables: what to insert, what to change.
//!
//! One call takes batches in their order and gives the net change: a row per order, balance or position however
//! often it was touched. Rows of an order that was entered within the call are whole; of an earlier one, they
//! carry increments and new values, and nil for what stays, so no earlier state is needed here. All the projector
//! remembers are the units of assets and instruments, which it learns from their listing or is told at its start.

mod collected;
mod ledger;
mod listings;
mod orders;
mod pack;
mod projector;
mod units;
mod withdrawals;

pub use projector::{JournalBatch, Projector};
