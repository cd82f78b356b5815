//! Bytes → `Event`.

use super::codes;
use super::reader::{Malformed, Reader};
use crate::event::{Event, InstrumentTerms, Terms, TradeSide, kind};

type Read<T> = Result<T, Malformed>;

/// Read one event and its sequence; the reader then stands behind it.
///
/// # Errors
/// `Malformed` when the bytes do not begin with a whole event.
pub fn decode_event<'a>(r: &mut Reader<'a>) -> Result<(u64, Event<'a>), Malformed> {
    let values = r.array()?;
    let number = r.u8()?;
    let sequence = r.unsigned()?;
    if field_count(number)? + 2 != values {
        return Err(Malformed);
    }
    Ok((sequence, read(number, r)?))
}

const fn field_count(number: u8) -> Read<usize> {
    Ok(match number {
        kind::VENUE_OPENED => 0,
        kind::KILL_SWITCH_SET => 1,
        kind::EPOCH_OPENED => 2,
        kind::BATCH_DONE | kind::ORDERS_CANCELED | kind::ASSET_LISTED => 3,
        kind::COMMAND_REJECTED | kind::POSITION_LIMIT_SET => 4,
        kind::COMMAND_DUPLICATE
        | kind::ACCOUNT_OPENED
        | kind::BALANCE_CHANGED
        | kind::FEE_TIER_SET
        | kind::WITHDRAWAL_REQUESTED => 5,
        kind::CASH_MOVED => 6,
        kind::ORDER_REDUCED | kind::ACCOUNT_CHANGED | kind::POSITION_CHANGED => 7,
        kind::WITHDRAWAL_SETTLED => 8,
        kind::INSTRUMENT_CHANGED => 11,
        kind::ORDER_CANCELED | kind::ORDER_AMENDED => 12,
        kind::ORDER_REJECTED => 14,
        kind::ORDER_ACCEPTED => 16,
        kind::INSTRUMENT_LISTED => 18,
        kind::TRADE => 19,
        _ => return Err(Malformed),
    })
}

fn read<'a>(number: u8, r: &mut Reader<'a>) -> Read<Event<'a>> {
    Ok(match number {
        kind::ORDER_ACCEPTED => Event::OrderAccepted {
            account_sequence: r.unsigned()?,
            instrument_sequence: r.unsigned()?,
            account: r.u32()?,
            order_id: r.unsigned()?,
            terms: {
                let (id, instrument) = (r.str()?, r.u32()?);
                order_terms(r, id, instrument)?
            },
            maker_ppm: r.u32()?,
            taker_ppm: r.u32()?,
        },
        kind::ORDER_REJECTED => {
            let (account_sequence, account, order_id) = (r.unsigned()?, r.u32()?, r.unsigned()?);
            let (id, instrument, reason) = (r.str()?, r.u32()?, codes::reason(r)?);
            let terms = order_terms(r, id, instrument)?;
            Event::OrderRejected { account_sequence, account, order_id, reason, terms }
        }
        kind::TRADE => Event::Trade {
            instrument_sequence: r.unsigned()?,
            instrument: r.u32()?,
            price: r.signed()?,
            quantity: r.signed()?,
            taker_side: codes::side(r)?,
            maker: trade_side(r)?,
            taker: trade_side(r)?,
        },
        kind::ORDER_CANCELED => Event::OrderCanceled {
            account_sequence: r.unsigned()?,
            instrument_sequence: r.unsigned()?,
            account: r.u32()?,
            order_id: r.unsigned()?,
            instrument: r.u32()?,
            reason: codes::reason(r)?,
            quantity: r.signed()?,
            price: r.signed()?,
            order_quantity: r.signed()?,
            filled_quantity: r.signed()?,
            filled_notional: r.signed()?,
            fee_total: r.signed()?,
        },
        kind::ORDER_AMENDED => Event::OrderAmended {
            account_sequence: r.unsigned()?,
            instrument_sequence: r.unsigned()?,
            account: r.u32()?,
            order_id: r.unsigned()?,
            instrument: r.u32()?,
            price: r.signed()?,
            quantity: r.signed()?,
            leaves: r.signed()?,
            kept_place: r.bool()?,
            filled_quantity: r.signed()?,
            filled_notional: r.signed()?,
            fee_total: r.signed()?,
        },
        kind::ORDER_REDUCED => Event::OrderReduced {
            account_sequence: r.unsigned()?,
            instrument_sequence: r.unsigned()?,
            account: r.u32()?,
            order_id: r.unsigned()?,
            instrument: r.u32()?,
            quantity: r.signed()?,
            leaves: r.signed()?,
        },
        kind::ORDERS_CANCELED => Event::OrdersCanceled { account: r.u32()?, count: r.u32()?, more: r.bool()? },
        kind::BATCH_DONE => Event::BatchDone { account: r.u32()?, applied: r.u32()?, refused: r.u32()? },
        _ => read_account(number, r)?,
    })
}

fn order_terms<'a>(r: &mut Reader<'a>, id: &'a str, instrument: u32) -> Read<Terms<'a>> {
    Ok(Terms {
        id,
        instrument,
        side: codes::side(r)?,
        order_type: codes::order_type(r)?,
        time_in_force: codes::time_in_force(r)?,
        flags: r.u8()?,
        stp: codes::stp(r)?,
        price: r.signed()?,
        quantity: r.signed()?,
        quote_amount: r.signed()?,
    })
}

fn trade_side(r: &mut Reader<'_>) -> Read<TradeSide> {
    Ok(TradeSide {
        order_id: r.unsigned()?,
        account: r.u32()?,
        account_sequence: r.unsigned()?,
        leaves: r.signed()?,
        filled_notional: r.signed()?,
        fee: r.signed()?,
        fee_total: r.signed()?,
    })
}

fn read_account<'a>(number: u8, r: &mut Reader<'a>) -> Read<Event<'a>> {
    Ok(match number {
        kind::ACCOUNT_OPENED => Event::AccountOpened {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            owner: r.unsigned()?,
            group: r.u32()?,
            id: r.str()?,
        },
        kind::ACCOUNT_CHANGED => Event::AccountChanged {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            status: codes::account_status(r)?,
            killed: r.bool()?,
            fee_tier: r.u8()?,
            open_orders_max: r.u32()?,
            stp: codes::stp(r)?,
        },
        kind::CASH_MOVED => Event::CashMoved {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            id: r.str()?,
            kind: codes::cash_kind(r)?,
            asset: r.u16()?,
            amount: r.signed()?,
        },
        kind::BALANCE_CHANGED => Event::BalanceChanged {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            asset: r.u16()?,
            total: r.signed()?,
            held: r.signed()?,
        },
        kind::POSITION_CHANGED => Event::PositionChanged {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            instrument: r.u32()?,
            quantity: r.signed()?,
            cost: r.signed()?,
            realised: r.signed()?,
            fees: r.signed()?,
        },
        kind::POSITION_LIMIT_SET => Event::PositionLimitSet {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            instrument: r.u32()?,
            limit: r.signed()?,
        },
        kind::WITHDRAWAL_REQUESTED => Event::WithdrawalRequested {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            id: r.str()?,
            asset: r.u16()?,
            amount: r.signed()?,
        },
        kind::WITHDRAWAL_SETTLED => Event::WithdrawalSettled {
            account_sequence: r.unsigned()?,
            account: r.u32()?,
            id: r.str()?,
            request: r.str()?,
            request_sequence: r.unsigned()?,
            end: codes::withdrawal_end(r)?,
            asset: r.u16()?,
            amount: r.signed()?,
        },
        _ => read_venue(number, r)?,
    })
}

fn read_venue<'a>(number: u8, r: &mut Reader<'a>) -> Read<Event<'a>> {
    Ok(match number {
        kind::VENUE_OPENED => Event::VenueOpened,
        kind::EPOCH_OPENED => Event::EpochOpened { epoch: r.unsigned()?, engine_version: r.u32()? },
        kind::COMMAND_DUPLICATE => Event::CommandDuplicate {
            account: r.u32()?,
            id: r.str()?,
            first_sequence: r.unsigned()?,
            order_id: r.unsigned()?,
            same_payload: r.bool()?,
        },
        kind::COMMAND_REJECTED => {
            Event::CommandRejected { account: r.u32()?, reason: codes::reason(r)?, kind: r.u8()?, id: r.str()? }
        }
        kind::KILL_SWITCH_SET => Event::KillSwitchSet { on: r.bool()? },
        kind::ASSET_LISTED => Event::AssetListed { asset: r.u16()?, symbol: r.str()?, scale: r.u8()? },
        kind::INSTRUMENT_LISTED => Event::InstrumentListed {
            instrument_sequence: r.unsigned()?,
            instrument: r.u32()?,
            terms: instrument_terms(r)?,
        },
        kind::INSTRUMENT_CHANGED => Event::InstrumentChanged {
            instrument_sequence: r.unsigned()?,
            instrument: r.u32()?,
            status: codes::instrument_status(r)?,
            tick_size: r.signed()?,
            lot_size: r.signed()?,
            quantity_min: r.signed()?,
            quantity_max: r.signed()?,
            notional_min: r.signed()?,
            band_ppm: r.u32()?,
            slippage_ppm: r.u32()?,
            reference_price: r.signed()?,
        },
        kind::FEE_TIER_SET => Event::FeeTierSet {
            instrument_sequence: r.unsigned()?,
            instrument: r.u32()?,
            tier: r.u8()?,
            maker_ppm: r.u32()?,
            taker_ppm: r.u32()?,
        },
        _ => return Err(Malformed),
    })
}

fn instrument_terms<'a>(r: &mut Reader<'a>) -> Read<InstrumentTerms<'a>> {
    Ok(InstrumentTerms {
        symbol: r.str()?,
        kind: codes::instrument_kind(r)?,
        base: r.u16()?,
        quote: r.u16()?,
        price_scale: r.u8()?,
        tick_size: r.signed()?,
        lot_size: r.signed()?,
        quantity_min: r.signed()?,
        quantity_max: r.signed()?,
        notional_min: r.signed()?,
        band_ppm: r.u32()?,
        slippage_ppm: r.u32()?,
        reference_price: r.signed()?,
        maker_ppm: r.u32()?,
        taker_ppm: r.u32()?,
        status: codes::instrument_status(r)?,
    })
}
