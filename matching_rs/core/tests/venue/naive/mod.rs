//! A second venue, written to be read and not to be fast: books are lists that are searched, holds are summed anew
//! whenever they are asked for, fees are worked out from all fills, ids are strings. It shares the engine's
//! vocabulary (commands, events, their bytes) and none of its logic.

mod accounts;
mod atomic;
mod ids;
mod listings;
mod matching;
mod money;
mod orders;
mod resting;
mod risk;
mod sweeps;
mod withdrawals;

use std::collections::{BTreeMap, BTreeSet};

use cift_core::codec::{Writer, encode_event};
use cift_core::command::{AccountStatus, Command, InstrumentStatus, SelfTradePrevention, Side, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;
use cift_core::{Config, ENGINE_VERSION};

use ids::{Ids, Slots};
use sweeps::Sweep;
use withdrawals::Withdrawal;

pub const FEES: u32 = 1;
pub const EXTERNAL: u32 = 2;
const FIRST_USER: u32 = 3;
const PPM: i128 = 1_000_000;

#[derive(Clone, Debug)]
struct Account {
    sequence: u64,
    group: u32,
    status: AccountStatus,
    killed: bool,
    fee_tier: u8,
    open_orders_max: u32,
    stp: SelfTradePrevention,
    totals: BTreeMap<u16, i128>,
    positions: BTreeMap<u32, Position>,
    limits: BTreeMap<u32, i64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    quantity: i128,
    cost: i128,
    realised: i128,
    fees: i128,
}

/// An open order.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: u64,
    pub account: u32,
    pub side: Side,
    pub price: i128,
    pub quantity: i128,
    pub leaves: i128,
    client_id: String,
    post_only: bool,
    stp: SelfTradePrevention,
    rates: Rates,
    fills: Vec<Traded>,
}

/// Parts per million.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    maker: i128,
    taker: i128,
}

/// What one fill was charged on, and at what rate.
#[derive(Clone, Copy, Debug)]
struct Traded {
    quantity: i128,
    notional: i128,
    rate: i128,
}

#[derive(Clone, Debug)]
pub struct Instrument {
    symbol: String,
    base: u16,
    quote: u16,
    exponent: i32,
    status: InstrumentStatus,
    tick: i128,
    lot: i128,
    quantity_min: i128,
    quantity_max: i128,
    notional_min: i128,
    band: i128,
    slippage: i128,
    /// In parts of 2³² of a price unit.
    reference: i128,
    tiers: BTreeMap<u8, Rates>,
    sequence: u64,
    /// In the order they came to their prices.
    pub orders: Vec<Order>,
}

/// The venue.
#[derive(Clone, Debug)]
pub struct Naive {
    opened: bool,
    killed: bool,
    sequence: u64,
    epoch: u64,
    now: u64,
    accounts: BTreeMap<u32, Account>,
    assets: Vec<(String, u8)>,
    pub instruments: Vec<Instrument>,
    ids: Ids,
    slots: Slots,
    open_orders_max: u32,
    withdrawals: Vec<Withdrawal>,
    /// Mass cancels that are not over, the next one first.
    sweeps: Vec<Sweep>,
    mass_cancel_slice: usize,
    balances_touched: BTreeSet<(u32, u16)>,
    positions_touched: BTreeSet<(u32, u32)>,
    /// Needs of the members of an atomic batch that are still to come, by asset.
    kept: Vec<(u16, i128)>,
    events: Writer,
}

impl Naive {
    pub fn new(config: Config) -> Self {
        Self {
            opened: false,
            killed: false,
            sequence: 0,
            epoch: 0,
            now: 0,
            accounts: BTreeMap::new(),
            assets: Vec::new(),
            instruments: Vec::new(),
            ids: Ids::new(config),
            slots: Slots::new(),
            open_orders_max: config.open_orders_max.min(1_048_574),
            withdrawals: Vec::new(),
            sweeps: Vec::new(),
            mass_cancel_slice: config.mass_cancel_slice as usize,
            balances_touched: BTreeSet::new(),
            positions_touched: BTreeSet::new(),
            kept: Vec::new(),
            events: Writer::default(),
        }
    }

    /// Execute a batch; returns its events as the journal holds them.
    pub fn apply(&mut self, commands: &[Command<'_>], at: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut section = |events: &mut Writer| {
            bytes.extend_from_slice(&u32::try_from(events.len()).expect("a short section").to_le_bytes());
            bytes.extend_from_slice(events.bytes());
            events.clear();
        };
        self.now = at;
        for command in commands {
            self.execute(command);
            section(&mut self.events);
        }
        self.end_batch();
        section(&mut self.events);
        bytes
    }

    fn execute(&mut self, command: &Command<'_>) {
        match command {
            Command::OpenVenue { .. } if self.opened => self.reject(0, Reason::AlreadyExists, kind::OPEN_VENUE, ""),
            Command::OpenVenue { .. } => {
                self.opened = true;
                self.accounts.insert(FEES, Account::new(FEES));
                self.accounts.insert(EXTERNAL, Account::new(EXTERNAL));
                self.ids.divide(self.accounts.len() + 1);
                self.emit(&Event::VenueOpened);
            }
            Command::OpenEpoch { epoch } if *epoch <= self.epoch => {
                self.reject(0, Reason::EpochStale, kind::OPEN_EPOCH, "");
            }
            Command::OpenEpoch { epoch } => {
                self.epoch = *epoch;
                self.emit(&Event::EpochOpened { epoch: *epoch, engine_version: ENGINE_VERSION });
            }
            Command::SubmitOrder(order) => drop(self.submit(order)),
            Command::AmendOrder(amend) => drop(self.amend(amend)),
            Command::CancelOrder(cancel) => drop(self.cancel_one(cancel)),
            Command::CancelOrders(cancel) => self.cancel_many(cancel),
            Command::Batch(batch) => self.batch(batch),
            Command::ContinueCancels => self.continue_cancels(),
            Command::OpenAccount(open) => self.open_account(open),
            Command::ChangeAccount(change) => self.change_account(change),
            Command::MoveCash(cash) => self.move_cash(cash),
            Command::RequestWithdrawal(request) => self.request_withdrawal(request),
            Command::SettleWithdrawal(settle) => self.settle_withdrawal(settle),
            Command::SetPositionLimit(limit) => self.set_position_limit(limit),
            Command::ListAsset(asset) => self.list_asset(asset),
            Command::ListInstrument(listing) => self.list_instrument(listing),
            Command::ChangeInstrument(change) => self.change_instrument(change),
            Command::SetFeeTier(tier) => self.set_fee_tier(tier),
            Command::SetKillSwitch { deadline, on } => {
                if let Err(reason) = self.check_time(*deadline) {
                    return self.reject(0, reason, kind::SET_KILL_SWITCH, "");
                }
                self.killed = *on;
                self.emit(&Event::KillSwitchSet { on: *on });
            }
        }
    }

    fn emit(&mut self, event: &Event<'_>) {
        self.sequence += 1;
        encode_event(&mut self.events, self.sequence, event);
    }

    fn reject(&mut self, account: u32, reason: Reason, kind: u8, id: &str) {
        self.emit(&Event::CommandRejected { account, reason, kind, id });
    }

    fn check_time(&self, deadline: u64) -> Result<(), Reason> {
        if !self.opened {
            Err(Reason::VenueNotOpen)
        } else if deadline != 0 && deadline < self.now {
            Err(Reason::DeadlinePassed)
        } else {
            Ok(())
        }
    }

    fn check_account(&self, deadline: u64, account: u32) -> Result<(), Reason> {
        self.check_time(deadline)?;
        if self.is_user(account) { Ok(()) } else { Err(Reason::AccountUnknown) }
    }

    fn is_user(&self, account: u32) -> bool {
        account >= FIRST_USER && self.accounts.contains_key(&account)
    }

    fn account(&self, account: u32) -> &Account {
        &self.accounts[&account]
    }

    fn account_mut(&mut self, account: u32) -> &mut Account {
        self.accounts.get_mut(&account).expect("an account that exists")
    }

    fn instrument(&self, number: u32) -> &Instrument {
        &self.instruments[number as usize - 1]
    }

    fn instrument_mut(&mut self, number: u32) -> &mut Instrument {
        &mut self.instruments[number as usize - 1]
    }

    fn next_account_sequence(&mut self, account: u32) -> u64 {
        if !self.is_user(account) {
            return 0;
        }
        let account = self.account_mut(account);
        account.sequence += 1;
        account.sequence
    }

    fn next_instrument_sequence(&mut self, number: u32) -> u64 {
        let instrument = self.instrument_mut(number);
        instrument.sequence += 1;
        instrument.sequence
    }

    fn end_batch(&mut self) {
        for (account, asset) in std::mem::take(&mut self.balances_touched) {
            let (total, held) = (self.total(account, asset), self.held(account, asset));
            let account_sequence = self.next_account_sequence(account);
            let (total, held) = (narrow(total), narrow(held));
            self.emit(&Event::BalanceChanged { account_sequence, account, asset, total, held });
        }
        for (account, instrument) in std::mem::take(&mut self.positions_touched) {
            let position = self.account(account).positions[&instrument];
            let account_sequence = self.next_account_sequence(account);
            self.emit(&Event::PositionChanged {
                account_sequence,
                account,
                instrument,
                quantity: narrow(position.quantity),
                cost: narrow(position.cost),
                realised: narrow(position.realised),
                fees: narrow(position.fees),
            });
        }
    }
}

/// The flows stay where every sum fits; what does not is a case of its own among the rules.
fn narrow(value: i128) -> i64 {
    i64::try_from(value).expect("a number of the wire")
}
