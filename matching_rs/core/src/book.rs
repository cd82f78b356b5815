//! One instrument's book: levels, queues in order of arrival, the touch, and what has changed since last told.

use crate::command::Side;
use crate::levels::{Level, Levels};
use crate::pool::{Links, NONE, Pool};

/// Prices are at most this many ticks, so that arithmetic on them has room.
pub const TICKS_MAX: i64 = 1 << 61;

/// Stands for no ask: above every price.
pub const NO_ASK: i64 = i64::MAX;

/// Stands for no bid: below every price.
pub const NO_BID: i64 = 0;

/// One instrument's book, in ticks and lots.
#[derive(Clone, Debug)]
pub struct Book {
    best: [i64; 2],
    levels: Levels,
    /// For telling changes, empty between.
    prices: Vec<i64>,
}

impl Default for Book {
    fn default() -> Self {
        Self { best: [NO_BID, NO_ASK], levels: Levels::default(), prices: Vec::new() }
    }
}

impl Book {
    /// The best price of a side; `NO_BID` or `NO_ASK` when it is empty.
    #[must_use]
    #[inline]
    pub const fn best(&self, side: Side) -> i64 {
        self.best[side as usize]
    }

    /// The best price of a side, if there is one.
    #[must_use]
    pub fn touch(&self, side: Side) -> Option<i64> {
        let best = self.best(side);
        (best != NO_BID && best != NO_ASK).then_some(best)
    }

    /// An order of a side at a price would trade.
    #[must_use]
    #[inline]
    pub const fn crosses(&self, side: Side, price: i64) -> bool {
        ranked(side, price) >= ranked(side, self.best[1 - side as usize])
    }

    /// First in the queue at the best price of a side.
    #[must_use]
    #[inline]
    pub fn first(&self, side: Side) -> Option<u32> {
        self.levels.get(self.best(side)).map(|level| level.head)
    }

    /// The level of a price.
    #[must_use]
    pub fn level(&self, price: i64) -> Option<&Level> {
        self.levels.get(price)
    }

    /// Queue an order behind its price's others.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn push(&mut self, pool: &mut Pool, slot: u32, (side, price, leaves): (Side, i64, i64)) {
        let level = self.levels.open(side, price, self.best);
        let alone = level.orders == 0;
        let tail = if alone { NONE } else { level.tail };
        level.head = if alone { slot } else { level.head };
        level.tail = slot;
        level.orders += 1;
        level.quantity = level.quantity.saturating_add(leaves);
        pool.links_mut(tail).next = slot;
        *pool.links_mut(slot) = Links { next: NONE, prev: tail };
        let best = &mut self.best[side as usize];
        *best = ranked(side, ranked(side, price).max(ranked(side, *best)));
    }

    /// Take an order out of its queue.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn remove(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (price, leaves, side) = (order.price, order.leaves, order.side());
        let Links { next, prev } = *pool.links(slot);
        pool.links_mut(next).prev = prev;
        pool.links_mut(prev).next = next;
        let Some(level) = self.levels.change(side, price) else { return };
        level.head = if prev == NONE { next } else { level.head };
        level.tail = if next == NONE { prev } else { level.tail };
        level.quantity -= leaves;
        level.orders -= 1;
        if level.orders == 0 {
            self.levels.close(price);
            if price == self.best(side) {
                self.best[side as usize] = match side {
                    Side::Buy => self.levels.below(price).unwrap_or(NO_BID),
                    Side::Sell => self.levels.above(price).unwrap_or(NO_ASK),
                };
            }
        }
    }

    /// Lower what an order has open, in its place.
    #[inline]
    pub fn reduce(&mut self, pool: &mut Pool, slot: u32, lots: i64) {
        let order = pool.order_mut(slot);
        order.leaves -= lots;
        let (price, side) = (order.price, order.side());
        if let Some(level) = self.levels.change(side, price) {
            level.quantity -= lots;
        }
    }

    /// The next price of a side behind another.
    #[must_use]
    pub fn next(&self, side: Side, price: i64) -> Option<i64> {
        match side {
            Side::Buy => self.levels.below(price),
            Side::Sell => self.levels.above(price),
        }
    }

    /// The prices of a side, best first.
    pub fn prices(&self, side: Side) -> impl Iterator<Item = (i64, &Level)> + '_ {
        let mut price = self.touch(side);
        std::iter::from_fn(move || {
            let this = price?;
            price = self.next(side, this);
            self.levels.get(this).map(|level| (this, level))
        })
    }

    /// The orders of a side, best price first, in queue order.
    pub fn orders<'a>(&'a self, pool: &'a Pool, side: Side) -> impl Iterator<Item = u32> + 'a {
        self.prices(side).flat_map(move |(_, level)| {
            let mut slot = level.head;
            (0..level.orders).map(move |_| {
                let this = slot;
                slot = pool.links(this).next;
                this
            })
        })
    }

    /// Tell the prices of a side that changed since last told, best first, each with its level if it has orders.
    pub fn drain(&mut self, side: Side, mut tell: impl FnMut(i64, Option<&Level>)) {
        let mut prices = std::mem::take(&mut self.prices);
        self.levels.take_changed(side, &mut prices);
        if side == Side::Buy {
            prices.reverse();
        }
        for &price in &prices {
            // What lies behind the touch is of this side.
            let there = ranked(side, price) <= ranked(side, self.best(side));
            tell(price, self.levels.get(price).filter(|_| there));
        }
        prices.clear();
        self.prices = prices;
    }

    /// Ask for the cache line of a price's level.
    #[inline]
    pub fn foresee(&self, price: i64) {
        self.levels.foresee(price);
    }

    /// Bytes taken by levels.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.levels.bytes()
    }

    /// Check levels, queues and the touch.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self, pool: &Pool, number: u32) -> Result<(), String> {
        self.levels.validate()?;
        if self.best[0] >= self.best[1] {
            return Err(format!("crossed: bid {} and ask {}", self.best[0], self.best[1]));
        }
        let mut best = [NO_BID, NO_ASK];
        for (price, level) in self.levels.iter() {
            let side = if price <= self.best[0] { Side::Buy } else { Side::Sell };
            best[side as usize] = if side == Side::Buy { price } else { price.min(best[1]) };
            let (mut slot, mut prev, mut quantity) = (level.head, NONE, 0_i64);
            for _ in 0..level.orders {
                if slot == NONE || slot > pool.high() || pool.order(slot).order_id == 0 {
                    return Err(format!("queue of {price} leaves the pool at slot {slot}"));
                }
                let (order, links) = (pool.order(slot), pool.links(slot));
                if links.prev != prev || order.price != price || order.leaves <= 0 {
                    return Err(format!("order in slot {slot} does not fit its queue at {price}"));
                }
                if (order.instrument(), order.side()) != (number, side) {
                    return Err(format!("order in slot {slot} is on the wrong side or in the wrong book"));
                }
                quantity = quantity.saturating_add(order.leaves);
                (prev, slot) = (slot, links.next);
            }
            if slot != NONE || prev != level.tail || quantity != level.quantity {
                return Err(format!("level {price} does not fit its queue"));
            }
        }
        if best != self.best {
            return Err(format!("touch {:?} where the levels say {best:?}", self.best));
        }
        Ok(())
    }
}

/// A price, or a rank, as the other: of two prices of a side the better ranks higher. No branch on the side, which is random.
#[inline]
const fn ranked(side: Side, price: i64) -> i64 {
    price ^ -(side as i64)
}
