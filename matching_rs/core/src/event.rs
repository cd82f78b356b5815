//! What happened, in the past tense. Numbers are those of the wire (see `command`). `account_sequence` and
//! `instrument_sequence` count an account's and an instrument's events from 1 without a gap.

use crate::command::{
    AccountStatus, CashKind, InstrumentKind, InstrumentStatus, OrderType, SelfTradePrevention, Side, TimeInForce,
    WithdrawalEnd,
};
use crate::reason::Reason;

/// An order's terms as it was sent, repeated when it is accepted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of SubmitOrder")]
pub struct Terms<'a> {
    pub id: &'a str,
    pub instrument: u32,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub flags: u8,
    pub stp: SelfTradePrevention,
    pub price: i64,
    pub quantity: i64,
    pub quote_amount: i64,
}

/// One order's side of a trade, as it stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeSide {
    /// Which order.
    pub order_id: u64,
    /// Whose.
    pub account: u32,
    /// The account's next sequence.
    pub account_sequence: u64,
    /// What is left: base units, or quote units of an order by quote amount.
    pub leaves: i64,
    /// Quote units traded by the order so far.
    pub filled_notional: i64,
    /// Quote units charged for this fill.
    pub fee: i64,
    /// Quote units charged to the order so far.
    pub fee_total: i64,
}

/// Everything about an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of ListInstrument")]
pub struct InstrumentTerms<'a> {
    pub symbol: &'a str,
    pub kind: InstrumentKind,
    pub base: u16,
    pub quote: u16,
    pub price_scale: u8,
    pub tick_size: i64,
    pub lot_size: i64,
    pub quantity_min: i64,
    pub quantity_max: i64,
    pub notional_min: i64,
    pub band_ppm: u32,
    pub slippage_ppm: u32,
    pub reference_price: i64,
    pub maker_ppm: u32,
    pub taker_ppm: u32,
    pub status: InstrumentStatus,
}

/// What happened; each is emitted with the shard's next sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "field names are those of the wire's table in ARCHITECTURE.md")]
pub enum Event<'a> {
    VenueOpened,
    EpochOpened {
        epoch: u64,
        engine_version: u32,
    },
    CommandDuplicate {
        account: u32,
        id: &'a str,
        first_sequence: u64,
        order_id: u64,
        same_payload: bool,
    },
    CommandRejected {
        account: u32,
        reason: Reason,
        kind: u8,
        id: &'a str,
    },
    OrderAccepted {
        account_sequence: u64,
        instrument_sequence: u64,
        account: u32,
        order_id: u64,
        terms: Terms<'a>,
        maker_ppm: u32,
        taker_ppm: u32,
    },
    OrderRejected {
        account_sequence: u64,
        account: u32,
        order_id: u64,
        reason: Reason,
        terms: Terms<'a>,
    },
    Trade {
        instrument_sequence: u64,
        instrument: u32,
        price: i64,
        quantity: i64,
        taker_side: Side,
        maker: TradeSide,
        taker: TradeSide,
    },
    OrderCanceled {
        account_sequence: u64,
        instrument_sequence: u64,
        account: u32,
        order_id: u64,
        instrument: u32,
        reason: Reason,
        quantity: i64,
        price: i64,
        order_quantity: i64,
        filled_quantity: i64,
        filled_notional: i64,
        fee_total: i64,
    },
    OrderAmended {
        account_sequence: u64,
        instrument_sequence: u64,
        account: u32,
        order_id: u64,
        instrument: u32,
        price: i64,
        quantity: i64,
        leaves: i64,
        kept_place: bool,
        filled_quantity: i64,
        filled_notional: i64,
        fee_total: i64,
    },
    OrderReduced {
        account_sequence: u64,
        instrument_sequence: u64,
        account: u32,
        order_id: u64,
        instrument: u32,
        quantity: i64,
        leaves: i64,
    },
    OrdersCanceled {
        account: u32,
        count: u32,
        more: bool,
    },
    BatchDone {
        account: u32,
        applied: u32,
        refused: u32,
    },
    AccountOpened {
        account_sequence: u64,
        account: u32,
        owner: u64,
        group: u32,
        id: &'a str,
    },
    AccountChanged {
        account_sequence: u64,
        account: u32,
        status: AccountStatus,
        killed: bool,
        fee_tier: u8,
        open_orders_max: u32,
        stp: SelfTradePrevention,
    },
    CashMoved {
        account_sequence: u64,
        account: u32,
        id: &'a str,
        kind: CashKind,
        asset: u16,
        amount: i64,
    },
    BalanceChanged {
        account_sequence: u64,
        account: u32,
        asset: u16,
        total: i64,
        held: i64,
    },
    PositionChanged {
        account_sequence: u64,
        account: u32,
        instrument: u32,
        quantity: i64,
        cost: i64,
        realised: i64,
        fees: i64,
    },
    PositionLimitSet {
        account_sequence: u64,
        account: u32,
        instrument: u32,
        limit: i64,
    },
    WithdrawalRequested {
        account_sequence: u64,
        account: u32,
        id: &'a str,
        asset: u16,
        amount: i64,
    },
    WithdrawalSettled {
        account_sequence: u64,
        account: u32,
        id: &'a str,
        request: &'a str,
        request_sequence: u64,
        end: WithdrawalEnd,
        asset: u16,
        amount: i64,
    },
    AssetListed {
        asset: u16,
        symbol: &'a str,
        scale: u8,
    },
    InstrumentListed {
        instrument_sequence: u64,
        instrument: u32,
        terms: InstrumentTerms<'a>,
    },
    InstrumentChanged {
        instrument_sequence: u64,
        instrument: u32,
        status: InstrumentStatus,
        tick_size: i64,
        lot_size: i64,
        quantity_min: i64,
        quantity_max: i64,
        notional_min: i64,
        band_ppm: u32,
        slippage_ppm: u32,
        reference_price: i64,
    },
    FeeTierSet {
        instrument_sequence: u64,
        instrument: u32,
        tier: u8,
        maker_ppm: u32,
        taker_ppm: u32,
    },
    KillSwitchSet {
        on: bool,
    },
}

/// The wire numbers of the event kinds.
#[allow(missing_docs, reason = "each constant is the number of the event of its name")]
pub mod kind {
    pub const VENUE_OPENED: u8 = 1;
    pub const EPOCH_OPENED: u8 = 2;
    pub const COMMAND_DUPLICATE: u8 = 3;
    pub const COMMAND_REJECTED: u8 = 4;
    pub const ORDER_ACCEPTED: u8 = 10;
    pub const ORDER_REJECTED: u8 = 11;
    pub const TRADE: u8 = 12;
    pub const ORDER_CANCELED: u8 = 13;
    pub const ORDER_AMENDED: u8 = 14;
    pub const ORDER_REDUCED: u8 = 15;
    pub const ORDERS_CANCELED: u8 = 16;
    pub const BATCH_DONE: u8 = 17;
    pub const ACCOUNT_OPENED: u8 = 20;
    pub const ACCOUNT_CHANGED: u8 = 21;
    pub const CASH_MOVED: u8 = 22;
    pub const BALANCE_CHANGED: u8 = 23;
    pub const POSITION_CHANGED: u8 = 24;
    pub const POSITION_LIMIT_SET: u8 = 25;
    pub const WITHDRAWAL_REQUESTED: u8 = 26;
    pub const WITHDRAWAL_SETTLED: u8 = 27;
    pub const ASSET_LISTED: u8 = 30;
    pub const INSTRUMENT_LISTED: u8 = 31;
    pub const INSTRUMENT_CHANGED: u8 = 32;
    pub const FEE_TIER_SET: u8 = 33;
    pub const KILL_SWITCH_SET: u8 = 34;
}

/// Takes the engine's events as they happen.
pub trait Sink {
    /// Take one event with its sequence.
    fn emit(&mut self, sequence: u64, event: &Event<'_>);
}
