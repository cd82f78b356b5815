//! Open orders: amended and canceled.

use cift_core::command::{AmendOrder, CancelOrder, Side, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::matching::{Bound, Stop, Taker};
use super::money::{fee, hold};
use super::risk::{MOST, TICKS_MAX, Used};
use super::{Naive, Order, narrow};

impl Naive {
    /// End an open order.
    pub(super) fn cancel(&mut self, number: u32, id: u64, reason: Reason) {
        let orders = &mut self.instrument_mut(number).orders;
        let place = orders.iter().position(|order| order.id == id).expect("an open order");
        let order = orders.remove(place);
        let asset = self.instrument(number).asset_of(order.side);
        self.touch(order.account, asset);
        let account_sequence = self.next_account_sequence(order.account);
        let instrument_sequence = self.next_instrument_sequence(number);
        self.emit(&Event::OrderCanceled {
            account_sequence,
            instrument_sequence,
            account: order.account,
            order_id: id,
            instrument: number,
            reason,
            quantity: narrow(order.leaves),
            price: narrow(order.price),
            order_quantity: narrow(order.quantity),
            filled_quantity: narrow(order.fills.iter().map(|fill| fill.quantity).sum()),
            filled_notional: narrow(order.fills.iter().map(|fill| fill.notional).sum()),
            fee_total: narrow(fee(&order.fills)),
        });
        self.retire(order.account, &order.client_id, id);
    }

    /// An account's open order, with its instrument.
    fn own(&self, account: u32, id: u64) -> Result<(u32, Order), Reason> {
        let numbered = (1..).zip(&self.instruments);
        let mut found = numbered.filter_map(|(number, instrument)| {
            instrument.orders.iter().find(|order| order.id == id).map(|order| (number, order.clone()))
        });
        found.next().filter(|(_, order)| order.account == account).ok_or(Reason::OrderUnknown)
    }

    /// The open order a cancel means.
    pub(super) fn meant(&self, cancel: &CancelOrder<'_>) -> Result<(u32, Order), Reason> {
        self.check_account(cancel.deadline, cancel.account)?;
        match cancel.order_id {
            0 => {
                let first = self.ids.find(cancel.account, cancel.id).ok_or(Reason::OrderUnknown)?;
                self.own(cancel.account, first.order_id)
            }
            id => self.own(cancel.account, id),
        }
    }

    pub(super) fn cancel_one(&mut self, cancel: &CancelOrder<'_>) -> bool {
        let found = self.meant(cancel);
        match &found {
            Ok((number, order)) => self.cancel(*number, order.id, Reason::UserRequested),
            Err(reason) => self.reject(cancel.account, *reason, kind::CANCEL_ORDER, cancel.id),
        }
        found.is_ok()
    }

    pub(super) fn amend(&mut self, amend: &AmendOrder) -> bool {
        let checked = self.check_account(amend.deadline, amend.account).and_then(|()| {
            let (number, order) = self.own(amend.account, amend.order_id)?;
            let changed = self.check_amend(number, &order, amend, Used::default())?;
            let moved = changed.as_ref().is_some_and(|new| new.price != order.price || new.leaves > order.leaves);
            if let Some(new) = changed.as_ref().filter(|new| moved && new.post_only)
                && self.crosses(number, new.side, new.price)
            {
                return Err(Reason::PostOnlyWouldCross);
            }
            Ok((number, order, changed, moved))
        });
        let done = checked.is_ok();
        match checked {
            Err(reason) => self.reject(amend.account, reason, kind::AMEND_ORDER, ""),
            Ok((number, order, None, _)) => self.cancel(number, order.id, Reason::AmendedBelowFilled),
            Ok((number, order, Some(new), false)) => {
                self.tell_amended(number, &new, true);
                if new.leaves == order.leaves {
                    let orders = &mut self.instrument_mut(number).orders;
                    let place = orders.iter().position(|one| one.id == new.id).expect("an open order");
                    orders[place] = new;
                } else {
                    self.replace(number, new);
                }
            }
            Ok((number, _, Some(new), true)) => self.requeue(number, new),
        }
        done
    }

    /// The order as it would be; none: nothing would be left of it.
    pub(super) fn check_amend(
        &self,
        number: u32,
        order: &Order,
        amend: &AmendOrder,
        used: Used,
    ) -> Result<Option<Order>, Reason> {
        let gone = order.quantity - order.leaves;
        if amend.quantity.is_some_and(|quantity| (0..=gone).contains(&i128::from(quantity))) {
            return Ok(None);
        }
        let price = amend.price.map_or(order.price, i128::from);
        let quantity = amend.quantity.map_or(order.quantity, i128::from);
        let asked = amend.price.is_some() || amend.quantity.is_some();
        if asked && quantity >= 0 && quantity <= order.quantity && price == order.price {
            // Less is always allowed, as long as it is whole lots.
            let whole = quantity % self.instrument(number).lot == 0;
            let new = Order { quantity, leaves: quantity - gone, ..order.clone() };
            return if whole { Ok(Some(new)) } else { Err(Reason::QuantityNotOnLot) };
        }
        let instrument = self.check_standing(order.account, number)?;
        if amend.price.is_none() && amend.quantity.is_none() {
            return Err(Reason::OrderInvalid);
        }
        if amend.price.is_some_and(|price| price <= 0) {
            return Err(Reason::PriceInvalid);
        }
        if amend.quantity.is_some_and(|quantity| quantity <= 0) {
            return Err(Reason::QuantityInvalid);
        }
        let mut new = order.clone();
        new.price = amend.price.map_or(order.price, i128::from);
        new.quantity = amend.quantity.map_or(order.quantity, i128::from);
        if new.price % instrument.tick != 0 {
            return Err(Reason::PriceNotOnTick);
        }
        if new.quantity % instrument.lot != 0 {
            return Err(Reason::QuantityNotOnLot);
        }
        if new.price / instrument.tick > TICKS_MAX {
            return Err(Reason::AmountOverflow);
        }
        // What is filled, or was taken off by self-trade prevention, stays gone.
        new.leaves = new.quantity - (order.quantity - order.leaves);
        if new.leaves <= 0 {
            return Ok(None);
        }
        instrument.check_size(new.quantity)?;
        let filled: i128 = order.fills.iter().map(|fill| fill.notional).sum();
        let (whole, open) = (instrument.notional(new.price, new.quantity), instrument.notional(new.price, new.leaves));
        if whole.max(filled + open) > MOST {
            return Err(Reason::AmountOverflow);
        }
        if whole < instrument.notional_min {
            return Err(Reason::NotionalTooSmall);
        }
        instrument.check_band(new.price)?;
        let room = self.position_room(order.account, number, order.side, used.open);
        if room.is_some_and(|room| new.leaves - order.leaves > room) {
            return Err(Reason::PositionLimit);
        }
        let more = if new.price == order.price { new.leaves - order.leaves } else { new.leaves };
        if !self.has_room(number, order.side, new.price, more) {
            return Err(Reason::AmountOverflow);
        }
        let needs = match order.side {
            Side::Sell => new.leaves,
            Side::Buy => hold(open, &order.fills, order.rates),
        };
        if needs > MOST {
            return Err(Reason::AmountOverflow);
        }
        let free = self.free(order.account, instrument.asset_of(order.side)) - used.funds;
        if needs - instrument.hold_of(order) > free.max(0) {
            return Err(Reason::InsufficientFunds);
        }
        Ok(Some(new))
    }

    fn tell_amended(&mut self, number: u32, order: &Order, kept_place: bool) {
        let account_sequence = self.next_account_sequence(order.account);
        let instrument_sequence = self.next_instrument_sequence(number);
        self.emit(&Event::OrderAmended {
            account_sequence,
            instrument_sequence,
            account: order.account,
            order_id: order.id,
            instrument: number,
            price: narrow(order.price),
            quantity: narrow(order.quantity),
            leaves: narrow(order.leaves),
            kept_place,
            filled_quantity: narrow(order.fills.iter().map(|fill| fill.quantity).sum()),
            filled_notional: narrow(order.fills.iter().map(|fill| fill.notional).sum()),
            fee_total: narrow(fee(&order.fills)),
        });
    }

    /// Take an amended order out, match it like a new one, and put what is left behind the others.
    fn requeue(&mut self, number: u32, mut order: Order) {
        let asset = self.instrument(number).asset_of(order.side);
        self.touch(order.account, asset);
        self.instrument_mut(number).orders.retain(|one| one.id != order.id);
        self.tell_amended(number, &order, false);
        let mut taker = Taker {
            id: order.id,
            account: order.account,
            instrument: number,
            side: order.side,
            stp: order.stp,
            limit: order.price,
            leaves: order.leaves,
            bound: Bound::Quantity,
            leaves_reason: Reason::PositionLimit,
            price: order.price,
            quantity: order.quantity,
            rates: order.rates,
            fills: order.fills.clone(),
            met_own: false,
        };
        let stop = self.walk(&mut taker);
        if stop == Stop::Uncrossed {
            order.leaves = taker.leaves;
            order.fills = taker.fills;
            return self.rest(number, order);
        }
        if let Stop::End(reason) = stop {
            self.tell_canceled(&taker, reason);
        }
        self.retire(order.account, &order.client_id, order.id);
    }
}
