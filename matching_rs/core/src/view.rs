//! What can be read from the engine, in the numbers of the wire.

use crate::command::{AccountStatus, InstrumentStatus, Side};

/// One price of a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Price units.
    pub price: i64,
    /// Base units open at this price; 0: the level is gone.
    pub quantity: i64,
    /// How many orders make it up.
    pub orders: u32,
}

/// What changed in one book since the last drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookChange<'a> {
    /// Which instrument.
    pub instrument: u32,
    /// The instrument's sequence at the last drain.
    pub previous_sequence: u64,
    /// The instrument's sequence now.
    pub sequence: u64,
    /// Trading status now.
    pub status: InstrumentStatus,
    /// Changed bids, absolute, best first.
    pub bids: &'a [Level],
    /// Changed asks, absolute, best first.
    pub asks: &'a [Level],
    /// Best bid now.
    pub best_bid: Option<Level>,
    /// Best ask now.
    pub best_ask: Option<Level>,
}

/// A book at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookView {
    /// Which instrument.
    pub instrument: u32,
    /// The instrument's sequence.
    pub instrument_sequence: u64,
    /// The shard's sequence.
    pub sequence: u64,
    /// Best first.
    pub bids: Vec<Level>,
    /// Best first.
    pub asks: Vec<Level>,
    /// Price of the last trade, else the reference price set; 0: none.
    pub last_price: i64,
    /// Trading status.
    pub status: InstrumentStatus,
}

/// An open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub order_id: u64,
    /// Whose.
    pub account: u32,
    /// Of which instrument.
    pub instrument: u32,
    /// Bid or offer.
    pub side: Side,
    /// Price units.
    pub price: i64,
    /// Total base units, filled part included.
    pub quantity: i64,
    /// Base units still open.
    pub leaves: i64,
    /// Quote units held (buy) or base units held (sell).
    pub hold: i64,
}

/// One asset of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalanceView {
    /// Which asset.
    pub asset: u16,
    /// Smallest units owned.
    pub total: i64,
    /// Of these, bound by open orders and requested withdrawals.
    pub held: i64,
}

/// One instrument's position of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionView {
    /// Which instrument.
    pub instrument: u32,
    /// Base units, negative when short.
    pub quantity: i64,
    /// Quote units paid for it, negative when short.
    pub cost: i64,
    /// Quote units of profit realised.
    pub realised: i64,
    /// Quote units of fees paid.
    pub fees: i64,
}

/// A withdrawal requested and not settled yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalView {
    /// The id it was requested under.
    pub id: String,
    /// Of what.
    pub asset: u16,
    /// Smallest units.
    pub amount: i64,
    /// Of the event it began with.
    pub sequence: u64,
}

/// An account at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Active or suspended.
    pub status: AccountStatus,
    /// Its kill switch.
    pub killed: bool,
    /// 0 to 15.
    pub fee_tier: u8,
    /// Its sequence.
    pub account_sequence: u64,
    /// By asset; untouched assets are left out.
    pub balances: Vec<BalanceView>,
    /// How many orders it has open.
    pub open_orders: u32,
    /// By instrument; untouched ones are left out.
    pub positions: Vec<PositionView>,
    /// Not settled yet, by id.
    pub withdrawals: Vec<WithdrawalView>,
}

/// What is remembered of a client's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupView {
    /// The order it made; 0: not an order.
    pub order_id: u64,
    /// Sequence of its first answer.
    pub sequence: u64,
    /// The order is open.
    pub open: bool,
}

/// The engine in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sequence of the last event.
    pub sequence: u64,
    /// Writer's epoch.
    pub epoch: u64,
    /// Accounts, the two reserved ones included.
    pub accounts: u32,
    /// Listed instruments.
    pub instruments: u32,
    /// Orders open.
    pub open_orders: u32,
    /// Client ids remembered.
    pub ids: u32,
    /// Bytes the order pool takes.
    pub bytes_orders: u64,
    /// Bytes the id table takes.
    pub bytes_ids: u64,
    /// The venue's kill switch is on.
    pub killed: bool,
}
