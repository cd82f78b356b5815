//! `Command` → bytes.

use super::writer::Writer;
use crate::command::{
    AmendOrder, Batch, BatchMember, COMMAND_VERSION, CancelOrder, CancelOrders, ChangeAccount, ChangeInstrument,
    Command, ListInstrument, MoveCash, OpenAccount, RequestWithdrawal, SetFeeTier, SettleWithdrawal, SubmitOrder, kind,
};

/// Append one command.
pub fn encode_command(w: &mut Writer, command: &Command<'_>) {
    match command {
        Command::OpenVenue { hash_key } => {
            head(w, kind::OPEN_VENUE, 1);
            w.bin(hash_key);
        }
        Command::OpenEpoch { epoch } => {
            head(w, kind::OPEN_EPOCH, 1);
            w.unsigned(*epoch);
        }
        Command::SubmitOrder(order) => submit_order(w, order),
        Command::AmendOrder(amend) => amend_order(w, amend),
        Command::CancelOrder(cancel) => cancel_order(w, cancel),
        Command::CancelOrders(cancel) => cancel_orders(w, cancel),
        Command::Batch(members) => batch(w, members),
        Command::ContinueCancels => head(w, kind::CONTINUE_CANCELS, 0),
        Command::OpenAccount(open) => open_account(w, open),
        Command::ChangeAccount(change) => change_account(w, change),
        Command::MoveCash(cash) => move_cash(w, cash),
        Command::RequestWithdrawal(request) => request_withdrawal(w, request),
        Command::SettleWithdrawal(settle) => settle_withdrawal(w, settle),
        Command::SetPositionLimit(set) => {
            head(w, kind::SET_POSITION_LIMIT, 4);
            w.unsigned(set.account.into());
            w.unsigned(set.deadline);
            w.unsigned(set.instrument.into());
            w.signed(set.limit);
        }
        Command::ListAsset(asset) => {
            head(w, kind::LIST_ASSET, 3);
            w.unsigned(asset.deadline);
            w.str(asset.symbol);
            w.unsigned(asset.scale.into());
        }
        Command::ListInstrument(list) => list_instrument(w, list),
        Command::ChangeInstrument(change) => change_instrument(w, change),
        Command::SetFeeTier(tier) => set_fee_tier(w, tier),
        Command::SetKillSwitch { deadline, on } => {
            head(w, kind::SET_KILL_SWITCH, 2);
            w.unsigned(*deadline);
            w.bool(*on);
        }
    }
}

fn head(w: &mut Writer, number: u8, fields: usize) {
    w.array(fields + 2);
    w.unsigned(number.into());
    w.unsigned(COMMAND_VERSION.into());
}

fn submit_order(w: &mut Writer, order: &SubmitOrder<'_>) {
    head(w, kind::SUBMIT_ORDER, 12);
    w.unsigned(order.account.into());
    w.str(order.id);
    w.unsigned(order.deadline);
    w.unsigned(order.instrument.into());
    w.unsigned(order.side as u64);
    w.unsigned(order.order_type as u64);
    w.unsigned(order.time_in_force as u64);
    w.unsigned(order.flags.into());
    w.unsigned(order.stp.map_or(0, |stp| stp as u64));
    w.signed(order.price);
    w.signed(order.quantity);
    w.signed(order.quote_amount);
}

fn amend_order(w: &mut Writer, amend: &AmendOrder) {
    head(w, kind::AMEND_ORDER, 5);
    w.unsigned(amend.account.into());
    w.unsigned(amend.deadline);
    w.unsigned(amend.order_id);
    w.optional(amend.price, Writer::signed);
    w.optional(amend.quantity, Writer::signed);
}

fn cancel_order(w: &mut Writer, cancel: &CancelOrder<'_>) {
    head(w, kind::CANCEL_ORDER, 4);
    w.unsigned(cancel.account.into());
    w.unsigned(cancel.deadline);
    w.unsigned(cancel.order_id);
    w.str(cancel.id);
}

fn cancel_orders(w: &mut Writer, cancel: &CancelOrders) {
    head(w, kind::CANCEL_ORDERS, 6);
    w.unsigned(cancel.account.into());
    w.unsigned(cancel.deadline);
    w.unsigned(cancel.instrument.into());
    w.optional(cancel.side, |w, side| w.unsigned(side as u64));
    w.optional(cancel.price_min, Writer::signed);
    w.optional(cancel.price_max, Writer::signed);
}

fn batch(w: &mut Writer, batch: &Batch<'_>) {
    head(w, kind::BATCH, 5);
    w.unsigned(batch.account.into());
    w.str(batch.id);
    w.unsigned(batch.deadline);
    w.bool(batch.atomic);
    w.array(batch.members.len());
    for member in &batch.members {
        match member {
            BatchMember::Submit(order) => submit_order(w, order),
            BatchMember::Amend(amend) => amend_order(w, amend),
            BatchMember::Cancel(cancel) => cancel_order(w, cancel),
        }
    }
}

fn open_account(w: &mut Writer, open: &OpenAccount<'_>) {
    head(w, kind::OPEN_ACCOUNT, 4);
    w.str(open.id);
    w.unsigned(open.deadline);
    w.unsigned(open.owner);
    w.unsigned(open.group.into());
}

fn change_account(w: &mut Writer, change: &ChangeAccount) {
    head(w, kind::CHANGE_ACCOUNT, 7);
    w.unsigned(change.account.into());
    w.unsigned(change.deadline);
    w.optional(change.status, |w, status| w.unsigned(status as u64));
    w.optional(change.killed, Writer::bool);
    w.optional(change.fee_tier, |w, tier| w.unsigned(tier.into()));
    w.optional(change.open_orders_max, |w, most| w.unsigned(most.into()));
    w.optional(change.stp, |w, stp| w.unsigned(stp as u64));
}

fn move_cash(w: &mut Writer, cash: &MoveCash<'_>) {
    head(w, kind::MOVE_CASH, 6);
    w.unsigned(cash.account.into());
    w.str(cash.id);
    w.unsigned(cash.deadline);
    w.unsigned(cash.kind as u64);
    w.unsigned(cash.asset.into());
    w.signed(cash.amount);
}

fn request_withdrawal(w: &mut Writer, request: &RequestWithdrawal<'_>) {
    head(w, kind::REQUEST_WITHDRAWAL, 5);
    w.unsigned(request.account.into());
    w.str(request.id);
    w.unsigned(request.deadline);
    w.unsigned(request.asset.into());
    w.signed(request.amount);
}

fn settle_withdrawal(w: &mut Writer, settle: &SettleWithdrawal<'_>) {
    head(w, kind::SETTLE_WITHDRAWAL, 5);
    w.unsigned(settle.account.into());
    w.str(settle.id);
    w.unsigned(settle.deadline);
    w.str(settle.request);
    w.unsigned(settle.end as u64);
}

fn list_instrument(w: &mut Writer, list: &ListInstrument<'_>) {
    head(w, kind::LIST_INSTRUMENT, 16);
    w.unsigned(list.deadline);
    w.str(list.symbol);
    w.unsigned(list.kind as u64);
    w.unsigned(list.base.into());
    w.unsigned(list.quote.into());
    w.unsigned(list.price_scale.into());
    w.signed(list.tick_size);
    w.signed(list.lot_size);
    w.signed(list.quantity_min);
    w.signed(list.quantity_max);
    w.signed(list.notional_min);
    w.unsigned(list.band_ppm.into());
    w.unsigned(list.slippage_ppm.into());
    w.signed(list.reference_price);
    w.unsigned(list.maker_ppm.into());
    w.unsigned(list.taker_ppm.into());
}

fn change_instrument(w: &mut Writer, change: &ChangeInstrument) {
    head(w, kind::CHANGE_INSTRUMENT, 11);
    w.unsigned(change.deadline);
    w.unsigned(change.instrument.into());
    w.optional(change.status, |w, status| w.unsigned(status as u64));
    w.optional(change.tick_size, Writer::signed);
    w.optional(change.lot_size, Writer::signed);
    w.optional(change.quantity_min, Writer::signed);
    w.optional(change.quantity_max, Writer::signed);
    w.optional(change.notional_min, Writer::signed);
    w.optional(change.band_ppm, |w, ppm| w.unsigned(ppm.into()));
    w.optional(change.slippage_ppm, |w, ppm| w.unsigned(ppm.into()));
    w.optional(change.reference_price, Writer::signed);
}

fn set_fee_tier(w: &mut Writer, tier: &SetFeeTier) {
    head(w, kind::SET_FEE_TIER, 5);
    w.unsigned(tier.deadline);
    w.unsigned(tier.instrument.into());
    w.unsigned(tier.tier.into());
    w.unsigned(tier.maker_ppm.into());
    w.unsigned(tier.taker_ppm.into());
}
