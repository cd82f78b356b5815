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

/// Changes kept before doubles among them are looked for.
const TOUCHED_MIN: usize = 4_096;

/// One instrument's book, in ticks and lots.
#[derive(Clone, Debug)]
pub struct Book {
    best: [i64; 2],
    levels: Levels,
    touched: [Vec<i64>; 2],
    touched_max: usize,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            best: [NO_BID, NO_ASK],
            levels: Levels::default(),
            touched: [Vec::new(), Vec::new()],
            touched_max: TOUCHED_MIN,
        }
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
        match side {
            Side::Buy => price >= self.best[1],
            Side::Sell => price <= self.best[0],
        }
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
    #[inline]
    pub fn push(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (price, leaves, side) = (order.price, order.leaves, order.side());
        let touch = [self.touch(Side::Buy), self.touch(Side::Sell)];
        let level = self.levels.open(price, touch);
        let (tail, head) = if level.orders == 0 { (NONE, slot) } else { (level.tail, level.head) };
        level.head = head;
        level.tail = slot;
        level.orders += 1;
        level.quantity = level.quantity.saturating_add(leaves);
        pool.links_mut(tail).next = slot;
        let links = pool.links_mut(slot);
        links.prev = tail;
        links.next = NONE;
        mark(level, &mut self.touched, side, price);
        let best = &mut self.best[side as usize];
        *best = if side == Side::Buy { price.max(*best) } else { price.min(*best) };
        self.tidy();
    }

    /// Take an order out of its queue.
    #[inline]
    pub fn remove(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (price, leaves, side) = (order.price, order.leaves, order.side());
        let Links { next, prev, .. } = *pool.links(slot);
        pool.links_mut(next).prev = prev;
        pool.links_mut(prev).next = next;
        let Some(level) = self.levels.get_mut(price) else { return };
        level.head = if prev == NONE { next } else { level.head };
        level.tail = if next == NONE { prev } else { level.tail };
        level.quantity -= leaves;
        level.orders -= 1;
        mark(level, &mut self.touched, side, price);
        if level.orders == 0 {
            self.levels.close(price);
            if price == self.best(side) {
                self.best[side as usize] = match side {
                    Side::Buy => self.levels.below(price).unwrap_or(NO_BID),
                    Side::Sell => self.levels.above(price).unwrap_or(NO_ASK),
                };
            }
        }
        self.tidy();
    }

    /// Lower what an order has open, in its place.
    #[inline]
    pub fn reduce(&mut self, pool: &mut Pool, slot: u32, lots: i64) {
        let order = pool.order_mut(slot);
        order.leaves -= lots;
        let (price, side) = (order.price, order.side());
        if let Some(level) = self.levels.get_mut(price) {
            level.quantity -= lots;
            mark(level, &mut self.touched, side, price);
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
        let mut prices = std::mem::take(&mut self.touched[side as usize]);
        prices.sort_unstable();
        prices.dedup();
        if side == Side::Buy {
            prices.reverse();
        }
        for &price in &prices {
            if let Some(level) = self.levels.get_mut(price) {
                level.touched &= !(1 << side as u8);
            }
            let there = match side {
                Side::Buy => price <= self.best[0],
                Side::Sell => price >= self.best[1],
            };
            tell(price, self.levels.get(price).filter(|_| there));
        }
        prices.clear();
        self.touched[side as usize] = prices;
        self.touched_max = TOUCHED_MIN;
    }

    /// Drop doubles when nobody drains, so that the list stays as short as the book is wide.
    #[inline]
    fn tidy(&mut self) {
        if self.touched[0].len() + self.touched[1].len() >= self.touched_max {
            self.tidy_now();
        }
    }

    #[cold]
    fn tidy_now(&mut self) {
        for prices in &mut self.touched {
            prices.sort_unstable();
            prices.dedup();
        }
        self.touched_max = TOUCHED_MIN.max(2 * (self.touched[0].len() + self.touched[1].len()));
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

#[inline]
fn mark(level: &mut Level, touched: &mut [Vec<i64>; 2], side: Side, price: i64) {
    let bit = 1 << side as u8;
    if level.touched & bit == 0 {
        level.touched |= bit;
        touched[side as usize].push(price);
    }
}
