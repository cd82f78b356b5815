//! Open orders: put into the book with their hold, taken out, shortened, canceled.

use super::taker::Taker;
use crate::book::order::Order;
use crate::command::Side;
use crate::event::{Event, Sink};
use crate::instrument::Market;
use crate::reason::Reason;
use crate::shared::Shared;

impl Shared {
    /// Count an order as open that now is.
    #[inline]
    pub fn count_order(&mut self, market: &mut Market, account: u32) {
        let owner = self.accounts.at_mut(account);
        self.open_shares.add(owner.open_orders);
        owner.open_orders += 1;
        market.open_orders += 1;
    }

    /// An order of an account's that has its slot may rest, as far as the shard goes: another slot must be left to take in.
    #[inline]
    pub fn may_rest(&self, account: u32) -> bool {
        self.pool.room() > 0 && self.open_shares.has_room(self.accounts.at(account).open_orders)
    }

    /// Hold what an order needs and queue it; its slot is filled and linked to its account.
    #[inline]
    pub fn rest(&mut self, market: &mut Market, slot: u32, held: i64) {
        let order = *self.pool.order(slot);
        let side = order.side();
        self.accounts.balance_mut(order.account, market.paying(side)).held += held;
        self.accounts.count_open(order.account, market.number, side, market.quantity(order.leaves));
        market.book.push(&mut self.pool, slot, (side, order.price, order.leaves));
    }

    /// What an open order would hold if it had `leaves` lots left.
    #[inline]
    pub fn held(&self, market: &Market, slot: u32, leaves: i64) -> i64 {
        held_of(market, self.pool.order(slot), leaves)
    }

    /// Release the hold and the open quantity of an order's last `lots`.
    #[inline]
    pub fn release(&mut self, market: &Market, slot: u32, lots: i64) {
        let order = *self.pool.order(slot);
        let freed = held_of(market, &order, order.leaves) - held_of(market, &order, order.leaves - lots);
        self.accounts.balance_mut(order.account, market.paying(order.side())).held -= freed;
        self.accounts.count_open(order.account, market.number, order.side(), -market.quantity(lots));
    }

    /// Take lots off an open order in its place.
    pub fn shrink(&mut self, market: &mut Market, slot: u32, lots: i64) {
        self.release(market, slot, lots);
        market.book.reduce(&mut self.pool, slot, lots);
    }

    /// Take an order that has ended out of its book and forget it; its hold is already given back.
    #[inline]
    pub fn finish(&mut self, market: &mut Market, slot: u32) {
        market.book.remove(&mut self.pool, slot);
        self.retire(market, slot);
    }

    /// Forget an order that is in no book any more.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn retire(&mut self, market: &mut Market, slot: u32) {
        market.open_orders -= 1;
        let order = self.pool.order(slot);
        let (account, id) = (order.account, order.id());
        let owner = self.accounts.at_mut(account);
        owner.open_orders -= 1;
        self.open_shares.take(owner.open_orders);
        self.ids.end(id, account, self.now);
        self.pool.release(slot);
    }

    /// End an open order, off the way of the usual cancel.
    #[inline(never)]
    pub fn cancel_aside<S: Sink>(&mut self, market: &mut Market, slot: u32, reason: Reason, sink: &mut S) {
        self.cancel(market, slot, reason, sink);
    }

    /// End an open order.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn cancel<S: Sink>(&mut self, market: &mut Market, slot: u32, reason: Reason, sink: &mut S) {
        let order = *self.pool.order(slot);
        let (side, quantity) = (order.side(), market.quantity(order.leaves));
        let filled_quantity = market.quantity(self.pool.filled(slot));
        self.accounts.balance_mut(order.account, market.paying(side)).held -= held_of(market, &order, order.leaves);
        self.accounts.count_open(order.account, market.number, side, -quantity);
        self.finish(market, slot);
        let event = Event::OrderCanceled {
            account_sequence: self.accounts.next_sequence(order.account),
            instrument_sequence: self.instrument_sequence(market),
            account: order.account,
            order_id: order.order_id,
            instrument: market.number,
            reason,
            quantity,
            price: market.price(order.price),
            order_quantity: market.quantity(order.quantity),
            filled_quantity,
            filled_notional: order.traded.filled,
            fee_total: order.traded.fee(order.rates()),
        };
        self.emit(&event, sink);
    }

    /// Emit that what is left of an incoming order is canceled; `price` and `order_quantity` as it was given them.
    pub fn tell_taker_canceled<S: Sink>(
        &mut self,
        market: &mut Market,
        taker: &Taker,
        (price, order_quantity): (i64, i64),
        reason: Reason,
        sink: &mut S,
    ) {
        let event = Event::OrderCanceled {
            account_sequence: self.accounts.next_sequence(taker.account),
            instrument_sequence: self.instrument_sequence(market),
            account: taker.account,
            order_id: taker.order_id,
            instrument: market.number,
            reason,
            quantity: taker.left(market.rules.lot_size),
            price,
            order_quantity,
            filled_quantity: market.quantity(taker.filled),
            filled_notional: taker.traded.filled,
            fee_total: taker.fee_total,
        };
        self.emit(&event, sink);
    }

    /// The slot of an open order, if it is the account's.
    #[inline]
    pub fn own_order(&self, account: u32, order_id: u64) -> Option<u32> {
        self.pool.find(order_id).filter(|&slot| self.pool.order(slot).account == account)
    }
}

/// What an order would hold if it had `leaves` lots left; both sides' are worked out, for the side is random.
#[inline]
fn held_of(market: &Market, order: &Order, leaves: i64) -> i64 {
    // Checked with the whole when the order was accepted, so it fits.
    let open = market.notional(order.price, leaves).unwrap_or(0);
    let paid = order.traded.hold(open, order.rates()).unwrap_or(0);
    if order.side() == Side::Buy { paid } else { market.quantity(leaves) }
}
