//! One shard's whole state, what its commands all check, and what has changed since last told.

use std::collections::VecDeque;

use crate::book::pool::{Pool, SLOT_REFUSED};
use crate::command::Side;
use crate::event::{Event, Sink};
use crate::ids::table::{IDS_MAX, Ids};
use crate::instrument::{Asset, Market};
use crate::mass_cancel::MassCancel;
use crate::money::account::{Balance, Position};
use crate::money::accounts::Accounts;
use crate::money::withdrawals::Withdrawals;
use crate::places::Places;
use crate::reason::Reason;
use crate::shared::{Known, Shared};
use crate::shares::Shares;
use crate::view::{BookChange, Level};

/// Raised whenever the same commands may give other events or another state.
pub const ENGINE_VERSION: u32 = 5;

/// Bounds the engine is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Most orders open at once in the shard, at most 1,048,574.
    /// Half of them are divided among the accounts.
    pub open_orders_max: u32,
    /// Most client ids remembered, at most 4,194,303.
    pub ids_max: u32,
    /// How long an id is remembered after its order's end, ns.
    pub ids_window_ns: u64,
    /// Most orders one command of a mass cancel ends.
    pub mass_cancel_slice: u32,
}

impl Config {
    /// Orders that may rest: an order needs a slot while it takes, too, so one is left for that.
    pub(crate) fn resting_max(&self) -> u32 {
        self.open_orders_max.min(SLOT_REFUSED - 1)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_orders_max: SLOT_REFUSED,
            ids_max: IDS_MAX,
            ids_window_ns: 86_400_000_000_000,
            mass_cancel_slice: 500,
        }
    }
}

/// One shard: accounts, instruments, books.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) epoch: u64,
    /// The venue's kill switch.
    pub(crate) killed: bool,
    pub(crate) shared: Shared,
    pub(crate) markets: Vec<Market>,
    pub(crate) assets: Vec<Asset>,
    pub(crate) withdrawals: Withdrawals,
    /// Mass cancels that are not over; the next slice is of the first.
    pub(crate) mass_cancels: VecDeque<MassCancel>,
    telling: Telling,
}

/// Lists for telling one book's changes, kept to be filled again.
#[derive(Clone, Debug, Default)]
struct Telling {
    prices: Places,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Engine {
    /// Make an empty engine.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let shared = Shared {
            sequence: 0,
            now: 0,
            pool: Pool::new(config.resting_max() + 1),
            open_shares: Shares::new(config.resting_max()),
            ids: Ids::new(config.ids_max, config.ids_window_ns),
            accounts: Accounts::default(),
            changed: Vec::new(),
        };
        Self {
            config,
            epoch: 0,
            killed: false,
            shared,
            markets: Vec::new(),
            assets: Vec::new(),
            withdrawals: Withdrawals::default(),
            mass_cancels: VecDeque::new(),
            telling: Telling::default(),
        }
    }

    /// Sequence of the last event.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.shared.sequence
    }

    /// The writer's epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The bounds it was built with.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// A mass cancel is not over: `ContinueCancels` is to be sent.
    #[must_use]
    pub fn is_canceling(&self) -> bool {
        !self.mass_cancels.is_empty()
    }

    /// Divide what all accounts use among those there are: with each that is opened, every share is smaller.
    pub(crate) fn divide(&mut self) {
        // Account 0 is not one of them, but accounts are opened under it.
        let accounts = self.shared.accounts.len() + 1;
        self.shared.divide(accounts);
        self.withdrawals.divide(accounts);
    }

    pub(crate) fn market(&self, instrument: u32) -> Option<&Market> {
        self.markets.get((instrument as usize).checked_sub(1)?)
    }

    /// Emit the balances and positions changed since the last call.
    pub fn end_batch<S: Sink>(&mut self, sink: &mut S) {
        let Shared { sequence, accounts, .. } = &mut self.shared;
        accounts.drain_balances(|account_sequence, account, asset, &Balance { total, held }| {
            *sequence += 1;
            sink.emit(*sequence, &Event::BalanceChanged { account_sequence, account, asset, total, held });
        });
        accounts.drain_positions(|account_sequence, account, instrument, position| {
            let Position { quantity, cost, realised, fees } = *position;
            *sequence += 1;
            let event =
                Event::PositionChanged { account_sequence, account, instrument, quantity, cost, realised, fees };
            sink.emit(*sequence, &event);
        });
    }

    /// Drain the books changed since the last call, by instrument.
    pub fn drain_book_changes(&mut self, mut f: impl FnMut(BookChange<'_>)) {
        let Self { shared, markets, telling, .. } = self;
        if shared.changed.len() * 8 < markets.len() {
            shared.changed.sort_unstable();
        } else {
            // Going through all of them is quicker than sorting.
            shared.changed.clear();
            shared.changed.extend(markets.iter().filter(|market| market.sequence != market.told).map(|one| one.number));
        }
        let Telling { prices, bids, asks } = telling;
        for instrument in shared.changed.drain(..) {
            let market = &mut markets[instrument as usize - 1];
            market.drain(Side::Buy, prices, bids);
            market.drain(Side::Sell, prices, asks);
            f(BookChange {
                instrument,
                previous_sequence: market.told,
                sequence: market.sequence,
                status: market.rules.status,
                bids,
                asks,
                best_bid: market.best_level(Side::Buy),
                best_ask: market.best_level(Side::Sell),
            });
            market.told = market.sequence;
        }
    }

    /// Refuse a command other than a new order.
    pub(crate) fn reject<S: Sink>(&mut self, account: u32, reason: Reason, kind: u8, id: &str, sink: &mut S) {
        self.shared.emit(&Event::CommandRejected { account, reason, kind, id }, sink);
    }

    /// Check that the venue is open and the deadline has not passed.
    pub(crate) fn check_time(&self, deadline: u64) -> Result<(), Reason> {
        if self.shared.accounts.is_empty() {
            return Err(Reason::VenueNotOpen);
        }
        if deadline != 0 && self.shared.now > deadline {
            return Err(Reason::DeadlinePassed);
        }
        Ok(())
    }

    /// Check the same and that an account is there that trades.
    pub(crate) fn check_account(&self, deadline: u64, account: u32) -> Result<(), Reason> {
        self.check_time(deadline)?;
        self.shared.accounts.user(account).map(drop).ok_or(Reason::AccountUnknown)
    }

    /// Tell a new command from one seen before, which is known however late it comes again: its first answer stands.
    /// `is_there`: there is an account for it.
    pub(crate) fn recognise(&mut self, account: u32, id: &str, deadline: u64, is_there: bool) -> Result<Known, Reason> {
        match self.check_time(deadline) {
            Err(Reason::DeadlinePassed) => {
                self.shared.recall(account, id).map(Known::Seen).ok_or(Reason::DeadlinePassed)
            }
            Err(reason) => Err(reason),
            Ok(()) if !is_there => Err(Reason::AccountUnknown),
            Ok(()) => self.shared.recognise(account, id),
        }
    }
}
