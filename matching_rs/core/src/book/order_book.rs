//! One instrument's book: levels, queues in order of arrival, the touch, and what has changed since last told.

use super::levels::{Level, Levels};
use super::pool::{Links, NONE, Pool};
use super::ticks::{NO_ASK, NO_BID};
use crate::command::Side;
use crate::places::Places;

/// One instrument's book, in ticks and lots.
#[derive(Clone, Debug)]
pub struct Book {
    best: [i64; 2],
    levels: Levels,
}

impl Default for Book {
    fn default() -> Self {
        Self { best: [NO_BID, NO_ASK], levels: Levels::default() }
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
        level.quantity += leaves;
        pool.links_mut(tail).next = slot;
        let links = pool.links_mut(slot);
        (links.next, links.prev) = (NONE, tail);
        let best = &mut self.best[side as usize];
        *best = ranked(side, ranked(side, price).max(ranked(side, *best)));
    }

    /// Take an order out of its queue.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn remove(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (price, leaves, side) = (order.price, order.leaves, order.side());
        let Links { next, prev, .. } = *pool.links(slot);
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

    /// Append the prices of a side that changed since last told, ascending; `level_now` says what is there.
    #[inline]
    pub fn take_changed(&mut self, side: Side, prices: &mut Places) {
        self.levels.take_changed(side, prices);
    }

    /// The level of a price if orders of a side are there.
    #[must_use]
    #[inline]
    pub fn level_now(&self, side: Side, price: i64) -> Option<&Level> {
        // What lies behind the touch is of this side.
        let there = ranked(side, price) <= ranked(side, self.best(side));
        self.levels.get(price).filter(|_| there)
    }

    /// Prefetch the cache line of a price's level.
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
            let (mut slot, mut prev, mut quantity) = (level.head, NONE, 0_i128);
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
                quantity += i128::from(order.leaves);
                (prev, slot) = (slot, links.next);
            }
            if slot != NONE || prev != level.tail || quantity != i128::from(level.quantity) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::order::NewOrder;
    use crate::command::SelfTradePrevention;
    use crate::money::fees::{Rates, Traded};

    /// A book of one instrument and the orders in it.
    struct Fixture {
        book: Book,
        pool: Pool,
    }

    impl Fixture {
        fn new() -> Self {
            Self { book: Book::default(), pool: Pool::new(1_000) }
        }

        fn push(&mut self, side: Side, price: i64, leaves: i64) -> u32 {
            let slot = self.pool.reserve().expect("there is room");
            let new = NewOrder {
                order_id: crate::book::pool::order_id(1, slot),
                account: 3,
                instrument: 1,
                side,
                post_only: false,
                stp: SelfTradePrevention::CancelNewest,
                rates: Rates::default(),
                price,
                quantity: leaves,
                leaves,
                traded: Traded::default(),
                id: 1,
            };
            self.pool.place(slot, &new);
            self.book.push(&mut self.pool, slot, (side, price, leaves));
            self.check();
            slot
        }

        fn remove(&mut self, slot: u32) {
            self.book.remove(&mut self.pool, slot);
            self.pool.release(slot);
            self.check();
        }

        fn check(&self) {
            self.book.validate(&self.pool, 1).expect("a sound book");
        }

        /// Price, lots and orders of a side's levels, best first.
        fn levels(&self, side: Side) -> Vec<(i64, i64, u32)> {
            self.book.prices(side).map(|(price, level)| (price, level.quantity, level.orders)).collect()
        }

        /// What has changed, each with the lots there now.
        fn drain(&mut self, side: Side) -> Vec<(i64, i64)> {
            let mut prices = Places::default();
            self.book.take_changed(side, &mut prices);
            let now = |price| self.book.level_now(side, price).map_or(0, |level| level.quantity);
            let mut told: Vec<_> =
                prices.get().iter().map(|tick| tick.cast_signed()).map(|price| (price, now(price))).collect();
            if side == Side::Buy {
                told.reverse();
            }
            told
        }
    }

    #[test]
    fn the_touch_follows_what_comes_and_goes() {
        let mut f = Fixture::new();
        assert_eq!((f.book.touch(Side::Buy), f.book.touch(Side::Sell)), (None, None));
        let bid = f.push(Side::Buy, 100, 1);
        let better = f.push(Side::Buy, 103, 1);
        let ask = f.push(Side::Sell, 110, 1);
        f.push(Side::Sell, 112, 1);
        assert_eq!((f.book.touch(Side::Buy), f.book.touch(Side::Sell)), (Some(103), Some(110)));
        assert!(f.book.crosses(Side::Buy, 110) && !f.book.crosses(Side::Buy, 109));
        assert!(f.book.crosses(Side::Sell, 103) && !f.book.crosses(Side::Sell, 104));
        f.remove(better);
        f.remove(ask);
        assert_eq!((f.book.touch(Side::Buy), f.book.touch(Side::Sell)), (Some(100), Some(112)));
        f.remove(bid);
        assert_eq!(f.book.touch(Side::Buy), None);
        assert!(!f.book.crosses(Side::Sell, 1), "nobody is there to meet");
    }

    #[test]
    fn a_queue_keeps_its_order_when_any_of_it_leaves() {
        for gone in 0..4 {
            let mut f = Fixture::new();
            let mut slots: Vec<u32> = (1..=4).map(|leaves| f.push(Side::Sell, 100, leaves)).collect();
            f.remove(slots.remove(gone));
            slots.push(f.push(Side::Sell, 100, 9));
            assert_eq!(f.book.orders(&f.pool, Side::Sell).collect::<Vec<_>>(), slots);
            assert_eq!(f.book.first(Side::Sell), slots.first().copied());
        }
    }

    #[test]
    fn prices_far_from_the_touch_are_in_their_place_and_move_into_the_window() {
        let mut f = Fixture::new();
        for price in [5_000, 10, 4_999, 1_000_000, 1 << 60, 5_000] {
            let side = if price < 5_000 { Side::Buy } else { Side::Sell };
            f.push(side, price, 2);
        }
        assert_eq!(f.levels(Side::Buy), [(4_999, 2, 1), (10, 2, 1)]);
        assert_eq!(f.levels(Side::Sell), [(5_000, 4, 2), (1_000_000, 2, 1), (1 << 60, 2, 1)]);
        assert_eq!(f.drain(Side::Buy), [(4_999, 2), (10, 2)]);
        // The market goes up a long way: orders come and go there until the window has followed.
        let asks: Vec<u32> = f.book.orders(&f.pool, Side::Sell).take(2).collect();
        for slot in asks {
            f.remove(slot);
        }
        f.drain(Side::Sell);
        for step in 0..400 {
            let slot = f.push(Side::Buy, 900_000 + step, 1);
            if step % 2 == 0 {
                f.remove(slot);
            }
        }
        assert_eq!(f.book.touch(Side::Buy), Some(900_399));
        assert_eq!(f.levels(Side::Buy).len(), 202);
        let told = f.drain(Side::Buy);
        assert_eq!(told.len(), 400, "each price once, wherever it was when it changed");
        assert!(told.is_sorted_by(|one, next| one.0 > next.0), "best first");
        assert_eq!((told[0], told[1]), ((900_399, 1), (900_398, 0)));
    }

    #[test]
    fn a_change_is_told_once_with_what_is_there_now() {
        let mut f = Fixture::new();
        let one = f.push(Side::Buy, 100, 5);
        f.push(Side::Buy, 100, 7);
        let ask = f.push(Side::Sell, 101, 3);
        f.book.reduce(&mut f.pool, one, 2);
        f.check();
        assert_eq!((f.drain(Side::Buy), f.drain(Side::Sell)), (vec![(100, 10)], vec![(101, 3)]));
        assert_eq!((f.drain(Side::Buy), f.drain(Side::Sell)), (vec![], vec![]));
        f.remove(ask);
        f.push(Side::Buy, 101, 4);
        assert_eq!(f.drain(Side::Sell), [(101, 0)], "the price has changed sides");
        assert_eq!(f.drain(Side::Buy), [(101, 4)]);
    }
}
