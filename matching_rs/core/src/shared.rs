//! What all books share: sequence, clock, orders, ids, accounts. Apart from the books, so that both can be changed at once.

use crate::book::pool::Pool;
use crate::event::{Event, Sink};
use crate::ids::entry::Answer;
use crate::ids::index::Key;
use crate::ids::table::{Ids, Recognised, Seat};
use crate::ids::valid::id_is_valid;
use crate::instrument::Market;
use crate::money::account::Account;
use crate::money::accounts::Accounts;
use crate::reason::Reason;
use crate::shares::Shares;

/// What all books share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Sequence of the last event.
    pub sequence: u64,
    /// Time of the command being done, ns.
    pub now: u64,
    /// Open orders.
    pub pool: Pool,
    /// How the open orders there may be are divided among the accounts.
    pub open_shares: Shares,
    /// Clients' ids.
    pub ids: Ids,
    /// Accounts, balances, positions.
    pub accounts: Accounts,
    /// Instruments with events since the last drain.
    pub changed: Vec<u32>,
}

/// How a command of a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It had its effect, now or the first time it was sent.
    Applied,
    /// It was refused.
    Refused,
}

/// Whether a command was seen before.
pub(crate) enum Known {
    /// It is new; the table of ids has or makes room for it.
    New(Seat),
    /// It was seen: its entry there.
    Seen(u32),
}

impl Shared {
    /// Emit an event under the next sequence.
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

    /// Look an id up.
    pub fn recognise(&mut self, account: u32, id: &str) -> Result<Known, Reason> {
        if id_is_valid(id) { self.recognise_key(account, self.ids.key(account, id)) } else { Err(Reason::IdInvalid) }
    }

    /// Divide ids and open orders among so many accounts.
    pub fn divide(&mut self, accounts: u32) {
        self.ids.divide(accounts);
        if self.open_shares.divide(accounts) {
            for (_, account) in self.accounts.iter() {
                self.open_shares.count(account.open_orders);
            }
        }
    }

    /// The entry of an id that is remembered.
    pub fn recall(&mut self, account: u32, id: &str) -> Option<u32> {
        if id_is_valid(id) { self.ids.recall(self.ids.key(account, id), account, self.now) } else { None }
    }

    /// The same where the id is hashed already.
    #[inline]
    pub fn recognise_key(&mut self, account: u32, key: Key) -> Result<Known, Reason> {
        match self.ids.recognise(key, account, self.now) {
            Recognised::New(seat) => Ok(Known::New(seat)),
            Recognised::Seen(entry) => Ok(Known::Seen(entry)),
            Recognised::Full => Err(Reason::IdsExhausted),
        }
    }

    /// Remember an id that is no order's; its answer is the next event.
    pub fn remember(&mut self, seat: Seat, account: u32, fingerprint: u64) {
        self.remember_answer(seat, account, fingerprint, self.sequence + 1);
    }

    /// The same where its answer begins with another event.
    pub fn remember_answer(&mut self, seat: Seat, account: u32, fingerprint: u64, sequence: u64) {
        let answer = Answer { order_id: 0, sequence };
        let entry = self.ids.insert(seat, (account, self.now), fingerprint, answer);
        self.ids.end(entry, account, self.now);
    }

    /// Answer a command seen before.
    #[cold]
    pub fn repeat<S: Sink>(&mut self, account: u32, id: &str, entry: u32, fingerprint: u64, sink: &mut S) -> Outcome {
        let first = self.ids.get(entry);
        let (answer, same_payload) = (first.answer(), first.fingerprint() == fingerprint);
        let (first_sequence, order_id) = (answer.sequence, answer.order_id);
        self.emit(&Event::CommandDuplicate { account, id, first_sequence, order_id, same_payload }, sink);
        if same_payload { Outcome::Applied } else { Outcome::Refused }
    }

    /// Prefetch what trading with an order will need of its account.
    #[inline]
    pub fn foresee_maker(&self, market: &Market, slot: u32) {
        if let Some(owner) = self.accounts.user(self.pool.order(slot).account) {
            self.foresee_side(market, owner);
        }
    }

    /// Prefetch what a trade of an account in a market needs.
    #[inline]
    pub fn foresee_side(&self, market: &Market, owner: &Account) {
        self.accounts.foresee_balance(owner, market.identity.quote);
        self.accounts.foresee_balance(owner, market.identity.base);
        self.accounts.foresee_position(owner, market.number);
    }
}
