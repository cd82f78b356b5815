//! The engine's door: one command in, its events out.

use crate::account::{Balance, Position};
use crate::accounts::Accounts;
use crate::ahead::Foreseen;
use crate::command::{Command, Side, kind};
use crate::event::{Event, Sink};
use crate::ids::{IDS_MAX, Ids};
use crate::instrument::{Asset, Market};
use crate::places::Places;
use crate::pool::{Pool, SLOT_REFUSED};
use crate::reason::Reason;
use crate::shared::Shared;
use crate::view::{BookChange, Level};
use crate::withdrawals::Withdrawals;

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
        Self { open_orders_max: SLOT_REFUSED, ids_max: IDS_MAX, ids_window_ns: 86_400_000_000_000 }
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
    telling: Telling,
}

/// Lists for telling one book's changes, kept to be filled again.
#[derive(Clone, Debug, Default)]
struct Telling {
    prices: Places,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// How a command of a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It had its effect, now or the first time it was sent.
    Applied,
    /// It was refused.
    Refused,
}

impl Engine {
    /// Make an empty engine.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let shared = Shared {
            sequence: 0,
            now: 0,
            pool: Pool::new(config.open_orders_max),
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
            telling: Telling::default(),
        }
    }

    /// Do one command at a time (ns since the epoch, UTC; never before the last one's); at least one event follows.
    pub fn execute<S: Sink>(&mut self, command: &Command<'_>, at: u64, sink: &mut S) {
        self.execute_foreseen(command, Foreseen::default(), at, sink);
    }

    /// Do a command like `execute`; `foreseen` is what `foresee` gave for this very command.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "where a caller knows the kind of command, nothing is left to look up")]
    pub fn execute_foreseen<S: Sink>(&mut self, command: &Command<'_>, foreseen: Foreseen, at: u64, sink: &mut S) {
        self.shared.now = at;
        match command {
            Command::SubmitOrder(order) => drop(self.submit_order(order, foreseen.key(), sink)),
            Command::CancelOrder(cancel) => drop(self.cancel_order(cancel, sink)),
            Command::AmendOrder(amend) => drop(self.amend_order(amend, sink)),
            Command::CancelOrders(cancel) => self.cancel_orders(cancel, sink),
            Command::Batch(batch) => self.execute_batch(batch, sink),
            Command::OpenVenue { hash_key } => self.open_venue(*hash_key, sink),
            Command::OpenEpoch { epoch } => self.open_epoch(*epoch, sink),
            Command::OpenAccount(open) => self.open_account(open, sink),
            Command::ChangeAccount(change) => self.change_account(change, sink),
            Command::MoveCash(cash) => self.move_cash(cash, sink),
            Command::RequestWithdrawal(request) => self.request_withdrawal(request, sink),
            Command::SettleWithdrawal(settle) => self.settle_withdrawal(settle, sink),
            Command::SetPositionLimit(limit) => self.set_position_limit(limit, sink),
            Command::ListAsset(asset) => self.list_asset(asset, sink),
            Command::ListInstrument(listing) => self.list_instrument(listing, sink),
            Command::ChangeInstrument(change) => self.change_instrument(change, sink),
            Command::SetFeeTier(tier) => self.set_fee_tier(tier, sink),
            Command::SetKillSwitch { deadline, on } => self.set_kill_switch(*deadline, *on, sink),
        }
    }

    /// Answer bytes that are no command.
    pub fn refuse<S: Sink>(&mut self, reason: Reason, kind: u8, sink: &mut S) {
        self.reject(0, reason, kind, "", sink);
    }

    /// Tell the balances and positions changed since the last call.
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

    /// Tell the books changed since the last call, by instrument.
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

    fn open_venue<S: Sink>(&mut self, hash_key: [u8; 16], sink: &mut S) {
        if !self.shared.accounts.is_empty() {
            return self.reject(0, Reason::AlreadyExists, kind::OPEN_VENUE, "", sink);
        }
        self.shared.ids.set_hash_key(hash_key);
        for _ in 0..2 {
            self.shared.accounts.open(0, 0);
        }
        self.shared.emit(&Event::VenueOpened, sink);
    }

    fn open_epoch<S: Sink>(&mut self, epoch: u64, sink: &mut S) {
        if epoch <= self.epoch {
            return self.reject(0, Reason::EpochStale, kind::OPEN_EPOCH, "", sink);
        }
        self.epoch = epoch;
        self.shared.emit(&Event::EpochOpened { epoch, engine_version: crate::ENGINE_VERSION }, sink);
    }

    fn set_kill_switch<S: Sink>(&mut self, deadline: u64, on: bool, sink: &mut S) {
        if let Err(reason) = self.check_time(deadline) {
            return self.reject(0, reason, kind::SET_KILL_SWITCH, "", sink);
        }
        self.killed = on;
        self.shared.emit(&Event::KillSwitchSet { on }, sink);
    }
}
