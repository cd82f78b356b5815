//! A book as a table, for whoever reads a failure.

use std::fmt::Write;

use cift_core::command::Side;
use cift_core::{Engine, OrderView};

/// Print an instrument's open orders, best prices in the middle.
pub fn book(engine: &Engine, instrument: u32) -> String {
    let orders = engine.open_orders(instrument);
    let mut text = format!("instrument {instrument}\n");
    text += "        order  account |      bid      quantity | quantity      ask       | account  order\n";
    let (bids, asks): (Vec<&OrderView>, Vec<&OrderView>) = orders.iter().partition(|order| order.side == Side::Buy);
    for place in 0..bids.len().max(asks.len()) {
        let bid = bids.get(place).map(|o| {
            format!("{:>13}  {:>7} | {:>8} {:>10}/{:<4}", o.order_id, o.account, o.price, o.leaves, o.quantity)
        });
        let ask = asks
            .get(place)
            .map(|o| format!("{:>8}/{:<4} {:>8} | {:<7}  {}", o.leaves, o.quantity, o.price, o.account, o.order_id));
        let _ = writeln!(text, "{:<47}| {}", bid.unwrap_or_default(), ask.unwrap_or_default());
    }
    text
}

/// Print every book and what every account has.
pub fn venue(engine: &Engine) -> String {
    let mut text = String::new();
    let stats = engine.stats();
    for instrument in 1..=stats.instruments {
        text += &book(engine, instrument);
    }
    for account in 1..=stats.accounts {
        if let Some(view) = engine.account(account) {
            let _ = write!(text, "account {account}: {:?}{}", view.status, if view.killed { ", killed" } else { "" });
            for balance in &view.balances {
                let _ = write!(text, " | asset {}: {} held {}", balance.asset, balance.total, balance.held);
            }
            for position in &view.positions {
                let _ = write!(text, " | position {}: {}", position.instrument, position.quantity);
            }
            text.push('\n');
        }
    }
    text
}
