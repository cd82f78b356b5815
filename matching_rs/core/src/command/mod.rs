//! What the engine can be asked to do. Numbers are those of the wire: prices at the instrument's price
//! scale, quantities at the base asset's, money in the asset's smallest unit, times in ns since the epoch, UTC.

mod limits;
mod withdrawal;

pub use limits::{COMMAND_BYTES_MAX, ID_BYTES_MAX, MEMBERS_MAX};
pub use withdrawal::{RequestWithdrawal, SettleWithdrawal, WithdrawalEnd};

pub mod kind;

/// The version every encoded command carries.
pub const COMMAND_VERSION: u8 = 1;

/// Which side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Offers.
    Sell = 1,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How an order is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderType {
    /// Not worse than its price.
    Limit = 0,
    /// At the best prices there are, within the slippage cap.
    Market = 1,
}

/// How long an order lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// Good till canceled.
    Gtc = 0,
    /// Immediate or cancel.
    Ioc = 1,
    /// Fill or kill.
    Fok = 2,
}

/// What happens when two orders of one group would trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SelfTradePrevention {
    /// The incoming order ends.
    CancelNewest = 1,
    /// The resting order ends.
    CancelOldest = 2,
    /// Both end.
    CancelBoth = 3,
    /// Both lose the smaller quantity; whichever reaches 0 ends.
    Decrement = 4,
}

/// Bit 0 of `flags`: never take liquidity.
pub const FLAG_POST_ONLY: u8 = 1;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccountStatus {
    /// May trade.
    Active = 0,
    /// May only cancel.
    Suspended = 1,
}

/// Where an instrument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InstrumentStatus {
    /// Orders match as they come.
    Continuous = 0,
    /// Cancels only.
    CancelOnly = 1,
    /// Cancels only, by an operator's halt.
    Halted = 2,
}

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InstrumentKind {
    /// A company's share.
    Share = 0,
    /// A coin.
    Coin = 1,
    /// An exchange-traded fund.
    Etf = 2,
}

/// Why cash or an asset enters or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CashKind {
    /// From outside to the account; amount > 0.
    Deposit = 0,
    /// From the account to outside; amount > 0.
    Withdrawal = 1,
    /// A signed correction.
    Adjustment = 2,
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmitOrder<'a> {
    /// Who orders.
    pub account: u32,
    /// The client's id, 1 to 64 bytes.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// What is traded.
    pub instrument: u32,
    /// Buy or sell.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// How long it lasts.
    pub time_in_force: TimeInForce,
    /// See `FLAG_POST_ONLY`.
    pub flags: u8,
    /// None: the account's default.
    pub stp: Option<SelfTradePrevention>,
    /// Limit price; 0 for a market order.
    pub price: i64,
    /// Quantity; 0 for an order by quote amount.
    pub quantity: i64,
    /// Quote amount of a market order, fee included; 0 for an order by quantity.
    pub quote_amount: i64,
}

/// A change of a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendOrder {
    /// Whose order.
    pub account: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Which order.
    pub order_id: u64,
    /// The new price, or as it is.
    pub price: Option<i64>,
    /// The new total quantity, filled part included, or as it is.
    pub quantity: Option<i64>,
}

/// The end of one order, by its id or by the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder<'a> {
    /// Whose order.
    pub account: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Which order; 0: by `id`.
    pub order_id: u64,
    /// The client's id; empty: by `order_id`.
    pub id: &'a str,
}

/// The end of all orders that fit and are open when it comes, a slice of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrders {
    /// Whose orders; 0: everybody's.
    pub account: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Of which instrument; 0: of all.
    pub instrument: u32,
    /// Of which side; none: both.
    pub side: Option<Side>,
    /// Not below this price.
    pub price_min: Option<i64>,
    /// Not above this price.
    pub price_max: Option<i64>,
}

/// One command of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMember<'a> {
    /// A new order.
    Submit(SubmitOrder<'a>),
    /// A change.
    Amend(AmendOrder),
    /// A cancel.
    Cancel(CancelOrder<'a>),
}

/// Several commands of one account in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Whose commands; every member names the same account.
    pub account: u32,
    /// The id an atomic batch's one outcome is remembered under, unique per account among orders and money commands;
    /// empty: it has none of its own.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// All pass risk together, or none is applied.
    pub atomic: bool,
    /// At most 100.
    pub members: Vec<BatchMember<'a>>,
}

/// A new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAccount<'a> {
    /// The command's id, unique among openings.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Opaque to the engine: the user it belongs to.
    pub owner: u64,
    /// Self-trade group; 0: its own.
    pub group: u32,
}

/// A change of an account; `None` leaves as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeAccount {
    /// Which account.
    pub account: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Active or suspended.
    pub status: Option<AccountStatus>,
    /// The account's kill switch.
    pub killed: Option<bool>,
    /// 0 to 15.
    pub fee_tier: Option<u8>,
    /// The most orders it may have open.
    pub open_orders_max: Option<u32>,
    /// The default for its orders.
    pub stp: Option<SelfTradePrevention>,
}

/// A deposit, withdrawal or adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveCash<'a> {
    /// Which account.
    pub account: u32,
    /// The command's id, 1 to 64 bytes, unique per account among orders and money commands.
    pub id: &'a str,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Why.
    pub kind: CashKind,
    /// Of what.
    pub asset: u16,
    /// Smallest units; > 0, or signed and not 0 for an adjustment.
    pub amount: i64,
}

/// A bound on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetPositionLimit {
    /// Which account.
    pub account: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Which instrument.
    pub instrument: u32,
    /// Base units; 0: none.
    pub limit: i64,
}

/// A new asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListAsset<'a> {
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// For example `USD`.
    pub symbol: &'a str,
    /// Decimals of its smallest unit, at most 12.
    pub scale: u8,
}

/// A new instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListInstrument<'a> {
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// `BASE-QUOTE`.
    pub symbol: &'a str,
    /// What it is.
    pub kind: InstrumentKind,
    /// Base asset.
    pub base: u16,
    /// Quote asset.
    pub quote: u16,
    /// Decimals of a price, at most 12; never changes.
    pub price_scale: u8,
    /// Smallest price step.
    pub tick_size: i64,
    /// Smallest quantity step.
    pub lot_size: i64,
    /// Smallest order.
    pub quantity_min: i64,
    /// Largest order.
    pub quantity_max: i64,
    /// Least price × quantity, quote units.
    pub notional_min: i64,
    /// Band around the reference price, parts per million; 0: none.
    pub band_ppm: u32,
    /// Furthest a market order may walk, parts per million; 0: no cap.
    pub slippage_ppm: u32,
    /// Reference price until the first trade; 0: none.
    pub reference_price: i64,
    /// Maker fee of tier 0, parts per million.
    pub maker_ppm: u32,
    /// Taker fee of tier 0, parts per million.
    pub taker_ppm: u32,
}

/// A change of an instrument; `None` leaves as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeInstrument {
    /// Which instrument.
    pub instrument: u32,
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Trading status.
    pub status: Option<InstrumentStatus>,
    /// Only while no order is open.
    pub tick_size: Option<i64>,
    /// Only while no order is open.
    pub lot_size: Option<i64>,
    /// Smallest order.
    pub quantity_min: Option<i64>,
    /// Largest order.
    pub quantity_max: Option<i64>,
    /// Least price × quantity.
    pub notional_min: Option<i64>,
    /// Price band.
    pub band_ppm: Option<u32>,
    /// Slippage cap.
    pub slippage_ppm: Option<u32>,
    /// Reference price.
    pub reference_price: Option<i64>,
}

/// The fees of one tier of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetFeeTier {
    /// Refused after this time; 0 for none.
    pub deadline: u64,
    /// Which instrument.
    pub instrument: u32,
    /// 0 to 15.
    pub tier: u8,
    /// Parts per million, at most 1,000,000.
    pub maker_ppm: u32,
    /// Parts per million, at most 1,000,000.
    pub taker_ppm: u32,
}

/// Anything the engine can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant wraps the documented struct of its name")]
pub enum Command<'a> {
    OpenVenue {
        hash_key: [u8; 16],
    },
    OpenEpoch {
        epoch: u64,
    },
    SubmitOrder(SubmitOrder<'a>),
    AmendOrder(AmendOrder),
    CancelOrder(CancelOrder<'a>),
    CancelOrders(CancelOrders),
    Batch(Batch<'a>),
    /// The next slice of a mass cancel that is not over.
    ContinueCancels,
    OpenAccount(OpenAccount<'a>),
    ChangeAccount(ChangeAccount),
    MoveCash(MoveCash<'a>),
    RequestWithdrawal(RequestWithdrawal<'a>),
    SettleWithdrawal(SettleWithdrawal<'a>),
    SetPositionLimit(SetPositionLimit),
    ListAsset(ListAsset<'a>),
    ListInstrument(ListInstrument<'a>),
    ChangeInstrument(ChangeInstrument),
    SetFeeTier(SetFeeTier),
    SetKillSwitch {
        deadline: u64,
        on: bool,
    },
}
