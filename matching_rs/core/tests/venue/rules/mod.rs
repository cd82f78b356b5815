//! Every rule that is built has a case here, under its name; a failure prints the book.

mod amends;
mod batches;
mod extremes;
mod ids;
mod instruments;
mod kinds;
mod money;
mod prevention;
mod priority;
mod risk;
mod withdrawals;

use cift_core::Config;
use cift_core::codec::{Reader, Writer, decode_event, encode_command};
use cift_core::command::{
    AmendOrder, CancelOrder, CashKind, ChangeAccount, ChangeInstrument, Command, InstrumentKind, InstrumentStatus,
    ListAsset, ListInstrument, MoveCash, OpenAccount, OrderType, Side, SubmitOrder, TimeInForce,
};
use cift_core::event::Event;
use cift_core::frame::Parts;
use cift_core::journal::{Applied, Runner};

use crate::oracle::frame;
use crate::table;

pub use cift_core::command::Side::{Buy, Sell};

pub const ALICE: u32 = 3;
pub const BOB: u32 = 4;
pub const CAROL: u32 = 5;
pub const DOLLAR: u16 = 1;
pub const SHARE: u16 = 2;
/// SHARE-DOLLAR: tick 1, lot 1, price and dollar in cents; a share at price 100 costs 100 units.
pub const X: u32 = 1;

/// Compare what was told with what should be; prints the venue when they differ.
macro_rules! told {
    ($venue:expr, $told:expr, $expected:expr) => {{
        let told: Vec<String> = $told;
        assert_eq!(told, $expected, "\n{}", $venue.table());
    }};
}
pub(crate) use told;

pub const NOTHING: [&str; 0] = [];

/// One shard with an instrument and three rich accounts.
pub struct Venue {
    pub runner: Runner,
    pub at: u64,
    count: u64,
}

pub fn submit(account: u32, side: Side, price: i64, quantity: i64) -> SubmitOrder<'static> {
    SubmitOrder {
        account,
        id: "",
        deadline: 0,
        instrument: X,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        flags: 0,
        stp: None,
        price,
        quantity,
        quote_amount: 0,
    }
}

pub fn market(account: u32, side: Side, quantity: i64) -> SubmitOrder<'static> {
    let order = submit(account, side, 0, quantity);
    SubmitOrder { order_type: OrderType::Market, time_in_force: TimeInForce::Ioc, ..order }
}

pub fn by_quote(account: u32, side: Side, quote_amount: i64) -> SubmitOrder<'static> {
    SubmitOrder { quote_amount, ..market(account, side, 0) }
}

pub fn listing() -> ListInstrument<'static> {
    ListInstrument {
        deadline: 0,
        symbol: "SHARE-DOLLAR",
        kind: InstrumentKind::Share,
        base: SHARE,
        quote: DOLLAR,
        price_scale: 2,
        tick_size: 1,
        lot_size: 1,
        quantity_min: 1,
        quantity_max: 1_000_000,
        notional_min: 0,
        band_ppm: 0,
        slippage_ppm: 0,
        reference_price: 0,
        maker_ppm: 0,
        taker_ppm: 0,
    }
}

pub fn change(instrument: u32) -> ChangeInstrument {
    ChangeInstrument {
        deadline: 0,
        instrument,
        status: None,
        tick_size: None,
        lot_size: None,
        quantity_min: None,
        quantity_max: None,
        notional_min: None,
        band_ppm: None,
        slippage_ppm: None,
        reference_price: None,
    }
}

pub fn settings(account: u32) -> ChangeAccount {
    ChangeAccount { account, deadline: 0, status: None, killed: None, fee_tier: None, open_orders_max: None, stp: None }
}

impl Venue {
    pub fn open() -> Self {
        Self::with(listing(), Config::default())
    }

    pub fn with(listing: ListInstrument<'_>, config: Config) -> Self {
        let mut venue = Self { runner: Runner::new(config), at: 1_000_000_000, count: 0 };
        venue.send(&Command::OpenVenue { hash_key: [1; 16] });
        venue.send(&Command::OpenEpoch { epoch: 1 });
        venue.send(&Command::ListAsset(ListAsset { deadline: 0, symbol: "DOLLAR", scale: 2 }));
        venue.send(&Command::ListAsset(ListAsset { deadline: 0, symbol: "SHARE", scale: 0 }));
        venue.send(&Command::ListInstrument(listing));
        for id in ["alice", "bob", "carol"] {
            venue.send(&Command::OpenAccount(OpenAccount { id, deadline: 0, owner: 1, group: 0 }));
        }
        for account in [ALICE, BOB, CAROL] {
            venue.cash(account, CashKind::Deposit, DOLLAR, 1_000_000);
            venue.cash(account, CashKind::Deposit, SHARE, 1_000);
        }
        venue
    }

    /// Execute one command as a batch of its own.
    pub fn apply(&mut self, command: &Command<'_>) -> Applied {
        let mut writer = Writer::default();
        encode_command(&mut writer, command);
        let number = self.runner.number() + 1;
        self.at += 1;
        let applied = self.runner.apply(&frame(&[writer.into_bytes()]), number, self.at).expect("a good frame");
        if let Err(violation) = self.runner.engine().validate() {
            panic!("{violation}\n{}", self.table());
        }
        applied
    }

    /// Execute one command; what was told of it, in short.
    pub fn send(&mut self, command: &Command<'_>) -> Vec<String> {
        let applied = self.apply(command);
        let section = Parts::new(&applied.events).next().expect("a section").expect("a whole one");
        let mut reader = Reader::new(section);
        let mut told = Vec::new();
        while !reader.rest().is_empty() {
            told.push(tell(&decode_event(&mut reader).expect("an event").1));
        }
        told
    }

    /// Enter an order; it gets an id where it has none.
    pub fn order(&mut self, order: SubmitOrder<'_>) -> Vec<String> {
        self.count += 1;
        let id = format!("order-{}", self.count);
        let id = if order.id.is_empty() { &id } else { order.id };
        self.send(&Command::SubmitOrder(SubmitOrder { id, ..order }))
    }

    /// Enter a limit order.
    pub fn limit(&mut self, account: u32, side: Side, price: i64, quantity: i64) -> Vec<String> {
        self.order(submit(account, side, price, quantity))
    }

    /// Cancel one of the account's open orders, counted from the best bid to the worst offer.
    pub fn cancel(&mut self, account: u32, place: usize) -> Vec<String> {
        let order_id = self.open_order(account, place);
        self.send(&Command::CancelOrder(CancelOrder { account, deadline: 0, order_id, id: "" }))
    }

    pub fn amend(&mut self, account: u32, price: Option<i64>, quantity: Option<i64>) -> Vec<String> {
        let order_id = self.open_order(account, 0);
        self.send(&Command::AmendOrder(AmendOrder { account, deadline: 0, order_id, price, quantity }))
    }

    pub fn open_order(&self, account: u32, place: usize) -> u64 {
        let orders = self.runner.engine().open_orders(X);
        let own = orders.iter().filter(|order| order.account == account).nth(place);
        own.map_or(0, |order| order.order_id)
    }

    pub fn cash(&mut self, account: u32, kind: CashKind, asset: u16, amount: i64) -> Vec<String> {
        self.count += 1;
        let id = format!("cash-{}", self.count);
        self.send(&Command::MoveCash(MoveCash { account, id: &id, deadline: 0, kind, asset, amount }))
    }

    /// Total and held.
    pub fn balance(&self, account: u32, asset: u16) -> (i64, i64) {
        let view = self.runner.engine().account(account).expect("an account");
        let balance = view.balances.iter().find(|balance| balance.asset == asset);
        balance.map_or((0, 0), |balance| (balance.total, balance.held))
    }

    /// The queue of a side, best first: account, price, leaves.
    pub fn queue(&self, side: Side) -> Vec<(u32, i64, i64)> {
        let orders = self.runner.engine().open_orders(X);
        orders.iter().filter(|order| order.side == side).map(|o| (o.account, o.price, o.leaves)).collect()
    }

    pub fn table(&self) -> String {
        table::venue(self.runner.engine())
    }
}

/// An event in short.
fn tell(event: &Event<'_>) -> String {
    match event {
        Event::OrderAccepted { account, .. } => format!("accepted {account}"),
        Event::OrderRejected { reason, .. } => format!("rejected {}", reason.name()),
        Event::CommandRejected { reason, .. } => format!("refused {}", reason.name()),
        Event::CommandDuplicate { same_payload, .. } => format!("duplicate, same {same_payload}"),
        Event::Trade { price, quantity, maker, taker, .. } => {
            let fees = if maker.fee == 0 && taker.fee == 0 {
                String::new()
            } else {
                format!(", fees {} {}", maker.fee, taker.fee)
            };
            format!("trade {quantity}@{price} {}>{}{fees}", maker.account, taker.account)
        }
        Event::OrderCanceled { account, quantity, reason, .. } => {
            format!("canceled {account} {quantity} {}", reason.name())
        }
        Event::OrderAmended { account, price, quantity, leaves, kept_place, .. } => {
            let place = if *kept_place { "kept" } else { "moved" };
            format!("amended {account} {quantity}@{price} leaves {leaves} {place}")
        }
        Event::OrderReduced { account, quantity, leaves, .. } => {
            format!("reduced {account} {quantity} leaves {leaves}")
        }
        Event::OrdersCanceled { count, more: true, .. } => format!("canceled {count}, more to come"),
        Event::OrdersCanceled { count, .. } => format!("canceled {count} in all"),
        Event::BatchDone { applied, refused, .. } => format!("done {applied}, refused {refused}"),
        Event::CashMoved { account, amount, .. } => format!("moved {account} {amount}"),
        Event::WithdrawalRequested { account, amount, .. } => format!("requested {account} {amount}"),
        Event::WithdrawalSettled { account, request, end, amount, .. } => {
            format!("settled {account} {request} {amount} {end:?}")
        }
        other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_string(),
    }
}
