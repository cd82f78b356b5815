//! The engine's door: one command in, its events out.

use crate::account::Accounts;
use crate::command::{Command, kind};
use crate::event::{Event, Sink};
use crate::ids::{IDS_MAX, Ids};
use crate::instrument::{Asset, Market};
use crate::pool::{Pool, SLOT_REFUSED};
use crate::reason::Reason;
use crate::view::{BookChange, Level};

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
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    /// The venue's kill switch.
    pub(crate) killed: bool,
    /// Time of the command being done, ns.
    pub(crate) now: u64,
    pub(crate) pool: Pool,
    pub(crate) ids: Ids,
    pub(crate) accounts: Accounts,
    pub(crate) markets: Vec<Market>,
    pub(crate) assets: Vec<Asset>,
    /// Places of the markets with events since the last drain.
    pub(crate) touched: Vec<u32>,
}

/// How a command of a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It had its effect, now or the first time it was sent.
    Applied,
    /// It was refused.
    Refused,
}

/// The number of the instrument at a place.
pub(crate) fn number(market: usize) -> u32 {
    u32::try_from(market).map_or(u32::MAX, |place| place.saturating_add(1))
}

impl Engine {
    /// Make an empty engine.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            sequence: 0,
            epoch: 0,
            killed: false,
            now: 0,
            pool: Pool::new(config.open_orders_max),
            ids: Ids::new(config.ids_max, config.ids_window_ns),
            accounts: Accounts::default(),
            markets: Vec::new(),
            assets: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Do one command at a time (ns since the epoch, UTC; never before the last one's); at least one event follows.
    pub fn execute<S: Sink>(&mut self, command: &Command<'_>, at: u64, sink: &mut S) {
        self.now = at;
        match command {
            Command::SubmitOrder(order) => drop(self.submit_order(order, sink)),
            Command::CancelOrder(cancel) => drop(self.cancel_order(cancel, sink)),
            Command::AmendOrder(amend) => drop(self.amend_order(amend, sink)),
            Command::CancelOrders(cancel) => self.cancel_orders(cancel, sink),
            Command::Batch(batch) => self.execute_batch(batch, sink),
            Command::OpenVenue { hash_key } => self.open_venue(*hash_key, sink),
            Command::OpenEpoch { epoch } => self.open_epoch(*epoch, sink),
            Command::OpenAccount(open) => self.open_account(open, sink),
            Command::ChangeAccount(change) => self.change_account(change, sink),
            Command::MoveCash(cash) => self.move_cash(cash, sink),
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

    /// Tell the balances and positions touched since the last call.
    pub fn end_batch<S: Sink>(&mut self, sink: &mut S) {
        let (balances, positions) = self.accounts.take_touched();
        for &touched in &balances {
            let account = crate::pool::low32(touched >> 16);
            let asset = u16::try_from(touched & 0xFFFF).unwrap_or(0);
            let balance = self.accounts.settle_balance(account, asset);
            let event = Event::BalanceChanged {
                account_sequence: self.accounts.next_sequence(account),
                account,
                asset,
                total: balance.total,
                held: balance.held,
            };
            self.emit(&event, sink);
        }
        for &touched in &positions {
            let (account, instrument) = (crate::pool::low32(touched >> 32), crate::pool::low32(touched));
            let position = self.accounts.settle_position(account, instrument);
            let event = Event::PositionChanged {
                account_sequence: self.accounts.next_sequence(account),
                account,
                instrument,
                quantity: position.quantity,
                cost: position.cost,
                realised: position.realised,
                fees: position.fees,
            };
            self.emit(&event, sink);
        }
        self.accounts.return_touched(balances, positions);
    }

    /// Tell the books touched since the last call, by instrument.
    pub fn drain_book_changes(&mut self, mut f: impl FnMut(BookChange<'_>)) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        let mut sides: [Vec<Level>; 2] = [Vec::new(), Vec::new()];
        for &place in &touched {
            let market = &mut self.markets[place as usize];
            let [bids, asks] = &mut sides;
            market.drain(bids, asks);
            let change = BookChange {
                instrument: place + 1,
                previous_sequence: market.told,
                sequence: market.sequence,
                status: market.rules.status,
                bids,
                asks,
                best_bid: market.best_level(crate::command::Side::Buy),
                best_ask: market.best_level(crate::command::Side::Sell),
            };
            f(change);
            market.told = market.sequence;
        }
        touched.clear();
        self.touched = touched;
    }

    /// Give an event the next sequence.
    #[inline]
    pub(crate) fn emit<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        self.sequence += 1;
        sink.emit(self.sequence, event);
    }

    /// The next sequence of an instrument, whose change is then told at the next drain.
    #[inline]
    pub(crate) fn next_instrument_sequence(&mut self, market: usize) -> u64 {
        let found = &mut self.markets[market];
        if found.sequence == found.told {
            self.touched.push(u32::try_from(market).unwrap_or(0));
        }
        found.sequence += 1;
        found.sequence
    }

    /// Refuse a command other than a new order.
    pub(crate) fn reject<S: Sink>(&mut self, account: u32, reason: Reason, kind: u8, id: &str, sink: &mut S) {
        self.emit(&Event::CommandRejected { account, reason, kind, id }, sink);
    }

    /// Check that the venue is open and the deadline has not passed.
    pub(crate) fn check_time(&self, deadline: u64) -> Result<(), Reason> {
        if self.accounts.is_empty() {
            return Err(Reason::VenueNotOpen);
        }
        if deadline != 0 && self.now > deadline {
            return Err(Reason::DeadlinePassed);
        }
        Ok(())
    }

    /// Check the same and that an account is there that trades.
    pub(crate) fn check_account(&self, deadline: u64, account: u32) -> Result<(), Reason> {
        self.check_time(deadline)?;
        self.accounts.user(account).map(drop).ok_or(Reason::AccountUnknown)
    }

    fn open_venue<S: Sink>(&mut self, hash_key: [u8; 16], sink: &mut S) {
        if !self.accounts.is_empty() {
            return self.reject(0, Reason::AlreadyExists, kind::OPEN_VENUE, "", sink);
        }
        self.ids.set_hash_key(hash_key);
        for _ in 0..2 {
            self.accounts.open(0, 0);
        }
        self.emit(&Event::VenueOpened, sink);
    }

    fn open_epoch<S: Sink>(&mut self, epoch: u64, sink: &mut S) {
        if epoch <= self.epoch {
            return self.reject(0, Reason::EpochStale, kind::OPEN_EPOCH, "", sink);
        }
        self.epoch = epoch;
        self.emit(&Event::EpochOpened { epoch, engine_version: crate::ENGINE_VERSION }, sink);
    }

    fn set_kill_switch<S: Sink>(&mut self, deadline: u64, on: bool, sink: &mut S) {
        if let Err(reason) = self.check_time(deadline) {
            return self.reject(0, reason, kind::SET_KILL_SWITCH, "", sink);
        }
        self.killed = on;
        self.emit(&Event::KillSwitchSet { on }, sink);
    }
}
