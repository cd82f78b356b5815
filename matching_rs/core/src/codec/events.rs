//! `Event` → bytes.
#![allow(clippy::inline_always, reason = "see `slot`: a call would put the length back into memory")]

use super::slot::Slot;
use super::writer::Writer;
use crate::event::{Event, InstrumentTerms, Terms, TradeSide, kind};

/// Append one event with its sequence.
#[inline(always)]
pub fn encode_event(w: &mut Writer, sequence: u64, event: &Event<'_>) {
    let mut slot = Head { w: w.slot(), sequence };
    let w = &mut slot;
    match *event {
        Event::OrderAccepted {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            ref terms,
            maker_ppm,
            taker_ppm,
        } => {
            let w = w.head(kind::ORDER_ACCEPTED, 16);
            w.unsigned(account_sequence);
            w.unsigned(instrument_sequence);
            w.unsigned(account.into());
            w.unsigned(order_id);
            w.str(terms.id);
            w.unsigned(terms.instrument.into());
            order_terms(w, terms);
            w.unsigned(maker_ppm.into());
            w.unsigned(taker_ppm.into());
        }
        Event::Trade { instrument_sequence, instrument, price, quantity, taker_side, ref maker, ref taker } => {
            let w = w.head(kind::TRADE, 19);
            w.unsigned(instrument_sequence);
            w.unsigned(instrument.into());
            w.signed(price);
            w.signed(quantity);
            w.raw([taker_side as u8]);
            trade_side(w, maker);
            trade_side(w, taker);
        }
        Event::OrderCanceled {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            instrument,
            reason,
            quantity,
            price,
            order_quantity,
            filled_quantity,
            filled_notional,
            fee_total,
        } => {
            let w = w.head(kind::ORDER_CANCELED, 12);
            order_head(w, account_sequence, instrument_sequence, account, order_id, instrument);
            w.unsigned(reason.number().into());
            w.signed(quantity);
            w.signed(price);
            w.signed(order_quantity);
            w.signed(filled_quantity);
            w.signed(filled_notional);
            w.signed(fee_total);
        }
        Event::BalanceChanged { account_sequence, account, asset, total, held } => {
            let w = w.head(kind::BALANCE_CHANGED, 5);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(asset.into());
            w.signed(total);
            w.signed(held);
        }
        Event::PositionChanged { account_sequence, account, instrument, quantity, cost, realised, fees } => {
            let w = w.head(kind::POSITION_CHANGED, 7);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(instrument.into());
            w.signed(quantity);
            w.signed(cost);
            w.signed(realised);
            w.signed(fees);
        }
        _ => rare_order_event(w, event),
    }
    slot.w.flush();
}

/// Where an event goes, and its sequence.
struct Head<'w> {
    w: Slot<'w>,
    sequence: u64,
}

impl<'w> Head<'w> {
    #[inline(always)]
    fn head(&mut self, number: u8, fields: u8) -> &mut Slot<'w> {
        self.w.array(fields + 2);
        // A kind's number is below 0x80, and so its own encoding.
        self.w.raw([number]);
        self.w.unsigned(self.sequence);
        &mut self.w
    }
}

#[inline(always)]
fn order_terms(w: &mut Slot<'_>, terms: &Terms<'_>) {
    w.raw([terms.side as u8, terms.order_type as u8, terms.time_in_force as u8]);
    w.unsigned(terms.flags.into());
    w.raw([terms.stp as u8]);
    w.signed(terms.price);
    w.signed(terms.quantity);
    w.signed(terms.quote_amount);
}

#[inline(always)]
fn order_head(w: &mut Slot<'_>, account_sequence: u64, sequence: u64, account: u32, order_id: u64, instrument: u32) {
    w.unsigned(account_sequence);
    w.unsigned(sequence);
    w.unsigned(account.into());
    w.unsigned(order_id);
    w.unsigned(instrument.into());
}

#[inline(always)]
fn trade_side(w: &mut Slot<'_>, side: &TradeSide) {
    w.unsigned(side.order_id);
    w.unsigned(side.account.into());
    w.unsigned(side.account_sequence);
    w.signed(side.leaves);
    w.signed(side.filled_notional);
    w.signed(side.fee);
    w.signed(side.fee_total);
}

/// An order's other events, and what a command as a whole came to.
#[inline(never)]
fn rare_order_event(w: &mut Head<'_>, event: &Event<'_>) {
    match *event {
        Event::OrderRejected { account_sequence, account, order_id, reason, ref terms } => {
            let w = w.head(kind::ORDER_REJECTED, 14);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(order_id);
            w.str(terms.id);
            w.unsigned(terms.instrument.into());
            w.unsigned(reason.number().into());
            order_terms(w, terms);
        }
        Event::OrderAmended {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            instrument,
            price,
            quantity,
            leaves,
            kept_place,
            filled_quantity,
            filled_notional,
            fee_total,
        } => {
            let w = w.head(kind::ORDER_AMENDED, 12);
            order_head(w, account_sequence, instrument_sequence, account, order_id, instrument);
            w.signed(price);
            w.signed(quantity);
            w.signed(leaves);
            w.bool(kept_place);
            w.signed(filled_quantity);
            w.signed(filled_notional);
            w.signed(fee_total);
        }
        Event::OrderReduced {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            instrument,
            quantity,
            leaves,
        } => {
            let w = w.head(kind::ORDER_REDUCED, 7);
            order_head(w, account_sequence, instrument_sequence, account, order_id, instrument);
            w.signed(quantity);
            w.signed(leaves);
        }
        Event::OrdersCanceled { account, count, more } => {
            let w = w.head(kind::ORDERS_CANCELED, 3);
            w.unsigned(account.into());
            w.unsigned(count.into());
            w.bool(more);
        }
        Event::BatchDone { account, applied, refused } => {
            let w = w.head(kind::BATCH_DONE, 3);
            w.unsigned(account.into());
            w.unsigned(applied.into());
            w.unsigned(refused.into());
        }
        _ => command_event(w, event),
    }
}

/// What is told of a command that made no effect, and the venue's own events.
fn command_event(w: &mut Head<'_>, event: &Event<'_>) {
    match *event {
        Event::VenueOpened => {
            w.head(kind::VENUE_OPENED, 0);
        }
        Event::EpochOpened { epoch, engine_version } => {
            let w = w.head(kind::EPOCH_OPENED, 2);
            w.unsigned(epoch);
            w.unsigned(engine_version.into());
        }
        Event::CommandDuplicate { account, id, first_sequence, order_id, same_payload } => {
            let w = w.head(kind::COMMAND_DUPLICATE, 5);
            w.unsigned(account.into());
            w.str(id);
            w.unsigned(first_sequence);
            w.unsigned(order_id);
            w.bool(same_payload);
        }
        Event::CommandRejected { account, reason, kind: number, id } => {
            let w = w.head(kind::COMMAND_REJECTED, 4);
            w.unsigned(account.into());
            w.unsigned(reason.number().into());
            w.unsigned(number.into());
            w.str(id);
        }
        Event::KillSwitchSet { on } => w.head(kind::KILL_SWITCH_SET, 1).bool(on),
        _ => account_event(w, event),
    }
}

fn account_event(w: &mut Head<'_>, event: &Event<'_>) {
    match *event {
        Event::AccountOpened { account_sequence, account, owner, group, id } => {
            let w = w.head(kind::ACCOUNT_OPENED, 5);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(owner);
            w.unsigned(group.into());
            w.str(id);
        }
        Event::AccountChanged { account_sequence, account, status, killed, fee_tier, open_orders_max, stp } => {
            let w = w.head(kind::ACCOUNT_CHANGED, 7);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(status as u64);
            w.bool(killed);
            w.unsigned(fee_tier.into());
            w.unsigned(open_orders_max.into());
            w.unsigned(stp as u64);
        }
        Event::CashMoved { account_sequence, account, id, kind: why, asset, amount } => {
            let w = w.head(kind::CASH_MOVED, 6);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.str(id);
            w.unsigned(why as u64);
            w.unsigned(asset.into());
            w.signed(amount);
        }
        Event::WithdrawalRequested { account_sequence, account, id, asset, amount } => {
            let w = w.head(kind::WITHDRAWAL_REQUESTED, 5);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.str(id);
            w.unsigned(asset.into());
            w.signed(amount);
        }
        Event::WithdrawalSettled { account_sequence, account, id, request, request_sequence, end, asset, amount } => {
            let w = w.head(kind::WITHDRAWAL_SETTLED, 8);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.str(id);
            w.str(request);
            w.unsigned(request_sequence);
            w.unsigned(end as u64);
            w.unsigned(asset.into());
            w.signed(amount);
        }
        Event::PositionLimitSet { account_sequence, account, instrument, limit } => {
            let w = w.head(kind::POSITION_LIMIT_SET, 4);
            w.unsigned(account_sequence);
            w.unsigned(account.into());
            w.unsigned(instrument.into());
            w.signed(limit);
        }
        _ => reference_event(w, event),
    }
}

fn reference_event(w: &mut Head<'_>, event: &Event<'_>) {
    match *event {
        Event::AssetListed { asset, symbol, scale } => {
            let w = w.head(kind::ASSET_LISTED, 3);
            w.unsigned(asset.into());
            w.str(symbol);
            w.unsigned(scale.into());
        }
        Event::InstrumentListed { instrument_sequence, instrument, ref terms } => {
            let w = w.head(kind::INSTRUMENT_LISTED, 18);
            w.unsigned(instrument_sequence);
            w.unsigned(instrument.into());
            instrument_terms(w, terms);
        }
        Event::InstrumentChanged {
            instrument_sequence,
            instrument,
            status,
            tick_size,
            lot_size,
            quantity_min,
            quantity_max,
            notional_min,
            band_ppm,
            slippage_ppm,
            reference_price,
        } => {
            let w = w.head(kind::INSTRUMENT_CHANGED, 11);
            w.unsigned(instrument_sequence);
            w.unsigned(instrument.into());
            w.unsigned(status as u64);
            for value in [tick_size, lot_size, quantity_min, quantity_max, notional_min] {
                w.signed(value);
            }
            w.unsigned(band_ppm.into());
            w.unsigned(slippage_ppm.into());
            w.signed(reference_price);
        }
        Event::FeeTierSet { instrument_sequence, instrument, tier, maker_ppm, taker_ppm } => {
            let w = w.head(kind::FEE_TIER_SET, 5);
            w.unsigned(instrument_sequence);
            w.unsigned(instrument.into());
            w.unsigned(tier.into());
            w.unsigned(maker_ppm.into());
            w.unsigned(taker_ppm.into());
        }
        // Named one by one, so that a new event does not compile before somebody writes it.
        Event::VenueOpened
        | Event::EpochOpened { .. }
        | Event::CommandDuplicate { .. }
        | Event::CommandRejected { .. }
        | Event::OrderAccepted { .. }
        | Event::OrderRejected { .. }
        | Event::Trade { .. }
        | Event::OrderCanceled { .. }
        | Event::OrderAmended { .. }
        | Event::OrderReduced { .. }
        | Event::OrdersCanceled { .. }
        | Event::BatchDone { .. }
        | Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::CashMoved { .. }
        | Event::BalanceChanged { .. }
        | Event::PositionChanged { .. }
        | Event::PositionLimitSet { .. }
        | Event::WithdrawalRequested { .. }
        | Event::WithdrawalSettled { .. }
        | Event::KillSwitchSet { .. } => unreachable!("written by one of the functions above"),
    }
}

/// Append an instrument's terms alone, as its event has them.
pub(crate) fn encode_instrument_terms(w: &mut Writer, terms: &InstrumentTerms<'_>) {
    let mut slot = w.slot();
    instrument_terms(&mut slot, terms);
    slot.flush();
}

fn instrument_terms(w: &mut Slot<'_>, terms: &InstrumentTerms<'_>) {
    w.str(terms.symbol);
    w.unsigned(terms.kind as u64);
    w.unsigned(terms.base.into());
    w.unsigned(terms.quote.into());
    w.unsigned(terms.price_scale.into());
    w.signed(terms.tick_size);
    w.signed(terms.lot_size);
    w.signed(terms.quantity_min);
    w.signed(terms.quantity_max);
    w.signed(terms.notional_min);
    w.unsigned(terms.band_ppm.into());
    w.unsigned(terms.slippage_ppm.into());
    w.signed(terms.reference_price);
    w.unsigned(terms.maker_ppm.into());
    w.unsigned(terms.taker_ppm.into());
    w.unsigned(terms.status as u64);
}
