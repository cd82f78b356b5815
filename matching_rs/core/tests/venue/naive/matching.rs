//! Price, then time.

use cift_core::command::{SelfTradePrevention, Side};
use cift_core::event::{Event, TradeSide};
use cift_core::reason::Reason;

use super::money::fee;
use super::risk::MOST;
use super::{Naive, Order, Rates, Traded, narrow};

/// What, besides its quantity, bounds an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Quantity,
    /// A market buy by quantity: what was free when it came.
    Budget(i128),
    /// By quote amount: what is left of it.
    Quote(i128),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Done,
    Uncrossed,
    End(Reason),
}

/// The order that comes.
#[derive(Clone, Debug)]
pub(super) struct Taker {
    pub(super) id: u64,
    pub(super) account: u32,
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) stp: SelfTradePrevention,
    pub(super) limit: i128,
    /// Base units left; by quote amount, the most it may still trade.
    pub(super) leaves: i128,
    pub(super) bound: Bound,
    /// Why an order by quote amount ends when it may trade no more.
    pub(super) leaves_reason: Reason,
    /// As it was given, 0 if it was not.
    pub(super) price: i128,
    /// In base units, as it was given, 0 if it was not.
    pub(super) quantity: i128,
    pub(super) rates: Rates,
    pub(super) fills: Vec<Traded>,
    /// It came upon its own group and was to lose some for it.
    pub(super) met_own: bool,
}

impl Taker {
    pub(super) fn done(&self) -> bool {
        match self.bound {
            Bound::Quote(left) => left == 0,
            _ => self.leaves == 0,
        }
    }

    /// What is left in the units it was given in.
    pub(super) fn left(&self) -> i128 {
        match self.bound {
            Bound::Quote(left) => left,
            _ => self.leaves,
        }
    }

    fn accepts(&self, price: i128) -> bool {
        if self.side == Side::Buy { price <= self.limit } else { price >= self.limit }
    }

    /// What so many quote units of notional would cost a buyer, fee included.
    fn cost(&self, notional: i128) -> i128 {
        let mut fills = self.fills.clone();
        // Its fee is a matter of money alone.
        fills.push(Traded { quantity: 0, notional, rate: self.rates.taker });
        notional + fee(&fills) - fee(&self.fills)
    }
}

impl Naive {
    /// The order first in line on a side: best price, then earliest.
    pub(super) fn first(&self, number: u32, side: Side) -> Option<&Order> {
        let orders = self.instrument(number).orders.iter().filter(|order| order.side == side);
        orders.reduce(|best, order| {
            let better = if side == Side::Buy { order.price > best.price } else { order.price < best.price };
            if better { order } else { best }
        })
    }

    pub(super) fn crosses(&self, number: u32, side: Side, limit: i128) -> bool {
        self.first(number, side.opposite())
            .is_some_and(|order| if side == Side::Buy { order.price <= limit } else { order.price >= limit })
    }

    pub(super) fn walk(&mut self, taker: &mut Taker) -> Stop {
        loop {
            if taker.done() {
                return Stop::Done;
            }
            let first = self.first(taker.instrument, taker.side.opposite());
            let Some(maker) = first.filter(|order| taker.accepts(order.price)).cloned() else {
                return Stop::Uncrossed;
            };
            // What it would take of this one; nothing, and the two have not met.
            let met = self.wanted(taker, maker.price, maker.leaves).and_then(|quantity| {
                if self.group(maker.account) == self.group(taker.account) {
                    self.prevent(taker, &maker, quantity)
                } else if !self.may_hold(taker.account, taker.instrument, taker.side, quantity) {
                    Err(Reason::AmountOverflow)
                } else if !self.may_count(taker, &maker, quantity) {
                    self.cancel(taker.instrument, maker.id, Reason::AmountOverflow);
                    Ok(())
                } else if !self.may_spend(taker, maker.price, quantity) {
                    Err(Reason::AmountOverflow)
                } else {
                    self.trade(taker, &maker, quantity);
                    Ok(())
                }
            });
            if let Err(reason) = met {
                return Stop::End(reason);
            }
        }
    }

    /// Accounts without a group are one of their own.
    fn group(&self, account: u32) -> (u32, u32) {
        match self.account(account).group {
            0 => (0, account),
            group => (group, 0),
        }
    }

    /// How much the taker takes of `most`, or why nothing.
    fn wanted(&self, taker: &Taker, price: i128, most: i128) -> Result<i128, Reason> {
        let instrument = self.instrument(taker.instrument);
        let most = most.min(taker.leaves);
        let left = match taker.bound {
            Bound::Quantity => return Ok(most),
            Bound::Quote(_) if most < instrument.lot => return Err(taker.leaves_reason),
            Bound::Budget(left) | Bound::Quote(left) => left,
        };
        let cost = |lots: i128| {
            let notional = instrument.notional(price, lots * instrument.lot);
            if taker.side == Side::Buy { taker.cost(notional) } else { notional }
        };
        let (mut fits, mut too_many) = (0, most / instrument.lot + 1);
        while too_many - fits > 1 {
            let middle = i128::midpoint(fits, too_many);
            if cost(middle) <= left { fits = middle } else { too_many = middle }
        }
        match (fits, taker.bound) {
            (1.., _) => Ok(fits * instrument.lot),
            (_, Bound::Quote(_)) if !taker.fills.is_empty() => Err(Reason::QuoteRemainder),
            (_, Bound::Quote(_)) => Err(Reason::QuantityBelowLot),
            _ => Err(Reason::FundsExhausted),
        }
    }

    /// A position fits 63 bits, either way, after a fill.
    fn may_hold(&self, account: u32, number: u32, side: Side, quantity: i128) -> bool {
        let signed = if side == Side::Buy { quantity } else { -quantity };
        let position = self.account(account).positions.get(&number).map_or(0, |position| position.quantity);
        (position + signed).abs() <= MOST
    }

    /// The resting order's position and the sum of what it traded for fit 63 bits after a fill.
    fn may_count(&self, taker: &Taker, maker: &Order, quantity: i128) -> bool {
        let notional = self.instrument(taker.instrument).notional(maker.price, quantity);
        let filled: i128 = maker.fills.iter().map(|fill| fill.notional).sum();
        filled + notional <= MOST && self.may_hold(maker.account, taker.instrument, maker.side, quantity)
    }

    fn may_spend(&self, taker: &Taker, price: i128, quantity: i128) -> bool {
        let notional = self.instrument(taker.instrument).notional(price, quantity);
        taker.fills.iter().map(|fill| fill.notional).sum::<i128>() + notional <= MOST
    }

    fn trade(&mut self, taker: &mut Taker, maker: &Order, quantity: i128) {
        let number = taker.instrument;
        let notional = self.instrument(number).notional(maker.price, quantity);
        let charge = |fills: &mut Vec<Traded>, rate: i128| {
            let before = fee(fills);
            fills.push(Traded { quantity, notional, rate });
            fee(fills) - before
        };
        let mut maker = maker.clone();
        let maker_fee = charge(&mut maker.fills, maker.rates.maker);
        let taker_fee = charge(&mut taker.fills, taker.rates.taker);
        maker.leaves -= quantity;
        taker.leaves -= quantity;
        let spent = if taker.side == Side::Buy { notional + taker_fee } else { notional };
        if let Bound::Budget(left) | Bound::Quote(left) = &mut taker.bound {
            *left -= spent;
        }
        let sides = [(taker.account, taker.side, taker_fee), (maker.account, maker.side, maker_fee)];
        self.settle(number, sides, quantity, notional);
        self.instrument_mut(number).refer(maker.price, quantity);
        let instrument_sequence = self.next_instrument_sequence(number);
        let maker_side = self.side_of(maker.id, maker.account, maker.leaves, &maker.fills, maker_fee);
        let taker_side = self.side_of(taker.id, taker.account, taker.left(), &taker.fills, taker_fee);
        self.emit(&Event::Trade {
            instrument_sequence,
            instrument: number,
            price: narrow(maker.price),
            quantity: narrow(quantity),
            taker_side: taker.side,
            maker: maker_side,
            taker: taker_side,
        });
        self.replace(number, maker);
    }

    fn side_of(&mut self, order_id: u64, account: u32, leaves: i128, fills: &[Traded], charged: i128) -> TradeSide {
        TradeSide {
            order_id,
            account,
            account_sequence: self.next_account_sequence(account),
            leaves: narrow(leaves),
            filled_notional: narrow(fills.iter().map(|fill| fill.notional).sum()),
            fee: narrow(charged),
            fee_total: narrow(fee(fills)),
        }
    }

    /// Put an order back in its place, or take it out when nothing is left of it.
    pub(super) fn replace(&mut self, number: u32, order: Order) {
        let asset = self.instrument(number).asset_of(order.side);
        self.touch(order.account, asset);
        let orders = &mut self.instrument_mut(number).orders;
        let place = orders.iter().position(|one| one.id == order.id).expect("an open order");
        if order.leaves > 0 {
            orders[place] = order;
        } else {
            orders.remove(place);
            self.retire(order.account, &order.client_id, order.id);
        }
    }

    fn prevent(&mut self, taker: &mut Taker, maker: &Order, wanted: i128) -> Result<(), Reason> {
        match taker.stp {
            SelfTradePrevention::CancelNewest => Err(Reason::SelfTradePrevention),
            SelfTradePrevention::CancelOldest => {
                self.cancel(taker.instrument, maker.id, Reason::SelfTradePrevention);
                Ok(())
            }
            SelfTradePrevention::CancelBoth => {
                self.cancel(taker.instrument, maker.id, Reason::SelfTradePrevention);
                Err(Reason::SelfTradePrevention)
            }
            SelfTradePrevention::Decrement => self.decrement(taker, maker, wanted),
        }
    }

    fn decrement(&mut self, taker: &mut Taker, maker: &Order, wanted: i128) -> Result<(), Reason> {
        taker.met_own = true;
        let number = taker.instrument;
        let quantity = match taker.bound {
            Bound::Quote(_) => wanted,
            _ => taker.leaves.min(maker.leaves),
        };
        if quantity == maker.leaves {
            self.cancel(number, maker.id, Reason::SelfTradePrevention);
        } else {
            let mut maker = maker.clone();
            maker.leaves -= quantity;
            self.tell_reduced(number, maker.id, maker.account, quantity, maker.leaves);
            self.replace(number, maker);
        }
        let mut after = taker.clone();
        after.leaves -= quantity;
        if let Bound::Quote(left) = &mut after.bound {
            *left -= self.instrument(number).notional(maker.price, quantity);
        }
        if after.done() {
            return Err(Reason::SelfTradePrevention);
        }
        let (before, left) = (taker.left(), after.left());
        *taker = after;
        self.tell_reduced(number, taker.id, taker.account, before - left, left);
        Ok(())
    }

    fn tell_reduced(&mut self, number: u32, order_id: u64, account: u32, quantity: i128, leaves: i128) {
        let account_sequence = self.next_account_sequence(account);
        let instrument_sequence = self.next_instrument_sequence(number);
        self.emit(&Event::OrderReduced {
            account_sequence,
            instrument_sequence,
            account,
            order_id,
            instrument: number,
            quantity: narrow(quantity),
            leaves: narrow(leaves),
        });
    }
}
