//! Commands and events as named values, in the order and under the names of the golden files.

use cift_core::command::{
    AccountStatus, BatchMember, CashKind, Command, InstrumentKind, InstrumentStatus, OrderType, SelfTradePrevention,
    Side, TimeInForce, WithdrawalEnd,
};
use cift_core::event::Event;
use cift_core::reason::Reason;
use serde_json::{Map, Value};

/// A value as the golden files write it.
trait Plain {
    fn plain(&self) -> Value;
}

macro_rules! plain {
    ($($type:ty => $as:expr;)*) => { $(impl Plain for $type {
        fn plain(&self) -> Value { let as_value: fn(&$type) -> Value = $as; as_value(self) }
    })* };
}

plain! {
    u8 => |v| (*v).into();
    u16 => |v| (*v).into();
    u32 => |v| (*v).into();
    u64 => |v| (*v).into();
    i64 => |v| (*v).into();
    bool => |v| (*v).into();
    &str => |v| (*v).into();
    Side => |v| (*v as u8).into();
    OrderType => |v| (*v as u8).into();
    TimeInForce => |v| (*v as u8).into();
    SelfTradePrevention => |v| (*v as u8).into();
    AccountStatus => |v| (*v as u8).into();
    InstrumentStatus => |v| (*v as u8).into();
    InstrumentKind => |v| (*v as u8).into();
    CashKind => |v| (*v as u8).into();
    WithdrawalEnd => |v| (*v as u8).into();
    Reason => |v| v.number().into();
}

impl<T: Plain> Plain for Option<T> {
    fn plain(&self) -> Value {
        self.as_ref().map_or(Value::Null, Plain::plain)
    }
}

/// The fields of a struct, in the order given; `type` and `tif` are short on the wire's side.
macro_rules! fields {
    ($from:expr; $($name:ident)*) => { Map::from_iter([$((short(stringify!($name)), $from.$name.plain()),)*]) };
}

/// The fields of a variant that have these names.
macro_rules! values {
    ($($name:ident)*) => { Map::from_iter([$((short(stringify!($name)), $name.plain()),)*]) };
}

fn short(name: &str) -> String {
    match name {
        "order_type" => "type",
        "time_in_force" => "tif",
        other => other,
    }
    .to_string()
}

fn join(maps: impl IntoIterator<Item = Map<String, Value>>) -> Map<String, Value> {
    maps.into_iter().flatten().collect()
}

/// A command's name and fields.
pub fn command(command: &Command<'_>) -> (&'static str, Map<String, Value>) {
    match command {
        Command::OpenVenue { hash_key } => {
            let digits = format!("{:032x}", u128::from_be_bytes(*hash_key));
            ("OpenVenue", Map::from_iter([("hash_key".to_string(), digits.into())]))
        }
        Command::OpenEpoch { epoch } => ("OpenEpoch", values!(epoch)),
        Command::SubmitOrder(order) => member(&BatchMember::Submit(*order)),
        Command::AmendOrder(amend) => member(&BatchMember::Amend(*amend)),
        Command::CancelOrder(cancel) => member(&BatchMember::Cancel(*cancel)),
        Command::CancelOrders(c) => ("CancelOrders", fields!(c; account deadline instrument side price_min price_max)),
        Command::Batch(batch) => {
            let members = batch.members.iter().map(|one| {
                let (kind, fields) = member(one);
                serde_json::json!({"kind": kind, "fields": fields})
            });
            let members = Map::from_iter([("members".to_string(), members.collect())]);
            ("Batch", join([fields!(batch; account id deadline atomic), members]))
        }
        Command::ContinueCancels => ("ContinueCancels", Map::new()),
        Command::OpenAccount(c) => ("OpenAccount", fields!(c; id deadline owner group)),
        Command::ChangeAccount(c) => {
            ("ChangeAccount", fields!(c; account deadline status killed fee_tier open_orders_max stp))
        }
        Command::MoveCash(c) => ("MoveCash", fields!(c; account id deadline kind asset amount)),
        Command::RequestWithdrawal(c) => ("RequestWithdrawal", fields!(c; account id deadline asset amount)),
        Command::SettleWithdrawal(c) => ("SettleWithdrawal", fields!(c; account id deadline request end)),
        Command::SetPositionLimit(c) => ("SetPositionLimit", fields!(c; account deadline instrument limit)),
        Command::ListAsset(c) => ("ListAsset", fields!(c; deadline symbol scale)),
        Command::ListInstrument(c) => (
            "ListInstrument",
            fields!(c; deadline symbol kind base quote price_scale tick_size lot_size quantity_min quantity_max
                notional_min band_ppm slippage_ppm reference_price maker_ppm taker_ppm),
        ),
        Command::ChangeInstrument(c) => (
            "ChangeInstrument",
            fields!(c; deadline instrument status tick_size lot_size quantity_min quantity_max notional_min band_ppm
                slippage_ppm reference_price),
        ),
        Command::SetFeeTier(c) => ("SetFeeTier", fields!(c; deadline instrument tier maker_ppm taker_ppm)),
        Command::SetKillSwitch { deadline, on } => ("SetKillSwitch", values!(deadline on)),
    }
}

fn member(member: &BatchMember<'_>) -> (&'static str, Map<String, Value>) {
    match member {
        BatchMember::Submit(c) => {
            let mut order = fields!(c; account id deadline instrument side order_type time_in_force flags stp price
                quantity quote_amount);
            // Only here is "the account's default" 0, not nil.
            order.insert("stp".to_string(), c.stp.map_or(0, |stp| stp as u8).into());
            ("SubmitOrder", order)
        }
        BatchMember::Amend(c) => ("AmendOrder", fields!(c; account deadline order_id price quantity)),
        BatchMember::Cancel(c) => ("CancelOrder", fields!(c; account deadline order_id id)),
    }
}

macro_rules! events {
    ($event:expr; $($variant:ident { $($name:ident)* })*) => {
        match $event {
            $(Event::$variant { $($name,)* } => (stringify!($variant), values!($($name)*)),)*
            other => nested(other),
        }
    };
}

/// An event's name and fields, but its sequence.
pub fn event(event: &Event<'_>) -> (&'static str, Map<String, Value>) {
    events! { event;
        VenueOpened {}
        EpochOpened { epoch engine_version }
        CommandDuplicate { account id first_sequence order_id same_payload }
        CommandRejected { account reason kind id }
        OrderCanceled { account_sequence instrument_sequence account order_id instrument reason quantity
            price order_quantity filled_quantity filled_notional fee_total }
        OrderAmended { account_sequence instrument_sequence account order_id instrument price quantity leaves
            kept_place filled_quantity filled_notional fee_total }
        OrderReduced { account_sequence instrument_sequence account order_id instrument quantity leaves }
        OrdersCanceled { account count more }
        BatchDone { account applied refused }
        AccountOpened { account_sequence account owner group id }
        AccountChanged { account_sequence account status killed fee_tier open_orders_max stp }
        CashMoved { account_sequence account id kind asset amount }
        BalanceChanged { account_sequence account asset total held }
        PositionChanged { account_sequence account instrument quantity cost realised fees }
        PositionLimitSet { account_sequence account instrument limit }
        WithdrawalRequested { account_sequence account id asset amount }
        WithdrawalSettled { account_sequence account id request request_sequence end asset amount }
        AssetListed { asset symbol scale }
        InstrumentChanged { instrument_sequence instrument status tick_size lot_size quantity_min quantity_max
            notional_min band_ppm slippage_ppm reference_price }
        FeeTierSet { instrument_sequence instrument tier maker_ppm taker_ppm }
        KillSwitchSet { on }
    }
}

/// The events that have a struct inside.
fn nested(event: &Event<'_>) -> (&'static str, Map<String, Value>) {
    match event {
        Event::OrderAccepted {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            terms,
            maker_ppm,
            taker_ppm,
        } => {
            let head = values!(account_sequence instrument_sequence account order_id);
            let terms = fields!(terms; id instrument side order_type time_in_force flags stp price quantity
                quote_amount);
            ("OrderAccepted", join([head, terms, values!(maker_ppm taker_ppm)]))
        }
        Event::OrderRejected { account_sequence, account, order_id, reason, terms } => {
            let head = join([values!(account_sequence account order_id), fields!(terms; id instrument)]);
            let terms = fields!(terms; side order_type time_in_force flags stp price quantity quote_amount);
            ("OrderRejected", join([head, values!(reason), terms]))
        }
        Event::Trade { instrument_sequence, instrument, price, quantity, taker_side, maker, taker } => {
            let sides = [("maker", maker), ("taker", taker)].map(|(who, side)| {
                let side = fields!(side; order_id account account_sequence leaves filled_notional fee fee_total);
                side.into_iter().map(|(name, value)| (format!("{who}_{name}"), value)).collect()
            });
            let head = values!(instrument_sequence instrument price quantity taker_side);
            ("Trade", join([head, join(sides)]))
        }
        Event::InstrumentListed { instrument_sequence, instrument, terms } => {
            let terms = fields!(terms; symbol kind base quote price_scale tick_size lot_size quantity_min quantity_max
                notional_min band_ppm slippage_ppm reference_price maker_ppm taker_ppm status);
            ("InstrumentListed", join([values!(instrument_sequence instrument), terms]))
        }
        other => panic!("{other:?} has no names here"),
    }
}
