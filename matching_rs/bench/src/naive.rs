//! The plainest book that is right: the reference the generated flow's expectations come from.

use std::collections::{BTreeMap, VecDeque};

/// One order of the naive book.
#[derive(Clone, Copy, Debug)]
pub struct NaiveOrder {
    /// Price, ticks.
    pub price: i32,
    /// Lots left; 0: ended.
    pub leaves: u32,
    /// Whether it buys.
    pub buy: bool,
    place: usize,
}

/// Price-time priority by ordered maps and queues; ended orders leave a queue when its head is looked at.
#[derive(Clone, Debug)]
pub struct NaiveBook {
    bids: BTreeMap<i32, VecDeque<u32>>,
    asks: BTreeMap<i32, VecDeque<u32>>,
    orders: Vec<NaiveOrder>,
    live: Vec<u32>,
}

impl Default for NaiveBook {
    fn default() -> Self {
        // Order numbers start at 1: number 0 is an order that never lived.
        let nobody = NaiveOrder { price: 0, leaves: 0, buy: true, place: 0 };
        Self { bids: BTreeMap::new(), asks: BTreeMap::new(), orders: vec![nobody], live: Vec::new() }
    }
}

impl NaiveBook {
    fn side(&mut self, buy: bool) -> &mut BTreeMap<i32, VecDeque<u32>> {
        if buy { &mut self.bids } else { &mut self.asks }
    }

    /// The live orders, in no order.
    #[must_use]
    pub fn live(&self) -> &[u32] {
        &self.live
    }

    /// An order by its number.
    #[must_use]
    pub fn order(&self, id: u32) -> NaiveOrder {
        self.orders[id as usize]
    }

    /// The number the next order gets.
    #[must_use]
    pub fn next_id(&self) -> u32 {
        u32::try_from(self.orders.len()).unwrap_or(u32::MAX)
    }

    /// The best price of a side.
    pub fn best(&mut self, buy: bool) -> Option<i32> {
        loop {
            let side = if buy { &mut self.bids } else { &mut self.asks };
            let mut level = if buy { side.last_entry()? } else { side.first_entry()? };
            while level.get().front().is_some_and(|id| self.orders[*id as usize].leaves == 0) {
                level.get_mut().pop_front();
            }
            if !level.get().is_empty() {
                return Some(*level.key());
            }
            level.remove();
        }
    }

    /// Rest an order; its number comes back.
    pub fn rest(&mut self, buy: bool, price: i32, quantity: u32) -> u32 {
        let id = self.next_id();
        self.orders.push(NaiveOrder { price, leaves: quantity, buy, place: self.live.len() });
        self.live.push(id);
        self.side(buy).entry(price).or_default().push_back(id);
        id
    }

    /// Use up a number for an order that never rests.
    pub fn pass(&mut self, buy: bool, price: i32) -> u32 {
        let id = self.next_id();
        self.orders.push(NaiveOrder { price, leaves: 0, buy, place: 0 });
        id
    }

    /// End an order.
    pub fn end(&mut self, id: u32) {
        let place = self.orders[id as usize].place;
        self.orders[id as usize].leaves = 0;
        self.live.swap_remove(place);
        if let Some(moved) = self.live.get(place) {
            self.orders[*moved as usize].place = place;
        }
    }

    /// Take lots off an order; it ends at 0.
    pub fn fill(&mut self, id: u32, quantity: u32) {
        self.orders[id as usize].leaves -= quantity;
        if self.orders[id as usize].leaves == 0 {
            self.end(id);
        }
    }

    /// The first `count` live orders of a side in priority.
    #[must_use]
    pub fn first(&self, buy: bool, count: usize) -> Vec<u32> {
        let live = |id: &&u32| self.orders[**id as usize].leaves > 0;
        if buy {
            self.bids.values().rev().flatten().filter(live).take(count).copied().collect()
        } else {
            self.asks.values().flatten().filter(live).take(count).copied().collect()
        }
    }
}
