//! The engine's full state as bytes: the same state gives the same bytes.
//!
//! Written is what cannot be derived: money, positions, orders in queue order, free slots in the order they will be
//! taken, ids in the order they will leave. Holds, counts, levels and links are made anew from the orders, so they
//! cannot disagree. A BLAKE3 hash over all of it is its end, and is the state hash.

mod bytes;
mod format;
mod restore;
mod validate;
mod write;

pub use format::SnapshotError;
