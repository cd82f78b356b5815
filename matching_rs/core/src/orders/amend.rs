//! A change of an open order: down at its price keeps the place, anything else queues anew and may trade.

use super::risk::{Used, check_size};
use super::taker::{Bound, Moved, Stop, Taker};
use crate::book::order::Order;
use crate::command::{AmendOrder, Side, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::instrument::Market;
use crate::reason::Reason;
use crate::shared::{Outcome, Shared};

/// A change that passed every check, in ticks and lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The new total is already filled: the rest ends.
    End,
    /// Fewer lots in the same place.
    Keep { quantity: i64, leaves: i64 },
    /// Behind the others of its price.
    Requeue { price: i64, quantity: i64, leaves: i64 },
}

impl Engine {
    pub(crate) fn amend_order<S: Sink>(&mut self, command: &AmendOrder, sink: &mut S) -> Outcome {
        let checked = self.check_account(command.deadline, command.account).and_then(|()| {
            let slot = self.shared.own_order(command.account, command.order_id).ok_or(Reason::OrderUnknown)?;
            let change = self.check_amend(slot, command, &Used::default())?;
            if let Change::Requeue { price, .. } = change {
                self.check_post_only(slot, price)?;
            }
            Ok((slot, change))
        });
        match checked {
            Ok((slot, change)) => {
                self.apply_amend(slot, change, sink);
                Outcome::Applied
            }
            Err(reason) => {
                self.reject(command.account, reason, kind::AMEND_ORDER, "", sink);
                Outcome::Refused
            }
        }
    }

    fn check_post_only(&self, slot: u32, price: i64) -> Result<(), Reason> {
        let order = self.shared.pool.order(slot);
        let crosses = self.markets[order.market_place()].book.crosses(order.side(), price);
        if order.post_only() && crosses { Err(Reason::PostOnlyWouldCross) } else { Ok(()) }
    }

    /// Check a change like a new order, less what the order has already.
    pub(crate) fn check_amend(&self, slot: u32, command: &AmendOrder, used: &Used) -> Result<Change, Reason> {
        let order = *self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        if let Some(less) = Self::less(&order, market, command)? {
            return Ok(less);
        }
        self.check_standing(order.account, order.instrument())?;
        if command.price.is_none() && command.quantity.is_none() {
            return Err(Reason::OrderInvalid);
        }
        let (price, quantity) = self.amended(slot, command)?;
        let gone = order.quantity - order.leaves;
        check_size(market, market.quantity(quantity))?;
        let leaves = quantity - gone;
        let whole = market.notional(price, quantity).ok_or(Reason::AmountOverflow)?;
        let open = market.notional(price, leaves).ok_or(Reason::AmountOverflow)?;
        order.traded.filled.checked_add(open).ok_or(Reason::AmountOverflow)?;
        if whole < market.rules.notional_min {
            return Err(Reason::NotionalTooSmall);
        }
        market.check_band(market.price(price))?;
        let more = i128::from(market.quantity(leaves)) - i128::from(market.quantity(order.leaves));
        let room = self.position_room(order.account, order.instrument(), order.side(), used.open);
        if room.is_some_and(|room| more > room) {
            return Err(Reason::PositionLimit);
        }
        // At its own price it takes its own place again.
        let more_there = if price == order.price { leaves - order.leaves } else { leaves };
        if !market.has_room(order.side(), price, i128::from(more_there), 0) {
            return Err(Reason::AmountOverflow);
        }
        let needs = match order.side() {
            Side::Sell => market.quantity(leaves),
            Side::Buy => order.traded.hold(open, order.rates()).ok_or(Reason::AmountOverflow)?,
        };
        let has = self.shared.held(market, slot, order.leaves);
        let owner = self.shared.accounts.at(order.account);
        let free = i128::from(self.shared.accounts.balance(owner, market.paying(order.side())).free()) - used.funds;
        if i128::from(needs) - i128::from(has) > free.max(0) {
            return Err(Reason::InsufficientFunds);
        }
        Ok(Change::Requeue { price, quantity, leaves })
    }

    /// A change that asks for no more and for no other price, which is always allowed: whatever stands against new
    /// orders, an order may be made smaller or ended. None: it asks for more.
    fn less(order: &Order, market: &Market, command: &AmendOrder) -> Result<Option<Change>, Reason> {
        let total = match (command.quantity, command.price) {
            (Some(total), _) if total >= 0 => total,
            (None, Some(_)) => market.quantity(order.quantity),
            _ => return Ok(None),
        };
        // Filled, or taken off by self-trade prevention.
        let gone = order.quantity - order.leaves;
        if command.quantity.is_some() && total <= market.quantity(gone) {
            return Ok(Some(Change::End));
        }
        let same_price = command.price.is_none_or(|price| price == market.price(order.price));
        if !same_price || total > market.quantity(order.quantity) {
            return Ok(None);
        }
        let quantity = market.lots(total)?;
        Ok(Some(Change::Keep { quantity, leaves: quantity - gone }))
    }

    /// The new price and total, in ticks and lots.
    fn amended(&self, slot: u32, command: &AmendOrder) -> Result<(i64, i64), Reason> {
        let order = self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        if command.price.is_some_and(|price| price <= 0) {
            return Err(Reason::PriceInvalid);
        }
        if command.quantity.is_some_and(|quantity| quantity <= 0) {
            return Err(Reason::QuantityInvalid);
        }
        let price = command.price.map_or(Ok(order.price), |price| market.ticks(price))?;
        let quantity = command.quantity.map_or(Ok(order.quantity), |quantity| market.lots(quantity))?;
        if price > crate::book::ticks::TICKS_MAX { Err(Reason::AmountOverflow) } else { Ok((price, quantity)) }
    }

    pub(crate) fn apply_amend<S: Sink>(&mut self, slot: u32, change: Change, sink: &mut S) {
        let market = &mut self.markets[self.shared.pool.order(slot).market_place()];
        self.shared.amend(market, slot, change, sink);
    }
}

impl Shared {
    fn amend<S: Sink>(&mut self, market: &mut Market, slot: u32, change: Change, sink: &mut S) {
        match change {
            Change::End => self.cancel_aside(market, slot, Reason::AmendedBelowFilled, sink),
            Change::Keep { quantity, leaves } => {
                let lots = self.pool.order(slot).leaves - leaves;
                if lots > 0 {
                    self.shrink(market, slot, lots);
                }
                self.pool.order_mut(slot).quantity = quantity;
                self.tell_amended(market, slot, true, sink);
            }
            Change::Requeue { price, quantity, leaves } => {
                let before = self.pool.order(slot).leaves;
                self.release(market, slot, before);
                market.book.remove(&mut self.pool, slot);
                let order = self.pool.order_mut(slot);
                (order.price, order.quantity, order.leaves) = (price, quantity, leaves);
                self.tell_amended(market, slot, false, sink);
                self.requeue(market, slot, sink);
            }
        }
    }

    /// Match an amended order that is in no book, then rest or end it.
    fn requeue<S: Sink>(&mut self, market: &mut Market, slot: u32, sink: &mut S) {
        let order = *self.pool.order(slot);
        let mut taker = Taker {
            order_id: order.order_id,
            account: order.account,
            group: self.accounts.at(order.account).group,
            side: order.side(),
            stp: order.stp(),
            limit: order.price,
            leaves: order.leaves,
            bound: Bound::Lots,
            leaves_reason: Reason::PositionLimit,
            filled: self.pool.filled(slot),
            traded: order.traded,
            rates: order.rates(),
            fee_total: order.traded.fee(order.rates()),
            moved: Moved::default(),
        };
        match self.walk(market, &mut taker, sink) {
            Stop::Uncrossed => {
                let order = self.pool.order_mut(slot);
                order.leaves = taker.leaves;
                order.traded = taker.traded;
                let reduced = order.quantity - taker.filled - taker.leaves;
                self.pool.reduced_set(slot, reduced);
                let held = self.held(market, slot, taker.leaves);
                return self.rest(market, slot, held);
            }
            Stop::End(reason) => {
                let whole = (market.price(order.price), market.quantity(order.quantity));
                self.tell_taker_canceled(market, &taker, whole, reason, sink);
            }
            Stop::Done => {}
        }
        self.retire(market, slot);
    }

    fn tell_amended<S: Sink>(&mut self, market: &mut Market, slot: u32, kept_place: bool, sink: &mut S) {
        let order = *self.pool.order(slot);
        let event = Event::OrderAmended {
            account_sequence: self.accounts.next_sequence(order.account),
            instrument_sequence: self.instrument_sequence(market),
            account: order.account,
            order_id: order.order_id,
            instrument: market.number,
            price: market.price(order.price),
            quantity: market.quantity(order.quantity),
            leaves: market.quantity(order.leaves),
            kept_place,
            filled_quantity: market.quantity(self.pool.filled(slot)),
            filled_notional: order.traded.filled,
            fee_total: order.traded.fee(order.rates()),
        };
        self.emit(&event, sink);
    }
}
