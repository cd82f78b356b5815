//! The enumerations as their wire numbers.

use super::reader::{Malformed, Reader};
use crate::command::{
    AccountStatus, CashKind, InstrumentKind, InstrumentStatus, OrderType, SelfTradePrevention, Side, TimeInForce,
    WithdrawalEnd,
};
use crate::reason::Reason;

type Read<T> = Result<T, Malformed>;

pub(super) fn side(reader: &mut Reader<'_>) -> Read<Side> {
    match reader.unsigned()? {
        0 => Ok(Side::Buy),
        1 => Ok(Side::Sell),
        _ => Err(Malformed),
    }
}

pub(super) fn order_type(reader: &mut Reader<'_>) -> Read<OrderType> {
    match reader.unsigned()? {
        0 => Ok(OrderType::Limit),
        1 => Ok(OrderType::Market),
        _ => Err(Malformed),
    }
}

pub(super) fn time_in_force(reader: &mut Reader<'_>) -> Read<TimeInForce> {
    match reader.unsigned()? {
        0 => Ok(TimeInForce::Gtc),
        1 => Ok(TimeInForce::Ioc),
        2 => Ok(TimeInForce::Fok),
        _ => Err(Malformed),
    }
}

pub(super) fn stp(reader: &mut Reader<'_>) -> Read<SelfTradePrevention> {
    stp_or_default(reader)?.ok_or(Malformed)
}

/// 0 leaves it to the account's default.
pub(super) fn stp_or_default(reader: &mut Reader<'_>) -> Read<Option<SelfTradePrevention>> {
    match reader.unsigned()? {
        0 => Ok(None),
        1 => Ok(Some(SelfTradePrevention::CancelNewest)),
        2 => Ok(Some(SelfTradePrevention::CancelOldest)),
        3 => Ok(Some(SelfTradePrevention::CancelBoth)),
        4 => Ok(Some(SelfTradePrevention::Decrement)),
        _ => Err(Malformed),
    }
}

pub(super) fn account_status(reader: &mut Reader<'_>) -> Read<AccountStatus> {
    match reader.unsigned()? {
        0 => Ok(AccountStatus::Active),
        1 => Ok(AccountStatus::Suspended),
        _ => Err(Malformed),
    }
}

pub(super) fn instrument_status(reader: &mut Reader<'_>) -> Read<InstrumentStatus> {
    match reader.unsigned()? {
        0 => Ok(InstrumentStatus::Continuous),
        1 => Ok(InstrumentStatus::CancelOnly),
        2 => Ok(InstrumentStatus::Halted),
        _ => Err(Malformed),
    }
}

pub(super) fn instrument_kind(reader: &mut Reader<'_>) -> Read<InstrumentKind> {
    match reader.unsigned()? {
        0 => Ok(InstrumentKind::Share),
        1 => Ok(InstrumentKind::Coin),
        2 => Ok(InstrumentKind::Etf),
        _ => Err(Malformed),
    }
}

pub(super) fn cash_kind(reader: &mut Reader<'_>) -> Read<CashKind> {
    match reader.unsigned()? {
        0 => Ok(CashKind::Deposit),
        1 => Ok(CashKind::Withdrawal),
        2 => Ok(CashKind::Adjustment),
        _ => Err(Malformed),
    }
}

pub(super) fn withdrawal_end(reader: &mut Reader<'_>) -> Read<WithdrawalEnd> {
    match reader.unsigned()? {
        0 => Ok(WithdrawalEnd::Booked),
        1 => Ok(WithdrawalEnd::Released),
        _ => Err(Malformed),
    }
}

pub(super) fn reason(reader: &mut Reader<'_>) -> Read<Reason> {
    Reason::from_number(reader.u16()?).ok_or(Malformed)
}
