//! Where open orders live: slots reused last freed first, so a slot in use is likely still in cache.
//!
//! What matching reads of a resting order is 32 bytes, two to a cache line; the rest of it is another 64. Lists of
//! orders are links between slots. An order's id holds its slot, so finding it needs no map.

use prefetch_index::prefetch_index;

use crate::bits::low32;
use crate::command::{SelfTradePrevention, Side};
use crate::money::{Rates, Traded};

/// No slot.
pub const NONE: u32 = u32::MAX;

/// Bits of an order id that hold its slot.
pub const SLOT_BITS: u32 = 20;

/// Stands for a slot in the id of a refused order.
pub const SLOT_REFUSED: u32 = (1 << SLOT_BITS) - 1;

/// The part of an order that matching reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(32))]
pub struct Hot {
    /// Behind it in the queue; of a free slot, the next free one.
    pub next: u32,
    /// Before it in the queue.
    pub prev: u32,
    /// Lots still open.
    pub leaves: i64,
    /// Ticks.
    pub price: i64,
    /// Whose.
    pub account: u32,
    /// Instrument, and the side in the lowest bit.
    pub book: u32,
}

impl Hot {
    /// Bid or offer.
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.book & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    /// Of which instrument.
    #[must_use]
    pub const fn instrument(&self) -> u32 {
        self.book >> 1
    }
}

/// The rest of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Cold {
    /// Its id; 0: the slot is free.
    pub order_id: u64,
    /// Lots it was for, last amended.
    pub quantity: i64,
    /// Lots traded.
    pub filled: i64,
    /// Notional traded.
    pub traded: Traded,
    /// See `Cold::pack`.
    pub terms: u64,
    /// The account's next order.
    pub account_next: u32,
    /// The account's order before it.
    pub account_prev: u32,
    /// Its entry in the id table.
    pub id: u32,
}

const _: () = assert!(size_of::<Hot>() == 32 && size_of::<Cold>() == 64);

const RATE_BITS: u32 = 20;
const RATE_MASK: u64 = (1 << RATE_BITS) - 1;
const POST_ONLY: u64 = 1 << (2 * RATE_BITS);
const STP_SHIFT: u32 = 2 * RATE_BITS + 1;

impl Cold {
    /// The rates it was accepted with.
    #[must_use]
    pub fn rates(&self) -> Rates {
        Rates { maker: low32(self.terms & RATE_MASK), taker: low32(self.terms >> RATE_BITS & RATE_MASK) }
    }

    /// It never takes.
    #[must_use]
    pub const fn post_only(&self) -> bool {
        self.terms & POST_ONLY != 0
    }

    /// What it does when it meets its own group.
    #[must_use]
    pub const fn stp(&self) -> SelfTradePrevention {
        match self.terms >> STP_SHIFT {
            2 => SelfTradePrevention::CancelOldest,
            3 => SelfTradePrevention::CancelBoth,
            4 => SelfTradePrevention::Decrement,
            _ => SelfTradePrevention::CancelNewest,
        }
    }

    /// Pack rates (each at most `RATE_MAX`), the post-only flag and the self-trade mode.
    #[must_use]
    pub fn pack(rates: Rates, post_only: bool, stp: SelfTradePrevention) -> u64 {
        u64::from(rates.maker)
            | u64::from(rates.taker) << RATE_BITS
            | if post_only { POST_ONLY } else { 0 }
            | (stp as u64) << STP_SHIFT
    }
}

/// What a new order brings to its slot.
#[derive(Clone, Copy, Debug)]
pub struct NewOrder {
    /// Its id.
    pub order_id: u64,
    /// Whose.
    pub account: u32,
    /// Instrument and side, as in `Hot`.
    pub book: u32,
    /// Ticks.
    pub price: i64,
    /// Lots it is for.
    pub quantity: i64,
    /// Lots still open.
    pub leaves: i64,
    /// Lots traded.
    pub filled: i64,
    /// Notional traded.
    pub traded: Traded,
    /// See `Cold::pack`.
    pub terms: u64,
    /// Entry in the id table.
    pub id: u32,
}

/// The slots.
#[derive(Clone, Debug)]
pub struct Pool {
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    free: u32,
    taken: u32,
    max: u32,
}

/// Stands in `prev` of a free slot.
const FREE: u32 = NONE - 1;

const EMPTY_HOT: Hot = Hot { next: NONE, prev: NONE, leaves: 0, price: 0, account: 0, book: 0 };
const EMPTY_COLD: Cold = Cold {
    order_id: 0,
    quantity: 0,
    filled: 0,
    traded: Traded { filled: 0, taken: 0 },
    terms: 0,
    account_next: NONE,
    account_prev: NONE,
    id: 0,
};

impl Pool {
    /// Make an empty pool for at most `max` orders.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self { hot: Vec::new(), cold: Vec::new(), free: NONE, taken: 0, max: max.min(SLOT_REFUSED) }
    }

    /// Take a slot; it stays empty until `place`.
    pub fn reserve(&mut self) -> Option<u32> {
        if self.taken >= self.max {
            return None;
        }
        self.taken += 1;
        if self.free != NONE {
            let slot = self.free;
            self.free = self.hot[slot as usize].next;
            return Some(slot);
        }
        Some(self.extend())
    }

    fn extend(&mut self) -> u32 {
        if self.hot.len() == self.hot.capacity() {
            // An eighth more at a time: doubling would spend up to as much again on slots never used.
            let more = self.hot.len() / 8 + 1_024;
            self.hot.reserve_exact(more);
            self.cold.reserve_exact(more);
        }
        let slot = self.high();
        self.hot.push(EMPTY_HOT);
        self.cold.push(EMPTY_COLD);
        slot
    }

    /// How many slots were ever in use.
    #[must_use]
    pub fn high(&self) -> u32 {
        u32::try_from(self.hot.len()).unwrap_or(NONE)
    }

    /// Fill a reserved slot.
    #[inline]
    pub fn place(&mut self, slot: u32, order: &NewOrder) {
        self.hot[slot as usize] = Hot {
            next: NONE,
            prev: NONE,
            leaves: order.leaves,
            price: order.price,
            account: order.account,
            book: order.book,
        };
        self.cold[slot as usize] = Cold {
            order_id: order.order_id,
            quantity: order.quantity,
            filled: order.filled,
            traded: order.traded,
            terms: order.terms,
            account_next: NONE,
            account_prev: NONE,
            id: order.id,
        };
    }

    /// Give a slot back, filled or not.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        let hot = &mut self.hot[slot as usize];
        hot.next = self.free;
        hot.prev = FREE;
        self.cold[slot as usize].order_id = 0;
        self.free = slot;
        self.taken -= 1;
    }

    /// What matching reads of an order.
    #[must_use]
    #[inline]
    pub fn hot(&self, slot: u32) -> &Hot {
        &self.hot[slot as usize]
    }

    /// The same, to change.
    #[inline]
    pub fn hot_mut(&mut self, slot: u32) -> &mut Hot {
        &mut self.hot[slot as usize]
    }

    /// The rest of an order.
    #[must_use]
    #[inline]
    pub fn cold(&self, slot: u32) -> &Cold {
        &self.cold[slot as usize]
    }

    /// The same, to change.
    #[inline]
    pub fn cold_mut(&mut self, slot: u32) -> &mut Cold {
        &mut self.cold[slot as usize]
    }

    /// The slot of an open order.
    #[must_use]
    pub fn find(&self, order_id: u64) -> Option<u32> {
        let slot = low32(order_id) & SLOT_REFUSED;
        (order_id != 0 && self.cold.get(slot as usize)?.order_id == order_id).then_some(slot)
    }

    /// Nobody has reserved the slot.
    #[must_use]
    pub fn is_free(&self, slot: u32) -> bool {
        self.hot.get(slot as usize).is_none_or(|hot| hot.prev == FREE)
    }

    /// Ask for the cache lines of an order.
    #[inline]
    pub fn foresee(&self, order_id: u64) {
        let slot = (low32(order_id) & SLOT_REFUSED) as usize;
        prefetch_index(&self.hot, slot);
        prefetch_index(&self.cold, slot);
    }

    /// How many slots are taken.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.taken
    }

    /// How many more can be taken.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.max.saturating_sub(self.taken)
    }

    /// Free slots in the order they will be taken.
    pub fn free_slots(&self) -> impl Iterator<Item = u32> + '_ {
        let mut slot = self.free;
        let mut left = self.hot.len();
        std::iter::from_fn(move || {
            let this = slot;
            left = left.checked_sub(1)?;
            slot = self.hot.get(this as usize)?.next;
            Some(this)
        })
    }

    /// Bytes taken from the allocator.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.hot.capacity() * size_of::<Hot>() + self.cold.capacity() * size_of::<Cold>()) as u64
    }

    /// Make a pool whose slots below `high` are empty; those not in `free` are reserved.
    ///
    /// Nothing when a free slot is out of range or named twice, or there are too many slots.
    #[must_use]
    pub fn rebuild(max: u32, high: u32, free: &[u32]) -> Option<Self> {
        let mut pool = Self::new(max);
        if high > SLOT_REFUSED {
            return None;
        }
        pool.hot = vec![EMPTY_HOT; high as usize];
        pool.cold = vec![EMPTY_COLD; high as usize];
        let mut seen = vec![false; high as usize];
        for &slot in free.iter().rev() {
            if std::mem::replace(seen.get_mut(slot as usize)?, true) {
                return None;
            }
            pool.hot[slot as usize].next = pool.free;
            pool.hot[slot as usize].prev = FREE;
            pool.free = slot;
        }
        pool.taken = high - u32::try_from(free.len()).ok()?;
        Some(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_taken_last_freed_first() {
        let mut pool = Pool::new(3);
        let slots: Vec<_> = (0..4).map(|_| pool.reserve()).collect();
        assert_eq!(slots, [Some(0), Some(1), Some(2), None]);
        pool.release(0);
        pool.release(2);
        assert_eq!(pool.free_slots().collect::<Vec<_>>(), [2, 0]);
        assert_eq!((pool.reserve(), pool.reserve(), pool.reserve()), (Some(2), Some(0), None));
    }

    #[test]
    fn terms_survive_packing() {
        let rates = Rates { maker: 1_000_000, taker: 999_999 };
        for stp in [SelfTradePrevention::CancelNewest, SelfTradePrevention::Decrement] {
            let cold = Cold { terms: Cold::pack(rates, true, stp), ..EMPTY_COLD };
            assert_eq!((cold.rates(), cold.post_only(), cold.stp()), (rates, true, stp));
        }
    }

    #[test]
    fn a_rebuilt_pool_hands_out_the_same_slots() {
        let mut pool = Pool::new(10);
        for _ in 0..6 {
            pool.reserve();
        }
        for slot in [4, 1, 3] {
            pool.release(slot);
        }
        let free: Vec<_> = pool.free_slots().collect();
        let mut again = Pool::rebuild(10, pool.high(), &free).unwrap();
        for _ in 0..7 {
            assert_eq!(pool.reserve(), again.reserve());
        }
        assert!(Pool::rebuild(10, 3, &[0, 0]).is_none());
        assert!(Pool::rebuild(10, 3, &[3]).is_none());
    }
}
