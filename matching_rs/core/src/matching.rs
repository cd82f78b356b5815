//! Matching: price, then time. The incoming order walks the other side until it is done, uncrossed or must end.

use crate::account::FEES;
use crate::command::{SelfTradePrevention, Side};
use crate::engine::Engine;
use crate::event::{Event, Sink, TradeSide};
use crate::money::Traded;
use crate::pool::Hot;
use crate::reason::Reason;
use crate::taker::{Bound, Stop, Taker};

/// One trade's figures.
struct Fill {
    lots: i64,
    quantity: i64,
    notional: i64,
    maker_fee: i64,
    taker_fee: i64,
}

impl Engine {
    /// Match an order against the other side of its book.
    pub(crate) fn walk<S: Sink>(&mut self, market: usize, taker: &mut Taker, sink: &mut S) -> Stop {
        loop {
            if taker.is_done() {
                return Stop::Done;
            }
            let book = &self.markets[market].book;
            if !book.crosses(taker.side, taker.limit) {
                return Stop::Uncrossed;
            }
            let Some(slot) = book.first(taker.side.opposite()) else { return Stop::Uncrossed };
            let maker = *self.pool.hot(slot);
            let met = if self.accounts.at(maker.account).group == taker.group {
                self.prevent(market, taker, slot, sink)
            } else {
                self.trade(market, taker, slot, &maker, sink)
            };
            if let Err(reason) = met {
                return Stop::End(reason);
            }
        }
    }

    /// Trade with the first in the queue; an error says why the incoming order must end.
    #[inline]
    fn trade<S: Sink>(
        &mut self,
        market: usize,
        taker: &mut Taker,
        slot: u32,
        maker: &Hot,
        sink: &mut S,
    ) -> Result<(), Reason> {
        let place = &self.markets[market];
        let lot_price = place.notional(maker.price, 1).ok_or(Reason::AmountOverflow)?;
        let lots = taker.wanted(maker.leaves, lot_price)?;
        let notional = lot_price.checked_mul(lots).ok_or(Reason::AmountOverflow)?;
        let quantity = place.quantity(lots);
        let cold = self.pool.cold(slot);
        let Some(traded) = cold.traded.plus(notional, false) else {
            self.cancel(slot, Reason::AmountOverflow, sink);
            return Ok(());
        };
        let fee_total = traded.fee(cold.rates());
        let maker_fee = fee_total - cold.traded.fee(cold.rates());
        let taker_fee = taker.fill(lots, notional).ok_or(Reason::AmountOverflow)?;
        let fill = Fill { lots, quantity, notional, maker_fee, taker_fee };
        self.settle(market, taker, slot, maker, traded, &fill);
        self.tell_trade(market, taker, slot, maker, fee_total, &fill, sink);
        if lots == maker.leaves {
            self.finish(slot);
        } else {
            self.markets[market].book.reduce(&mut self.pool, slot, lots);
        }
        Ok(())
    }

    /// Move money, quantity, holds and positions of one trade; the maker's queue is left as it is.
    fn settle(&mut self, market: usize, taker: &Taker, slot: u32, maker: &Hot, traded: Traded, fill: &Fill) {
        let place = &self.markets[market];
        let (base, quote) = (place.identity.base, place.identity.quote);
        let cold = self.pool.cold_mut(slot);
        let position = cold.position;
        // What is still open was checked with the whole when it was accepted, so it fits.
        let held = |lots: i64, traded: Traded| {
            place.notional(maker.price, lots).and_then(|open| traded.hold(open, cold.rates())).unwrap_or(0)
        };
        let release = match taker.side {
            Side::Buy => fill.quantity,
            Side::Sell => held(maker.leaves, cold.traded) - held(maker.leaves - fill.lots, traded),
        };
        cold.traded = traded;
        cold.filled += fill.lots;
        let (buyer, seller, buyer_fee, seller_fee) = match taker.side {
            Side::Buy => (taker.account, maker.account, fill.taker_fee, fill.maker_fee),
            Side::Sell => (maker.account, taker.account, fill.maker_fee, fill.taker_fee),
        };
        // No sum passes 63 bits: what all accounts have together is bounded when it is deposited.
        self.accounts.balance_mut(buyer, quote).total -= fill.notional + buyer_fee;
        self.accounts.balance_mut(buyer, base).total += fill.quantity;
        self.accounts.balance_mut(seller, base).total -= fill.quantity;
        self.accounts.balance_mut(seller, quote).total += fill.notional - seller_fee;
        let bound = if taker.side == Side::Buy { base } else { quote };
        self.accounts.balance_mut(maker.account, bound).held -= release;
        if buyer_fee + seller_fee > 0 {
            self.accounts.balance_mut(FEES, quote).total += buyer_fee + seller_fee;
        }
        let signed = if taker.side == Side::Buy { fill.quantity } else { -fill.quantity };
        self.accounts.position_fill(taker.account, taker.position, signed, fill.notional, fill.taker_fee);
        self.accounts.position_fill(maker.account, position, -signed, fill.notional, fill.maker_fee);
        self.accounts.position_mut(position).open[taker.side.opposite() as usize] -= fill.quantity;
    }

    #[allow(clippy::too_many_arguments, reason = "one event's figures, computed once by the only caller")]
    fn tell_trade<S: Sink>(
        &mut self,
        market: usize,
        taker: &Taker,
        slot: u32,
        maker: &Hot,
        fee_total: i64,
        fill: &Fill,
        sink: &mut S,
    ) {
        let instrument_sequence = self.next_instrument_sequence(market);
        let place = &mut self.markets[market];
        let price = place.price(maker.price);
        place.last_price = price;
        place.rules.reference_price = price;
        let lot_size = place.rules.lot_size;
        let maker_side = TradeSide {
            order_id: self.pool.cold(slot).order_id,
            account: maker.account,
            account_sequence: self.accounts.next_sequence(maker.account),
            leaves: place.quantity(maker.leaves - fill.lots),
            filled_notional: self.pool.cold(slot).traded.filled,
            fee: fill.maker_fee,
            fee_total,
        };
        let taker_side = TradeSide {
            order_id: taker.order_id,
            account: taker.account,
            account_sequence: self.accounts.next_sequence(taker.account),
            leaves: taker.left(lot_size),
            filled_notional: taker.traded.filled,
            fee: fill.taker_fee,
            fee_total: taker.fee_total,
        };
        let event = Event::Trade {
            instrument_sequence,
            instrument: maker.instrument(),
            price,
            quantity: fill.quantity,
            taker_side: taker.side,
            maker: maker_side,
            taker: taker_side,
        };
        self.emit(&event, sink);
    }

    /// Keep an order from trading with its own group; an error says why the incoming order must end.
    #[cold]
    fn prevent<S: Sink>(&mut self, market: usize, taker: &mut Taker, slot: u32, sink: &mut S) -> Result<(), Reason> {
        match taker.stp {
            SelfTradePrevention::CancelNewest => Err(Reason::SelfTradePrevention),
            SelfTradePrevention::CancelOldest => {
                self.cancel(slot, Reason::SelfTradePrevention, sink);
                Ok(())
            }
            SelfTradePrevention::CancelBoth => {
                self.cancel(slot, Reason::SelfTradePrevention, sink);
                Err(Reason::SelfTradePrevention)
            }
            SelfTradePrevention::Decrement => self.decrement(market, taker, slot, sink),
        }
    }

    /// Take the smaller quantity off both; who reaches 0 ends.
    fn decrement<S: Sink>(&mut self, market: usize, taker: &mut Taker, slot: u32, sink: &mut S) -> Result<(), Reason> {
        let maker = *self.pool.hot(slot);
        let place = &self.markets[market];
        let lot_price = place.notional(maker.price, 1).ok_or(Reason::AmountOverflow)?;
        let lots = match taker.bound {
            Bound::Quote(_) => taker.wanted(maker.leaves, lot_price)?,
            Bound::Lots | Bound::Budget(_) => taker.leaves.min(maker.leaves),
        };
        let lot_size = place.rules.lot_size;
        if lots == maker.leaves {
            self.cancel(slot, Reason::SelfTradePrevention, sink);
        } else {
            self.shrink(slot, lots);
            let order_id = self.pool.cold(slot).order_id;
            let leaves = (maker.leaves - lots).saturating_mul(lot_size);
            self.tell_reduced(market, (order_id, maker.account), lots.saturating_mul(lot_size), leaves, sink);
        }
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
        market: usize,
        (order_id, account): (u64, u32),
        quantity: i64,
        leaves: i64,
        sink: &mut S,
    ) {
        let event = Event::OrderReduced {
            account_sequence: self.accounts.next_sequence(account),
            instrument_sequence: self.next_instrument_sequence(market),
            account,
            order_id,
            instrument: crate::engine::number(market),
            quantity,
            leaves,
        };
        self.emit(&event, sink);
    }

    /// An order would be done at once, without trading with its own group.
    pub(crate) fn can_fill(&self, market: usize, taker: &Taker) -> bool {
        let mut ghost = *taker;
        let place = &self.markets[market];
        for slot in place.book.orders(&self.pool, taker.side.opposite()) {
            let maker = self.pool.hot(slot);
            let within = match taker.side {
                Side::Buy => maker.price <= taker.limit,
                Side::Sell => maker.price >= taker.limit,
            };
            if !within {
                return false;
            }
            if self.accounts.at(maker.account).group == taker.group {
                if taker.stp == SelfTradePrevention::CancelOldest {
                    continue;
                }
                return false;
            }
            let Some(lot_price) = place.notional(maker.price, 1) else { return false };
            let mut left = maker.leaves;
            // An order by quote amount may leave some of the last one it meets; asked again, it says why.
            while left > 0 && !ghost.is_done() {
                let lots = match ghost.wanted(left, lot_price) {
                    Err(reason) => return reason == Reason::QuoteRemainder,
                    Ok(lots) => lots,
                };
                if lot_price.checked_mul(lots).and_then(|notional| ghost.fill(lots, notional)).is_none() {
                    return false;
                }
                left -= lots;
            }
            if ghost.is_done() {
                return true;
            }
        }
        false
    }
}
