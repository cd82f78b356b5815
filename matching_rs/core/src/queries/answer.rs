//! Questions to the engine's memory: MessagePack array `[kind, …]` in, MessagePack value out.

use crate::codec::{Malformed, Reader, Writer};
use crate::engine::{ENGINE_VERSION, Engine};
use crate::frame::FrameError;
use crate::view::{AccountView, BookView, Level, OrderView};

/// The wire numbers of the queries.
#[allow(missing_docs, reason = "each constant is the number of the query of its name")]
pub mod kind {
    pub const LOOKUP_ID: u8 = 1;
    pub const BOOK: u8 = 2;
    pub const ORDER: u8 = 3;
    pub const ACCOUNT: u8 = 4;
    pub const STATS: u8 = 5;
    pub const OPEN_ORDERS: u8 = 6;
}

/// Answer a query from the engine's state behind batch `number`.
pub(crate) fn answer(engine: &Engine, number: u64, query: &[u8]) -> Result<Vec<u8>, FrameError> {
    let (mut r, mut w) = (Reader::new(query), Writer::with_capacity(256));
    read(engine, number, &mut r, &mut w).and_then(|()| r.end()).map_err(|Malformed| FrameError::Query)?;
    Ok(w.into_bytes())
}

fn read(engine: &Engine, number: u64, r: &mut Reader<'_>, w: &mut Writer) -> Result<(), Malformed> {
    let values = r.array()?;
    match (r.u8()?, values) {
        (kind::LOOKUP_ID, 3) => lookup(engine, r.u32()?, r.str()?, w),
        (kind::BOOK, 3) => w.optional(engine.book(r.u32()?, r.u32()?), |w, view| book(w, &view)),
        (kind::ORDER, 2) => w.optional(engine.order(r.unsigned()?), |w, view| order(w, &view)),
        (kind::ACCOUNT, 2) => w.optional(engine.account(r.u32()?), |w, view| account(w, &view)),
        (kind::STATS, 1) => stats(engine, number, w),
        (kind::OPEN_ORDERS, 2) => {
            let orders = engine.open_orders(r.u32()?);
            w.array(orders.len());
            for view in &orders {
                order(w, view);
            }
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

fn lookup(engine: &Engine, account: u32, id: &str, w: &mut Writer) {
    let view = engine.lookup(account, id);
    w.array(4);
    w.bool(view.is_some());
    w.unsigned(view.map_or(0, |view| view.order_id));
    w.unsigned(view.map_or(0, |view| view.sequence));
    w.bool(view.is_some_and(|view| view.open));
}

fn book(w: &mut Writer, view: &BookView) {
    w.array(7);
    w.unsigned(view.instrument.into());
    w.unsigned(view.instrument_sequence);
    w.unsigned(view.sequence);
    levels(w, &view.bids);
    levels(w, &view.asks);
    w.signed(view.last_price);
    w.unsigned(view.status as u64);
}

fn levels(w: &mut Writer, levels: &[Level]) {
    w.array(levels.len());
    for level in levels {
        w.array(3);
        w.signed(level.price);
        w.signed(level.quantity);
        w.unsigned(level.orders.into());
    }
}

fn order(w: &mut Writer, view: &OrderView) {
    w.array(8);
    w.unsigned(view.order_id);
    w.unsigned(view.account.into());
    w.unsigned(view.instrument.into());
    w.unsigned(view.side as u64);
    w.signed(view.price);
    w.signed(view.quantity);
    w.signed(view.leaves);
    w.signed(view.hold);
}

fn account(w: &mut Writer, view: &AccountView) {
    w.array(8);
    w.unsigned(view.status as u64);
    w.bool(view.killed);
    w.unsigned(view.fee_tier.into());
    w.unsigned(view.account_sequence);
    w.array(view.balances.len());
    for balance in &view.balances {
        w.array(3);
        w.unsigned(balance.asset.into());
        w.signed(balance.total);
        w.signed(balance.held);
    }
    w.unsigned(view.open_orders.into());
    w.array(view.positions.len());
    for position in &view.positions {
        w.array(5);
        w.unsigned(position.instrument.into());
        w.signed(position.quantity);
        w.signed(position.cost);
        w.signed(position.realised);
        w.signed(position.fees);
    }
    w.array(view.withdrawals.len());
    for withdrawal in &view.withdrawals {
        w.array(4);
        w.str(&withdrawal.id);
        w.unsigned(withdrawal.asset.into());
        w.signed(withdrawal.amount);
        w.unsigned(withdrawal.sequence);
    }
}

fn stats(engine: &Engine, number: u64, w: &mut Writer) {
    let stats = engine.stats();
    w.array(11);
    w.unsigned(number);
    w.unsigned(stats.sequence);
    w.unsigned(stats.epoch);
    w.unsigned(stats.accounts.into());
    w.unsigned(stats.instruments.into());
    w.unsigned(stats.open_orders.into());
    w.unsigned(stats.ids.into());
    w.unsigned(stats.bytes_orders);
    w.unsigned(stats.bytes_ids);
    w.unsigned(ENGINE_VERSION.into());
    w.unsigned(stats.killed.into());
}
