//! Matching: price, then time. The incoming order walks the other side until it is done, uncrossed or must end.

use std::collections::BTreeMap;

use super::taker::{Bound, Stop, Taker};
use crate::book::order::Order;
use crate::command::{SelfTradePrevention, Side};
use crate::event::{Event, Sink, TradeSide};
use crate::instrument::Market;
use crate::money::account::FEES;
use crate::money::fees::Traded;
use crate::reason::Reason;
use crate::shared::Shared;

/// One trade's figures.
struct Fill {
    lots: i64,
    quantity: i64,
    notional: i64,
    maker_fee: i64,
    maker_fee_total: i64,
    taker_fee: i64,
}

impl Shared {
    /// Match an order against the other side of its book.
    pub fn walk<S: Sink>(&mut self, market: &mut Market, taker: &mut Taker, sink: &mut S) -> Stop {
        let stop = self.walk_on(market, taker, sink);
        self.settle_taker(market, taker);
        stop
    }

    #[inline]
    fn walk_on<S: Sink>(&mut self, market: &mut Market, taker: &mut Taker, sink: &mut S) -> Stop {
        while !taker.is_done() {
            if !market.book.crosses(taker.side, taker.limit) {
                return Stop::Uncrossed;
            }
            let Some(slot) = market.book.first(taker.side.opposite()) else { return Stop::Uncrossed };
            let maker = *self.pool.order(slot);
            // While this one trades, what the next one needs is on its way, and the order behind that.
            let next = self.pool.links(slot).next;
            self.pool.foresee_next(next);
            self.foresee_maker(market, next);
            let met = self.meet(market, taker, slot, &maker, sink);
            if let Err(reason) = met {
                return Stop::End(reason);
            }
        }
        Stop::Done
    }

    #[inline]
    fn same_group(&self, taker: &Taker, maker: &Order) -> bool {
        taker.account == maker.account || taker.group != 0 && taker.group == self.accounts.at(maker.account).group
    }

    /// Trade with the first in the queue, or keep the two apart; an error says why the incoming order must end.
    ///
    /// What the incoming order does not want or cannot pay for it has not met: self-trade prevention leaves that alone.
    #[inline]
    fn meet<S: Sink>(
        &mut self,
        market: &mut Market,
        taker: &mut Taker,
        slot: u32,
        maker: &Order,
        sink: &mut S,
    ) -> Result<(), Reason> {
        let lot_price = market.notional(maker.price, 1).ok_or(Reason::AmountOverflow)?;
        let lots = taker.wanted(maker.leaves, lot_price)?;
        if self.same_group(taker, maker) {
            return self.prevent(market, taker, (slot, lots, lot_price), sink);
        }
        self.trade(market, taker, (slot, lots, lot_price), maker, sink)
    }

    #[inline]
    fn trade<S: Sink>(
        &mut self,
        market: &mut Market,
        taker: &mut Taker,
        (slot, lots, lot_price): (u32, i64, i64),
        maker: &Order,
        sink: &mut S,
    ) -> Result<(), Reason> {
        let notional = lot_price.checked_mul(lots).ok_or(Reason::AmountOverflow)?;
        let (before, rates) = (maker.traded, maker.rates());
        let quantity = market.quantity(lots);
        let near = market.volume.checked_add(quantity).is_none();
        if near && !self.position_fits(market, (taker.account, taker.side), quantity, 0) {
            return Err(Reason::AmountOverflow);
        }
        let maker_fits = !near || self.position_fits(market, (maker.account, taker.side.opposite()), quantity, 0);
        let Some(after) = before.plus(notional, false).filter(|_| maker_fits) else {
            self.cancel_aside(market, slot, Reason::AmountOverflow, sink);
            return Ok(());
        };
        let maker_fee_total = after.fee(rates);
        let maker_fee = maker_fee_total - before.fee(rates);
        let taker_fee = taker.fill(lots, notional).ok_or(Reason::AmountOverflow)?;
        market.volume = market.volume.saturating_add(quantity);
        let fill = Fill { lots, quantity, notional, maker_fee, maker_fee_total, taker_fee };
        let release = match taker.side {
            Side::Buy => quantity,
            // What is still open was checked with the whole when it was accepted, so it fits.
            Side::Sell => {
                let held = |lots: i64, traded: Traded| traded.hold(lot_price.saturating_mul(lots), rates).unwrap_or(0);
                held(maker.leaves, before) - held(maker.leaves - lots, after)
            }
        };
        self.pool.order_mut(slot).traded = after;
        self.settle(market, taker, maker, release, &fill);
        self.tell_trade(market, taker, maker, &fill, sink);
        if lots == maker.leaves {
            self.finish(market, slot);
        } else {
            market.book.reduce(&mut self.pool, slot, lots);
        }
        Ok(())
    }

    /// A position must fit 63 bits after a fill: asked only where so much was traded that it might not.
    #[cold]
    fn position_fits(&self, market: &Market, (account, side): (u32, Side), quantity: i64, before: i128) -> bool {
        let signed = i128::from(if side == Side::Buy { quantity } else { -quantity });
        let (position, most) = (self.accounts.position_quantity(account, market.number), i128::from(i64::MAX));
        (-most..=most).contains(&(i128::from(position) + before + signed))
    }

    /// Move the resting side's money, quantity and hold, and both positions; note what moves of the incoming one.
    #[inline]
    fn settle(&mut self, market: &Market, taker: &mut Taker, maker: &Order, release: i64, fill: &Fill) {
        let (base, quote) = (market.identity.base, market.identity.quote);
        let (taker_base, maker_base, taker_quote, maker_quote) = match taker.side {
            Side::Buy => (fill.quantity, -fill.quantity, -fill.notional, fill.notional),
            Side::Sell => (-fill.quantity, fill.quantity, fill.notional, -fill.notional),
        };
        let (base_release, quote_release) = if taker.side == Side::Buy { (release, 0) } else { (0, release) };
        let accounts = &mut self.accounts;
        // No sum passes 63 bits: what all accounts have together is bounded when it is deposited.
        let paid = accounts.balance_mut(maker.account, quote);
        paid.total += maker_quote - fill.maker_fee;
        paid.held -= quote_release;
        let moved = accounts.balance_mut(maker.account, base);
        moved.total += maker_base;
        moved.held -= base_release;
        accounts.count_open(maker.account, market.number, taker.side.opposite(), -fill.quantity);
        accounts.position_touch(taker.account, market.number).fill(taker_base, fill.notional, fill.taker_fee);
        accounts.position_touch(maker.account, market.number).fill(maker_base, fill.notional, fill.maker_fee);
        taker.moved.base += taker_base;
        taker.moved.quote += taker_quote - fill.taker_fee;
        taker.moved.fees += fill.maker_fee + fill.taker_fee;
    }

    /// Move what the incoming order's trades came to, once for all of them: nobody asks for it meanwhile.
    #[inline]
    fn settle_taker(&mut self, market: &Market, taker: &mut Taker) {
        let moved = std::mem::take(&mut taker.moved);
        // Every trade moves something of the base asset, and all in one direction.
        if moved.base == 0 {
            return;
        }
        let (base, quote) = (market.identity.base, market.identity.quote);
        self.accounts.balance_mut(taker.account, quote).total += moved.quote;
        self.accounts.balance_mut(taker.account, base).total += moved.base;
        if moved.fees > 0 {
            self.accounts.balance_mut(FEES, quote).total += moved.fees;
        }
    }

    #[inline]
    fn tell_trade<S: Sink>(&mut self, market: &mut Market, taker: &Taker, maker: &Order, fill: &Fill, sink: &mut S) {
        let price = market.price(maker.price);
        market.traded(price, fill.quantity);
        let event = Event::Trade {
            instrument_sequence: self.instrument_sequence(market),
            instrument: market.number,
            price,
            quantity: fill.quantity,
            taker_side: taker.side,
            maker: TradeSide {
                order_id: maker.order_id,
                account: maker.account,
                account_sequence: self.accounts.next_sequence(maker.account),
                leaves: market.quantity(maker.leaves - fill.lots),
                filled_notional: maker.traded.filled + fill.notional,
                fee: fill.maker_fee,
                fee_total: fill.maker_fee_total,
            },
            taker: TradeSide {
                order_id: taker.order_id,
                account: taker.account,
                account_sequence: self.accounts.next_sequence(taker.account),
                leaves: taker.left(market.rules.lot_size),
                filled_notional: taker.traded.filled,
                fee: fill.taker_fee,
                fee_total: taker.fee_total,
            },
        };
        self.emit(&event, sink);
    }

    /// Keep an order from trading with its own group; an error says why the incoming order must end.
    #[cold]
    fn prevent<S: Sink>(
        &mut self,
        market: &mut Market,
        taker: &mut Taker,
        (slot, lots, lot_price): (u32, i64, i64),
        sink: &mut S,
    ) -> Result<(), Reason> {
        match taker.stp {
            SelfTradePrevention::CancelNewest => Err(Reason::SelfTradePrevention),
            SelfTradePrevention::CancelOldest => {
                self.cancel_aside(market, slot, Reason::SelfTradePrevention, sink);
                Ok(())
            }
            SelfTradePrevention::CancelBoth => {
                self.cancel_aside(market, slot, Reason::SelfTradePrevention, sink);
                Err(Reason::SelfTradePrevention)
            }
            SelfTradePrevention::Decrement => self.decrement(market, taker, (slot, lots, lot_price), sink),
        }
    }

    /// Take the smaller quantity off both; who reaches 0 ends.
    fn decrement<S: Sink>(
        &mut self,
        market: &mut Market,
        taker: &mut Taker,
        (slot, affordable, lot_price): (u32, i64, i64),
        sink: &mut S,
    ) -> Result<(), Reason> {
        let maker = *self.pool.order(slot);
        let lots = match taker.bound {
            Bound::Quote(_) => affordable,
            // Nothing is paid for what is taken off, so all of the quantity is compared.
            Bound::Lots | Bound::Budget(_) => taker.leaves.min(maker.leaves),
        };
        if lots == maker.leaves {
            self.cancel_aside(market, slot, Reason::SelfTradePrevention, sink);
        } else {
            self.shrink(market, slot, lots);
            self.pool.reduced_set(slot, self.pool.reduced(slot) + lots);
            let (quantity, leaves) = (market.quantity(lots), market.quantity(maker.leaves - lots));
            self.tell_reduced(market, (maker.order_id, maker.account), quantity, leaves, sink);
        }
        let lot_size = market.rules.lot_size;
        let before = taker.left(lot_size);
        let mut after = *taker;
        after.leaves -= lots;
        if let Bound::Quote(left) = &mut after.bound {
            *left -= lot_price.saturating_mul(lots);
        }
        if after.is_done() {
            return Err(Reason::SelfTradePrevention);
        }
        *taker = after;
        let leaves = taker.left(lot_size);
        self.tell_reduced(market, (taker.order_id, taker.account), before - leaves, leaves, sink);
        Ok(())
    }

    fn tell_reduced<S: Sink>(
        &mut self,
        market: &mut Market,
        (order_id, account): (u64, u32),
        quantity: i64,
        leaves: i64,
        sink: &mut S,
    ) {
        let event = Event::OrderReduced {
            account_sequence: self.accounts.next_sequence(account),
            instrument_sequence: self.instrument_sequence(market),
            account,
            order_id,
            instrument: market.number,
            quantity,
            leaves,
        };
        self.emit(&event, sink);
    }

    /// An order would be done at once, without trading with its own group.
    pub fn can_fill(&self, market: &Market, taker: &Taker) -> bool {
        let found = self.try_fill(market, taker, None);
        found.or_else(|| self.try_fill(market, taker, Some(BTreeMap::new()))).unwrap_or(false)
    }

    /// Walk as the order would, on a copy of it. `moved`: what that would move of each position, base units; without it
    /// there is no answer where positions might pass 63 bits.
    fn try_fill(&self, market: &Market, taker: &Taker, mut moved: Option<BTreeMap<u32, i128>>) -> Option<bool> {
        let (mut ghost, mut volume) = (*taker, market.volume);
        for slot in market.book.orders(&self.pool, taker.side.opposite()) {
            let maker = self.pool.order(slot);
            let within = match taker.side {
                Side::Buy => maker.price <= taker.limit,
                Side::Sell => maker.price >= taker.limit,
            };
            if !within {
                return Some(false);
            }
            let Some(lot_price) = market.notional(maker.price, 1) else { return Some(false) };
            let (mut left, mut traded) = (maker.leaves, maker.traded);
            // An order by quote amount may leave some of the last one it meets; asked again, it says why.
            while left > 0 && !ghost.is_done() {
                let lots = match ghost.wanted(left, lot_price) {
                    Err(reason) => return Some(reason == Reason::QuoteRemainder),
                    Ok(lots) => lots,
                };
                if self.same_group(taker, maker) {
                    if taker.stp == SelfTradePrevention::CancelOldest {
                        break;
                    }
                    return Some(false);
                }
                let quantity = market.quantity(lots);
                let Some(notional) = lot_price.checked_mul(lots) else { return Some(false) };
                let mut maker_fits = true;
                if let Some(moved) = &moved {
                    let before = |account: u32| moved.get(&account).copied().unwrap_or(0);
                    let fits = |account, side| self.position_fits(market, (account, side), quantity, before(account));
                    if !fits(taker.account, taker.side) {
                        return Some(false);
                    }
                    maker_fits = fits(maker.account, taker.side.opposite());
                } else {
                    volume = volume.checked_add(quantity)?;
                }
                // Who cannot count one more trade is canceled instead and passed over.
                let Some(after) = traded.plus(notional, false).filter(|_| maker_fits) else { break };
                traded = after;
                if ghost.fill(lots, notional).is_none() {
                    return Some(false);
                }
                if let Some(moved) = &mut moved {
                    let bought = if taker.side == Side::Buy { i128::from(quantity) } else { -i128::from(quantity) };
                    *moved.entry(taker.account).or_default() += bought;
                    *moved.entry(maker.account).or_default() -= bought;
                }
                left -= lots;
            }
            if ghost.is_done() {
                return Some(true);
            }
        }
        Some(false)
    }
}
