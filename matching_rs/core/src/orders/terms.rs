//! What an order asks for: the words its fingerprint is made of, and its terms as events carry them.

use crate::command::{SelfTradePrevention, SubmitOrder, kind};
use crate::event::Terms;

/// All fields but the deadline; the account is part of the key.
#[inline]
pub(crate) fn payload(order: &SubmitOrder<'_>) -> [u64; 4] {
    let small = u64::from(order.instrument)
        | (order.side as u64) << 32
        | (order.order_type as u64) << 36
        | (order.time_in_force as u64) << 40
        | order.stp.map_or(0, |stp| stp as u64) << 44
        | u64::from(order.flags) << 48
        | u64::from(kind::SUBMIT_ORDER) << 56;
    let [price, quantity, amount] = [order.price, order.quantity, order.quote_amount].map(i64::cast_unsigned);
    [small, price, quantity, amount]
}

/// `default` is the account's own prevention of self-trades, for an order that names none.
pub(crate) fn terms<'a>(order: &SubmitOrder<'a>, default: SelfTradePrevention) -> Terms<'a> {
    Terms {
        id: order.id,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        flags: order.flags,
        stp: order.stp.unwrap_or(default),
        price: order.price,
        quantity: order.quantity,
        quote_amount: order.quote_amount,
    }
}
