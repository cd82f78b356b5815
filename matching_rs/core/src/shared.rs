//! What all books share: sequence, clock, orders, ids, accounts. Apart from the books, so that both can be changed at once.

use crate::accounts::Accounts;
use crate::event::{Event, Sink};
use crate::ids::Ids;
use crate::instrument::Market;
use crate::pool::Pool;

/// What all books share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Sequence of the last event.
    pub sequence: u64,
    /// Time of the command being done, ns.
    pub now: u64,
    /// Open orders.
    pub pool: Pool,
    /// Clients' ids.
    pub ids: Ids,
    /// Accounts, balances, positions.
    pub accounts: Accounts,
    /// Instruments with events since the last drain.
    pub changed: Vec<u32>,
}

impl Shared {
    /// Give an event the next sequence.
    #[inline]
    pub fn emit<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        self.sequence += 1;
        sink.emit(self.sequence, event);
    }

    /// The next sequence of an instrument, whose change is then told at the next drain.
    #[inline]
    pub fn instrument_sequence(&mut self, market: &mut Market) -> u64 {
        if market.sequence == market.told {
            self.changed.push(market.number);
        }
        market.sequence += 1;
        market.sequence
    }
}
