//! What is remembered of ids, and how slots of order ids are given out.

use std::collections::{BTreeMap, VecDeque};

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

/// Whether something is past its window is asked of an account in coarser steps, of which one more has to pass.
const DUE_BITS: u32 = 31;

#[derive(Clone, Debug)]
pub(super) struct Ids {
    config: Config,
    all: Vec<Remembered>,
    /// By account: ids and the times of their ends, oldest first.
    ended: BTreeMap<u32, VecDeque<(String, u64)>>,
    /// Accounts the table is divided among, one for those that open accounts.
    holders: u32,
    /// The account that is asked next for something past its window.
    turn: u32,
}

impl Ids {
    pub(super) fn new(config: Config) -> Self {
        Self { config, all: Vec::new(), ended: BTreeMap::new(), holders: 0, turn: 0 }
    }

    pub(super) fn divide(&mut self, holders: usize) {
        self.holders = u32::try_from(holders).expect("few accounts");
    }

    pub(super) fn find(&self, account: u32, id: &str) -> Option<&Remembered> {
        self.all.iter().find(|one| one.account == account && one.id == id)
    }

    /// From when on an id that ended is past its window.
    fn past_from(&self, end: u64) -> u64 {
        let step = (end >> STEP_BITS) + 1;
        (step << STEP_BITS).saturating_add(self.config.ids_window_ns)
    }

    fn evict(&mut self, account: u32) -> Option<String> {
        let (id, _) = self.ended.get_mut(&account)?.pop_front()?;
        self.all.retain(|one| one.account != account || one.id != id);
        Some(id)
    }

    /// Forget an id that is past its window, and what ended before it.
    pub(super) fn expire(&mut self, account: u32, id: &str, now: u64) {
        let queue = self.ended.get(&account);
        let end = queue.and_then(|queue| Some(queue.iter().find(|one| one.0 == id)?.1));
        if end.is_some_and(|end| self.past_from(end) <= now) {
            while self.evict(account).is_some_and(|gone| gone != id) {}
        }
    }

    /// Places in the table that are an account's own.
    fn share(&self) -> usize {
        self.config.ids_max as usize / 2 / self.holders.max(1) as usize
    }

    fn excess(&self, account: u32) -> usize {
        self.ended.get(&account).map_or(0, |queue| queue.len().saturating_sub(self.share()))
    }

    /// How many more could be remembered.
    pub(super) fn room(&self) -> usize {
        let excess: usize = (0..self.holders).map(|account| self.excess(account)).sum();
        self.config.ids_max as usize - self.all.len() + excess
    }

    fn first_is_due(&self, account: u32, now: u64) -> bool {
        let first = self.ended.get(&account).and_then(VecDeque::front);
        first.is_some_and(|&(_, end)| now >> DUE_BITS > self.past_from(end) >> DUE_BITS)
    }

    /// One past its window; else one of the account's own, if it has more than its share; else one of another that has.
    fn make_room(&mut self, account: u32, now: u64) {
        if self.first_is_due(self.turn, now) {
            self.evict(self.turn);
            return;
        }
        self.turn = (self.turn + 1) % self.holders;
        let in_turn = (0..self.holders).map(|step| (self.turn + step) % self.holders);
        let leaves = std::iter::once(account).chain(in_turn).find(|&one| self.excess(one) > 0);
        self.evict(leaves.expect("somebody has more than a share"));
    }

    pub(super) fn remember(
        &mut self,
        (account, id): (u32, &str),
        payload: String,
        (sequence, order_id): (u64, u64),
        now: u64,
    ) {
        if self.all.len() >= self.config.ids_max as usize {
            self.make_room(account, now);
        }
        self.all.push(Remembered { account, id: id.to_string(), payload, sequence, order_id, open: true });
    }

    pub(super) fn end(&mut self, account: u32, id: &str, now: u64) {
        let found = self.all.iter_mut().find(|one| one.account == account && one.id == id).expect("a remembered id");
        assert!(found.open, "an id ends once");
        found.open = false;
        self.ended.entry(account).or_default().push_back((id.to_string(), now));
        for _ in 0..2 {
            if self.first_is_due(account, now) {
                self.evict(account);
            }
        }
    }
}

/// Slots are reused last freed first.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    free: Vec<u64>,
    high: u64,
}

impl Slots {
    pub(super) const fn new() -> Self {
        Self { free: Vec::new(), high: 0 }
    }

    /// How many were ever in use.
    pub(super) fn high(&self) -> u64 {
        self.high
    }

    pub(super) fn take(&mut self) -> u64 {
        self.free.pop().unwrap_or_else(|| {
            self.high += 1;
            self.high - 1
        })
    }

    pub(super) fn give(&mut self, order_id: u64) {
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
