//! The engine's door.

use crate::command::Command;
use crate::event::{Event, Sink};
use crate::reason::Reason;
use crate::snapshot::SnapshotError;
use crate::view::{AccountView, BookChange, BookView, LookupView, OrderView, Stats};

/// Bounds the engine is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Most orders open at once in the shard, at most 1,048,575.
    pub open_orders_max: u32,
    /// Most client ids remembered, at most 4,194,303.
    pub ids_max: u32,
    /// How long an id is remembered after its order's end, ns.
    pub ids_window_ns: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { open_orders_max: (1 << 20) - 1, ids_max: (1 << 22) - 1, ids_window_ns: 86_400_000_000_000 }
    }
}

/// One shard: accounts, instruments, books.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    sequence: u64,
}

impl Engine {
    /// Make an empty engine.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, sequence: 0 }
    }

    /// Do one command at a time (ns since the epoch, UTC); at least one event follows.
    pub fn execute<S: Sink>(&mut self, _command: &Command<'_>, _at: u64, sink: &mut S) {
        self.refuse(Reason::VenueNotOpen, 0, sink);
    }

    /// Answer bytes that are no command.
    pub fn refuse<S: Sink>(&mut self, reason: Reason, kind: u8, sink: &mut S) {
        self.sequence += 1;
        sink.emit(self.sequence, &Event::CommandRejected { account: 0, reason, kind, id: "" });
    }

    /// Tell the balances and positions touched since the last call.
    pub fn end_batch<S: Sink>(&mut self, _sink: &mut S) {}

    /// Tell the books touched since the last call, by instrument.
    pub fn drain_book_changes(&mut self, _f: impl FnMut(BookChange<'_>)) {}

    /// Sequence of the last event.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The writer's epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        0
    }

    /// The bounds it was built with.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// The book of an instrument, to a depth in levels a side (0: all).
    #[must_use]
    pub fn book(&self, _instrument: u32, _depth: u32) -> Option<BookView> {
        None
    }

    /// An open order.
    #[must_use]
    pub fn order(&self, _order_id: u64) -> Option<OrderView> {
        None
    }

    /// The open orders of an instrument: bids then asks, best price first, in queue order.
    #[must_use]
    pub fn open_orders(&self, _instrument: u32) -> Vec<OrderView> {
        Vec::new()
    }

    /// What is remembered of a client's id.
    #[must_use]
    pub fn lookup(&self, _account: u32, _id: &str) -> Option<LookupView> {
        None
    }

    /// An account.
    #[must_use]
    pub fn account(&self, _account: u32) -> Option<AccountView> {
        None
    }

    /// The engine in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// The full state as bytes.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Make an engine from a snapshot.
    ///
    /// # Errors
    /// `SnapshotError` when the bytes are not a whole, valid state of this version.
    pub fn restore(_bytes: &[u8], _config: Config) -> Result<Self, SnapshotError> {
        Err(SnapshotError::Damaged)
    }

    /// Hash of the full state, queue order included.
    #[must_use]
    pub fn state_hash(&self) -> [u8; 32] {
        [0; 32]
    }

    /// Check every internal invariant.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}
