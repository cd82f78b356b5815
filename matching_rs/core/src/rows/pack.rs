//! Rows → MessagePack.

use super::collected::{AccountRow, Rows, Settings};
use super::orders::{Entered, OrderRow};
use super::withdrawals;
use crate::codec::{Writer, encode_instrument_terms};
use crate::command::SelfTradePrevention;
use crate::money::account::OPEN_ORDERS_MAX_DEFAULT;

/// An account's settings before anybody changes them, as the engine opens it.
const SETTINGS: Settings = Settings {
    status: 0,
    killed: false,
    fee_tier: 0,
    open_orders_max: OPEN_ORDERS_MAX_DEFAULT,
    stp: SelfTradePrevention::CancelNewest,
};

/// Write 17 lists, in this order:
///
/// - `orders_new`: id, account, client order id, instrument, side, type, time in force, flags, self-trade
///   prevention, price, quantity, quote amount, status, filled, canceled, leaves, filled notional, fee, reason (0:
///   none), sequence, created at, updated at
/// - `orders_changed`: id, price?, quantity?, status?, filled added, canceled added, leaves, filled notional?, fee?,
///   reason?, sequence, updated at
/// - `fills`: id, order, account, instrument, side, price, quantity, notional, fee, liquidity (0 maker, 1 taker),
///   trade id, executed at
/// - `ledger`: sequence, leg, account, asset, amount, kind, created at
/// - `balances`: account, asset, total, held, sequence
/// - `positions`: account, instrument, quantity, cost, realised, fees, sequence
/// - `accounts_new`: id, owner?, group, status, killed, fee tier, open orders max, self-trade prevention, opened
///   at, sequence
/// - `accounts_changed`: id, status, killed, fee tier, open orders max, self-trade prevention, sequence
/// - `assets`: id, symbol, scale
/// - `instruments`: id, symbol, kind, base, quote, price scale, tick size, lot size, quantity min, quantity max,
///   notional min, band, slippage, reference price, maker, taker, status
/// - `instruments_changed`: id, status?, tick size?, lot size?, quantity min?, quantity max?, notional min?, band?,
///   slippage?, reference price?, maker?, taker?
/// - `fee_tiers`: instrument, tier, maker, taker
/// - `position_limits`: account, instrument, limit
/// - `withdrawals_new`: id, account, command id, asset, amount, status (0 requested, 1 booked, 2 released), requested
///   at, settled at?, sequence
/// - `withdrawals_changed`: id, status, settled at, sequence
/// - `venue`: killed
/// - `last`: number, sequence, at
///
/// A `?` may be nil: it stays as it is.
pub(super) fn pack(rows: &Rows<'_>) -> Vec<u8> {
    let mut w = Writer::with_capacity(64 * 1024);
    w.array(17);
    pack_orders(&mut w, rows);
    pack_money(&mut w, rows);
    pack_accounts(&mut w, rows);
    pack_listings(&mut w, rows);
    list(&mut w, rows.position_limits.iter(), |w, (&(account, instrument), &limit)| {
        w.array(3);
        w.unsigned(account.into());
        w.unsigned(instrument.into());
        w.signed(limit);
    });
    let (asked, settled): (Vec<_>, Vec<_>) = rows.withdrawals.iter().partition(|(_, row)| row.is_new());
    list(&mut w, asked.into_iter(), |w, (&id, row)| withdrawals::asked(w, id, row));
    list(&mut w, settled.into_iter(), |w, (&id, row)| withdrawals::settled(w, id, row));
    list(&mut w, rows.killed.iter(), |w, &killed| {
        w.array(1);
        w.bool(killed);
    });
    list(&mut w, rows.last.iter(), |w, &(number, sequence, at)| {
        w.array(3);
        w.unsigned(number);
        w.unsigned(sequence);
        w.unsigned(at);
    });
    w.into_bytes()
}

fn pack_orders(w: &mut Writer, rows: &Rows<'_>) {
    list(w, rows.orders.entered(), |w, (row, entered)| order_new(w, row, entered));
    list(w, rows.orders.changed(), order_changed);
    list(w, rows.orders.fills(), |w, fill| {
        w.array(12);
        w.unsigned(fill.trade_id * 2 + u64::from(fill.liquidity));
        w.unsigned(fill.order_id);
        w.unsigned(fill.account.into());
        w.unsigned(fill.instrument.into());
        w.unsigned(fill.side as u64);
        w.signed(fill.price);
        w.signed(fill.quantity);
        w.signed(fill.notional);
        w.signed(fill.fee);
        w.unsigned(fill.liquidity.into());
        w.unsigned(fill.trade_id);
        w.unsigned(fill.executed_at);
    });
}

fn pack_money(w: &mut Writer, rows: &Rows<'_>) {
    list(w, rows.ledger.rows(), |w, row| {
        w.array(7);
        w.unsigned(row.sequence);
        w.unsigned(row.leg.into());
        w.unsigned(row.account.into());
        w.unsigned(row.asset.into());
        w.signed(row.amount);
        w.unsigned(row.kind.into());
        w.unsigned(row.created_at);
    });
    list(w, rows.balances.iter(), |w, (&(account, asset), &(total, held, sequence))| {
        w.array(5);
        w.unsigned(account.into());
        w.unsigned(asset.into());
        w.signed(total);
        w.signed(held);
        w.unsigned(sequence);
    });
    list(w, rows.positions.iter(), |w, (&(account, instrument), row)| {
        w.array(7);
        w.unsigned(account.into());
        w.unsigned(instrument.into());
        w.signed(row.quantity);
        w.signed(row.cost);
        w.signed(row.realised);
        w.signed(row.fees);
        w.unsigned(row.sequence);
    });
}

fn pack_accounts(w: &mut Writer, rows: &Rows<'_>) {
    let (new, changed): (Vec<_>, Vec<_>) = rows.accounts.iter().partition(|(_, row)| row.opened.is_some());
    list(w, new.into_iter(), |w, (&account, row)| account_new(w, account, row));
    list(w, changed.into_iter(), |w, (&account, row)| {
        w.array(7);
        w.unsigned(account.into());
        settings(w, &row.settings.unwrap_or(SETTINGS));
        w.unsigned(row.sequence);
    });
}

fn pack_listings(w: &mut Writer, rows: &Rows<'_>) {
    let listings = &rows.listings;
    list(w, listings.assets.iter(), |w, (&asset, &(symbol, scale))| {
        w.array(3);
        w.unsigned(asset.into());
        w.str(symbol);
        w.unsigned(scale.into());
    });
    list(w, listings.listed.iter(), |w, (&instrument, terms)| {
        w.array(17);
        w.unsigned(instrument.into());
        encode_instrument_terms(w, terms);
    });
    list(w, listings.changed.iter(), |w, (&instrument, change)| {
        w.array(12);
        w.unsigned(instrument.into());
        let terms = change.terms;
        w.optional(terms, |w, terms| w.unsigned(terms.status as u64));
        w.optional(terms, |w, terms| w.signed(terms.tick_size));
        w.optional(terms, |w, terms| w.signed(terms.lot_size));
        w.optional(terms, |w, terms| w.signed(terms.quantity_min));
        w.optional(terms, |w, terms| w.signed(terms.quantity_max));
        w.optional(terms, |w, terms| w.signed(terms.notional_min));
        w.optional(terms, |w, terms| w.unsigned(terms.band_ppm.into()));
        w.optional(terms, |w, terms| w.unsigned(terms.slippage_ppm.into()));
        w.optional(terms, |w, terms| w.signed(terms.reference_price));
        w.optional(change.fees, |w, (maker, _)| w.unsigned(maker.into()));
        w.optional(change.fees, |w, (_, taker)| w.unsigned(taker.into()));
    });
    list(w, listings.fee_tiers.iter(), |w, (&(instrument, tier), &(maker, taker))| {
        w.array(4);
        w.unsigned(instrument.into());
        w.unsigned(tier.into());
        w.unsigned(maker.into());
        w.unsigned(taker.into());
    });
}

fn list<T>(w: &mut Writer, rows: impl Iterator<Item = T>, mut write: impl FnMut(&mut Writer, T)) {
    let rows: Vec<T> = rows.collect();
    w.array(rows.len());
    for row in rows {
        write(w, row);
    }
}

fn order_new(w: &mut Writer, row: &OrderRow<'_>, entered: &Entered<'_>) {
    let terms = &entered.terms;
    w.array(22);
    w.unsigned(row.id);
    w.unsigned(entered.account.into());
    w.str(terms.id);
    w.unsigned(terms.instrument.into());
    w.unsigned(terms.side as u64);
    w.unsigned(terms.order_type as u64);
    w.unsigned(terms.time_in_force as u64);
    w.unsigned(terms.flags.into());
    w.unsigned(terms.stp as u64);
    w.signed(row.price.unwrap_or(terms.price));
    w.signed(row.quantity.unwrap_or(terms.quantity));
    w.signed(terms.quote_amount);
    w.unsigned(row.status.map_or(0, |status| status as u64));
    w.signed(row.filled_added);
    w.signed(row.canceled_added);
    w.signed(row.leaves);
    w.signed(row.filled_notional.unwrap_or(0));
    w.signed(row.fee.unwrap_or(0));
    w.unsigned(row.reason.map_or(0, |reason| reason.number().into()));
    w.unsigned(row.sequence);
    w.unsigned(entered.created_at);
    w.unsigned(row.updated_at);
}

fn order_changed(w: &mut Writer, row: &OrderRow<'_>) {
    w.array(12);
    w.unsigned(row.id);
    w.optional(row.price, Writer::signed);
    w.optional(row.quantity, Writer::signed);
    w.optional(row.status, |w, status| w.unsigned(status as u64));
    w.signed(row.filled_added);
    w.signed(row.canceled_added);
    w.signed(row.leaves);
    w.optional(row.filled_notional, Writer::signed);
    w.optional(row.fee, Writer::signed);
    w.optional(row.reason, |w, reason| w.unsigned(reason.number().into()));
    w.unsigned(row.sequence);
    w.unsigned(row.updated_at);
}

fn account_new(w: &mut Writer, account: u32, row: &AccountRow) {
    let (owner, group, opened_at) = row.opened.unwrap_or_default();
    w.array(10);
    w.unsigned(account.into());
    w.optional(Some(owner).filter(|&owner| owner != 0), Writer::unsigned);
    w.unsigned(group.into());
    settings(w, &row.settings.unwrap_or(SETTINGS));
    w.unsigned(opened_at);
    w.unsigned(row.sequence);
}

fn settings(w: &mut Writer, settings: &Settings) {
    w.unsigned(settings.status);
    w.bool(settings.killed);
    w.unsigned(settings.fee_tier.into());
    w.unsigned(settings.open_orders_max.into());
    w.unsigned(settings.stp as u64);
}
