//! What is remembered of ids, and how slots of order ids are given out.

use std::collections::VecDeque;

use cift_core::Config;

use super::Naive;

/// What an id was first answered.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) account: u32,
    pub(super) id: String,
    /// The command as it was, without its deadline.
    pub(super) payload: String,
    pub(super) sequence: u64,
    /// 0: no order.
    pub(super) order_id: u64,
    open: bool,
}

/// Ends are remembered in steps of 2²⁰ ns, rounded up.
const STEP_BITS: u32 = 20;

#[derive(Clone, Debug)]
pub(super) struct Ids {
    config: Config,
    all: Vec<Remembered>,
    /// (account, id) and time of its end, oldest first.
    ended: VecDeque<(u32, String, u64)>,
}

impl Ids {
    pub(super) fn new(config: Config) -> Self {
        Self { config, all: Vec::new(), ended: VecDeque::new() }
    }

    pub(super) fn find(&self, account: u32, id: &str) -> Option<&Remembered> {
        self.all.iter().find(|one| one.account == account && one.id == id)
    }

    fn evict(&mut self) {
        if let Some((account, id, _)) = self.ended.pop_front() {
            self.all.retain(|one| one.account != account || one.id != id);
        }
    }

    /// Forget all that is past the window.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some((_, _, end)) = self.ended.front() {
            let step = (end >> STEP_BITS) + 1;
            if (step << STEP_BITS).saturating_add(self.config.ids_window_ns) > now {
                break;
            }
            self.evict();
        }
    }

    /// Forget the oldest end to make room for one more; false when every id's order is open.
    pub(super) fn make_room(&mut self) -> bool {
        while self.all.len() >= self.config.ids_max as usize {
            if self.ended.is_empty() {
                return false;
            }
            self.evict();
        }
        true
    }

    /// How many more could be remembered by forgetting ended ones.
    pub(super) fn room(&self) -> usize {
        (self.config.ids_max as usize).saturating_sub(self.all.len()) + self.ended.len()
    }

    pub(super) fn remember(&mut self, account: u32, id: &str, payload: String, sequence: u64, order_id: u64) {
        self.all.push(Remembered { account, id: id.to_string(), payload, sequence, order_id, open: true });
    }

    pub(super) fn end(&mut self, account: u32, id: &str, now: u64) {
        let found = self.all.iter_mut().find(|one| one.account == account && one.id == id).expect("a remembered id");
        assert!(found.open, "an id ends once");
        found.open = false;
        self.ended.push_back((account, id.to_string(), now));
    }
}

/// Slots are reused last freed first.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    free: Vec<u64>,
    high: u64,
    taken: u64,
    max: u64,
}

impl Slots {
    pub(super) fn new(max: u32) -> Self {
        Self { free: Vec::new(), high: 0, taken: 0, max: max.into() }
    }

    pub(super) fn room(&self) -> u64 {
        self.max - self.taken
    }

    /// How many were ever in use.
    pub(super) fn high(&self) -> u64 {
        self.high
    }

    pub(super) fn take(&mut self) -> u64 {
        self.taken += 1;
        self.free.pop().unwrap_or_else(|| {
            self.high += 1;
            self.high - 1
        })
    }

    pub(super) fn give(&mut self, order_id: u64) {
        self.taken -= 1;
        self.free.push(order_id & 0xF_FFFF);
    }
}

impl Naive {
    /// An order is over: its slot and the window of its id begin anew.
    pub(super) fn retire(&mut self, account: u32, client_id: &str, order_id: u64) {
        let now = self.now;
        self.ids.end(account, client_id, now);
        self.slots.give(order_id);
    }
}
