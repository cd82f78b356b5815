//! Where open orders live: slots reused last freed first, so a slot in use is likely still in cache.
//!
//! An order is one cache line, and its neighbours in the queue and its owner are another 16 bytes. An order's id
//! holds its slot, so finding it needs no map.

use std::collections::BTreeMap;

use prefetch_index::prefetch_index;

use super::order::{EMPTY, NewOrder, Order};
use crate::bits::low32;

/// No slot. There is a place for it all the same, never read: linking an order to nobody writes there, so it takes no
/// branch, which would be as good as random.
pub const NONE: u32 = 0;

/// Bits of an order id that hold its slot.
pub const SLOT_BITS: u32 = 20;

/// The id of the order that is accepted with a sequence into a slot.
#[must_use]
#[inline]
pub const fn order_id(sequence: u64, slot: u32) -> u64 {
    sequence << SLOT_BITS | (slot - 1) as u64
}

/// The sequence in an order's id.
#[must_use]
#[inline]
pub const fn sequence_of(order_id: u64) -> u64 {
    order_id >> SLOT_BITS
}

/// The id of an order refused with a sequence: it has no slot.
#[must_use]
#[inline]
pub const fn refused_id(sequence: u64) -> u64 {
    sequence << SLOT_BITS | SLOT_REFUSED as u64
}

/// The slot in an order's id.
#[must_use]
#[inline]
pub const fn slot_of(order_id: u64) -> u32 {
    (low32(order_id) & SLOT_REFUSED) + 1
}

/// Stands for a slot in the id of a refused order.
pub const SLOT_REFUSED: u32 = (1 << SLOT_BITS) - 1;

/// An order's neighbours and its account: apart from the orders, so that all of them stay close at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(16))]
pub struct Links {
    /// Behind it in the queue; of a free slot, the next free one.
    pub next: u32,
    /// Before it in the queue.
    pub prev: u32,
    /// Its account, 0 for a slot without: so close together that an account's orders are found by looking at all.
    /// A list of each account's own would cost every order more than that costs the few who cancel all theirs.
    pub owner: u32,
}

const _: () = assert!(size_of::<Links>() == 16);

/// The slots.
#[derive(Clone, Debug)]
pub struct Pool {
    orders: Vec<Order>,
    links: Vec<Links>,
    /// Lots self-trade prevention took off an open order, by slot: few orders ever lose any, and their line is full.
    reduced: BTreeMap<u32, i64>,
    free: u32,
    taken: u32,
    max: u32,
}

/// Stands in `prev` of a free slot.
const FREE: u32 = u32::MAX;

const ALONE: Links = Links { next: NONE, prev: NONE, owner: 0 };

impl Pool {
    /// Make an empty pool for at most `max` orders.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let (orders, links, reduced) = (vec![EMPTY], vec![ALONE], BTreeMap::new());
        Self { orders, links, reduced, free: NONE, taken: 0, max: max.min(SLOT_REFUSED) }
    }

    /// Take a slot; it stays empty until `place`.
    #[inline]
    pub fn reserve(&mut self) -> Option<u32> {
        if self.taken >= self.max {
            return None;
        }
        self.taken += 1;
        if self.free == NONE {
            return Some(self.extend());
        }
        let slot = self.free;
        self.free = self.links[slot as usize].next;
        Some(slot)
    }

    #[cold]
    fn extend(&mut self) -> u32 {
        if self.orders.len() == self.orders.capacity() {
            // A quarter more at a time: doubling would spend up to as much again on slots never used.
            let more = self.orders.len() / 4 + 1_024;
            self.orders.reserve_exact(more);
            self.links.reserve_exact(more);
        }
        self.orders.push(EMPTY);
        self.links.push(ALONE);
        self.high()
    }

    /// How many slots were ever in use: the number of the last one.
    #[must_use]
    pub fn high(&self) -> u32 {
        u32::try_from(self.orders.len() - 1).unwrap_or(SLOT_REFUSED)
    }

    /// Fill a reserved slot.
    #[inline]
    pub fn place(&mut self, slot: u32, order: &NewOrder) {
        self.orders[slot as usize] = order.pack();
        self.links[slot as usize].owner = order.account;
    }

    /// Free a slot, filled or not.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        let links = &mut self.links[slot as usize];
        links.next = self.free;
        links.prev = FREE;
        links.owner = 0;
        self.orders[slot as usize].order_id = 0;
        if !self.reduced.is_empty() {
            self.reduced.remove(&slot);
        }
        self.free = slot;
        self.taken -= 1;
    }

    /// An open order.
    #[must_use]
    #[inline]
    pub fn order(&self, slot: u32) -> &Order {
        &self.orders[slot as usize]
    }

    /// An open order, to change.
    #[inline]
    pub fn order_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.orders[slot as usize]
    }

    /// Lots self-trade prevention has taken off an open order.
    #[must_use]
    #[inline]
    pub fn reduced(&self, slot: u32) -> i64 {
        self.reduced.get(&slot).copied().unwrap_or(0)
    }

    /// Note how many lots self-trade prevention has taken off an open order in all; they never become fewer.
    #[inline]
    pub fn reduced_set(&mut self, slot: u32, lots: i64) {
        if lots > 0 {
            self.reduced.insert(slot, lots);
        }
    }

    /// Lots of an open order that have traded.
    #[must_use]
    #[inline]
    pub fn filled(&self, slot: u32) -> i64 {
        let order = self.order(slot);
        order.quantity - order.leaves - self.reduced(slot)
    }

    /// An order's neighbours.
    #[must_use]
    #[inline]
    pub fn links(&self, slot: u32) -> &Links {
        &self.links[slot as usize]
    }

    /// An order's neighbours, to change.
    #[inline]
    pub fn links_mut(&mut self, slot: u32) -> &mut Links {
        &mut self.links[slot as usize]
    }

    /// The slot of an open order.
    #[must_use]
    #[inline]
    pub fn find(&self, order_id: u64) -> Option<u32> {
        let slot = slot_of(order_id);
        (order_id != 0 && self.orders.get(slot as usize)?.order_id == order_id).then_some(slot)
    }

    /// The slots of an account's open orders.
    #[must_use]
    pub fn slots_of(&self, account: u32) -> Vec<u32> {
        let slots = (0..).zip(&self.links).filter(|(_, links)| links.owner == account);
        slots.map(|(slot, _)| slot).collect()
    }

    /// The order is listed under its account; no free slot is.
    #[must_use]
    pub fn is_listed(&self, slot: u32) -> bool {
        let order = self.order(slot);
        self.links[slot as usize].owner == if order.order_id == 0 { 0 } else { order.account }
    }

    /// Nobody has reserved the slot.
    #[must_use]
    pub fn is_free(&self, slot: u32) -> bool {
        self.links.get(slot as usize).is_none_or(|links| links.prev == FREE)
    }

    /// Prefetch the cache lines of an order.
    #[inline]
    pub fn foresee(&self, order_id: u64) {
        let slot = slot_of(order_id) as usize;
        prefetch_index(&self.orders, slot);
        prefetch_index(&self.links, slot);
    }

    /// Prefetch the cache line of the order behind another.
    #[inline]
    pub fn foresee_next(&self, slot: u32) {
        prefetch_index(&self.orders, self.links[slot as usize].next as usize);
    }

    /// Prefetch the cache line of an order's neighbours.
    #[inline]
    pub fn foresee_links(&self, slot: u32) {
        prefetch_index(&self.links, slot as usize);
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
        let mut left = self.orders.len();
        std::iter::from_fn(move || {
            let this = slot;
            left = left.checked_sub(1).filter(|_| this != NONE)?;
            slot = self.links.get(this as usize)?.next;
            Some(this)
        })
    }

    /// Bytes taken from the allocator; of the few orders that were reduced about so many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let reduced = self.reduced.len() * 2 * size_of::<(u32, i64)>();
        (self.orders.capacity() * size_of::<Order>() + self.links.capacity() * size_of::<Links>() + reduced) as u64
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
        pool.orders = vec![EMPTY; high as usize + 1];
        pool.links = vec![ALONE; high as usize + 1];
        let mut seen = vec![false; high as usize + 1];
        seen[NONE as usize] = true;
        for &slot in free.iter().rev() {
            if std::mem::replace(seen.get_mut(slot as usize)?, true) {
                return None;
            }
            pool.links[slot as usize].next = pool.free;
            pool.links[slot as usize].prev = FREE;
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
        assert_eq!(slots, [Some(1), Some(2), Some(3), None]);
        pool.release(1);
        pool.release(3);
        assert_eq!(pool.free_slots().collect::<Vec<_>>(), [3, 1]);
        assert_eq!((pool.reserve(), pool.reserve(), pool.reserve()), (Some(3), Some(1), None));
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
        assert!(Pool::rebuild(10, 3, &[1, 1]).is_none());
        assert!(Pool::rebuild(10, 3, &[4]).is_none() && Pool::rebuild(10, 3, &[0]).is_none());
    }
}
