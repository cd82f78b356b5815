//! Open orders: put into the book with their hold, taken out, shortened, canceled.

use crate::command::{CancelOrder, CancelOrders, Side, kind};
use crate::engine::{Engine, Outcome};
use crate::event::{Event, Sink};
use crate::pool::{Hot, NONE};
use crate::reason::Reason;
use crate::submit::id_is_valid;
use crate::taker::Taker;

impl Engine {
    /// Hold what an order needs and queue it; its slot is filled and linked to its account.
    #[inline]
    pub(crate) fn rest(&mut self, market: usize, slot: u32) {
        let order = *self.pool.hot(slot);
        let (asset, held) = self.held(market, slot, order.leaves);
        self.accounts.balance_mut(order.account, asset).held += held;
        let quantity = self.markets[market].quantity(order.leaves);
        let position = self.pool.cold(slot).position;
        self.accounts.position_mut(position).open[order.side() as usize] += quantity;
        self.markets[market].book.push(&mut self.pool, slot);
    }

    /// Which asset an open order holds, and how much of it if it had `leaves` lots left.
    #[inline]
    pub(crate) fn held(&self, market: usize, slot: u32, leaves: i64) -> (u16, i64) {
        let (order, place) = (self.pool.hot(slot), &self.markets[market]);
        match order.side() {
            Side::Sell => (place.identity.base, place.quantity(leaves)),
            Side::Buy => {
                let cold = self.pool.cold(slot);
                // Checked with the whole when the order was accepted, so it fits.
                let open = place.notional(order.price, leaves).unwrap_or(0);
                (place.identity.quote, cold.traded.hold(open, cold.rates()).unwrap_or(0))
            }
        }
    }

    /// Give back the hold and the open quantity of an order's last `lots`.
    #[inline]
    pub(crate) fn release(&mut self, market: usize, slot: u32, lots: i64) {
        let order = *self.pool.hot(slot);
        let (asset, before) = self.held(market, slot, order.leaves);
        let after = if lots == order.leaves { 0 } else { self.held(market, slot, order.leaves - lots).1 };
        self.accounts.balance_mut(order.account, asset).held -= before - after;
        let quantity = self.markets[market].quantity(lots);
        let position = self.pool.cold(slot).position;
        self.accounts.position_mut(position).open[order.side() as usize] -= quantity;
    }

    /// Take lots off an open order in its place.
    pub(crate) fn shrink(&mut self, slot: u32, lots: i64) {
        let market = place_of(self.pool.hot(slot));
        self.release(market, slot, lots);
        self.markets[market].book.reduce(&mut self.pool, slot, lots);
    }

    /// Take an order that has ended out of its book and forget it; its hold is already given back.
    #[inline]
    pub(crate) fn finish(&mut self, slot: u32) {
        let market = place_of(self.pool.hot(slot));
        self.markets[market].book.remove(&mut self.pool, slot);
        self.retire(market, slot);
    }

    /// Forget an order that is in no book any more.
    #[inline]
    pub(crate) fn retire(&mut self, market: usize, slot: u32) {
        let account = self.pool.hot(slot).account;
        self.markets[market].open_orders -= 1;
        self.accounts.unlink(&mut self.pool, account, slot);
        self.ids.end(self.pool.cold(slot).id, self.now);
        self.pool.release(slot);
    }

    /// End an open order.
    #[inline]
    pub(crate) fn cancel<S: Sink>(&mut self, slot: u32, reason: Reason, sink: &mut S) {
        let order = *self.pool.hot(slot);
        let market = place_of(&order);
        self.release(market, slot, order.leaves);
        let cold = self.pool.cold(slot);
        let (order_id, traded, fee_total) = (cold.order_id, cold.traded, cold.traded.fee(cold.rates()));
        self.finish(slot);
        let event = Event::OrderCanceled {
            account_sequence: self.accounts.next_sequence(order.account),
            instrument_sequence: self.next_instrument_sequence(market),
            account: order.account,
            order_id,
            instrument: order.instrument(),
            reason,
            quantity: self.markets[market].quantity(order.leaves),
            filled_notional: traded.filled,
            fee_total,
        };
        self.emit(&event, sink);
    }

    /// Tell that what is left of an incoming order is canceled.
    pub(crate) fn tell_taker_canceled<S: Sink>(&mut self, market: usize, taker: &Taker, reason: Reason, sink: &mut S) {
        let event = Event::OrderCanceled {
            account_sequence: self.accounts.next_sequence(taker.account),
            instrument_sequence: self.next_instrument_sequence(market),
            account: taker.account,
            order_id: taker.order_id,
            instrument: crate::engine::number(market),
            reason,
            quantity: taker.left(self.markets[market].rules.lot_size),
            filled_notional: taker.traded.filled,
            fee_total: taker.fee_total,
        };
        self.emit(&event, sink);
    }

    pub(crate) fn cancel_order<S: Sink>(&mut self, command: &CancelOrder<'_>, sink: &mut S) -> Outcome {
        let found = self
            .check_account(command.deadline, command.account)
            .and_then(|()| self.find_order(command).ok_or(Reason::OrderUnknown));
        match found {
            Ok(slot) => {
                self.cancel(slot, Reason::UserRequested, sink);
                Outcome::Applied
            }
            Err(reason) => {
                self.reject(command.account, reason, kind::CANCEL_ORDER, command.id, sink);
                Outcome::Refused
            }
        }
    }

    /// The open order a cancel means, if it is the account's.
    pub(crate) fn find_order(&self, command: &CancelOrder<'_>) -> Option<u32> {
        let order_id = if command.order_id != 0 {
            command.order_id
        } else if id_is_valid(command.id) {
            let entry = self.ids.find(self.ids.key(command.account, command.id))?;
            self.ids.get(entry).answer().order_id
        } else {
            return None;
        };
        self.own_order(command.account, order_id)
    }

    /// The slot of an open order, if it is the account's.
    #[inline]
    pub(crate) fn own_order(&self, account: u32, order_id: u64) -> Option<u32> {
        self.pool.find(order_id).filter(|&slot| self.pool.hot(slot).account == account)
    }

    pub(crate) fn cancel_orders<S: Sink>(&mut self, command: &CancelOrders, sink: &mut S) {
        if let Err(reason) = self.check_cancel_orders(command) {
            return self.reject(command.account, reason, kind::CANCEL_ORDERS, "", sink);
        }
        let count = if command.account == 0 {
            (1..=self.accounts.len()).map(|account| self.cancel_orders_of(account, command, sink)).sum()
        } else {
            self.cancel_orders_of(command.account, command, sink)
        };
        self.emit(&Event::OrdersCanceled { account: command.account, count }, sink);
    }

    fn check_cancel_orders(&self, command: &CancelOrders) -> Result<(), Reason> {
        self.check_time(command.deadline)?;
        if command.account != 0 && self.accounts.user(command.account).is_none() {
            return Err(Reason::AccountUnknown);
        }
        if command.instrument as usize > self.markets.len() {
            return Err(Reason::InstrumentUnknown);
        }
        Ok(())
    }

    fn cancel_orders_of<S: Sink>(&mut self, account: u32, command: &CancelOrders, sink: &mut S) -> u32 {
        let mut slot = self.accounts.at(account).orders_head;
        let mut count = 0;
        while slot != NONE {
            let next = self.pool.cold(slot).account_next;
            if self.fits(slot, command) {
                self.cancel(slot, Reason::MassCancel, sink);
                count += 1;
            }
            slot = next;
        }
        count
    }

    fn fits(&self, slot: u32, command: &CancelOrders) -> bool {
        let order = self.pool.hot(slot);
        let price = self.markets[place_of(order)].price(order.price);
        (command.instrument == 0 || command.instrument == order.instrument())
            && command.side.is_none_or(|side| side == order.side())
            && command.price_min.is_none_or(|least| price >= least)
            && command.price_max.is_none_or(|most| price <= most)
    }
}

/// The place of an order's instrument.
#[inline]
pub(crate) fn place_of(order: &Hot) -> usize {
    order.instrument() as usize - 1
}
