//! Withdrawals requested and not settled yet: each holds its amount until it is booked or released.
//!
//! One is named by its account and the id it was requested under. It outlives that id's window, so the id cannot be
//! used for a second one while the first is open.

use std::collections::BTreeMap;

use crate::shares::Shares;

/// The most a shard may have open: they are decided by people. Half of them are divided among the accounts.
pub(crate) const WITHDRAWALS_MAX: u32 = 65_536;

/// What one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// Of what.
    pub asset: u16,
    /// Smallest units, > 0.
    pub amount: i64,
    /// Of the event it began with.
    pub sequence: u64,
}

/// All that are open.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawals {
    /// By account and id.
    open: BTreeMap<(u32, Box<str>), Withdrawal>,
    /// How many each account has that has any.
    counts: BTreeMap<u32, u32>,
    shares: Shares,
}

impl Default for Withdrawals {
    fn default() -> Self {
        Self { open: BTreeMap::new(), counts: BTreeMap::new(), shares: Shares::new(WITHDRAWALS_MAX) }
    }
}

impl Withdrawals {
    /// Every one with its account and id, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, Withdrawal)> {
        self.open.iter().map(|((account, id), withdrawal)| (*account, &**id, *withdrawal))
    }

    /// Those of one account.
    pub fn of(&self, account: u32) -> impl Iterator<Item = (&str, Withdrawal)> {
        let from = (account, Box::from(""));
        let own = self.open.range(from..).take_while(move |((owner, _), _)| *owner == account);
        own.map(|((_, id), withdrawal)| (&**id, *withdrawal))
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Divide how many there may be among so many accounts.
    pub fn divide(&mut self, accounts: u32) {
        if self.shares.divide(accounts) {
            for &count in self.counts.values() {
                self.shares.count(count);
            }
        }
    }

    /// An account may have one more: it has less than its share, or the common half has room.
    pub fn has_room(&self, account: u32) -> bool {
        self.len() < WITHDRAWALS_MAX as usize && self.shares.has_room(self.count(account))
    }

    fn count(&self, account: u32) -> u32 {
        self.counts.get(&account).copied().unwrap_or(0)
    }

    /// An account has one open under this id.
    pub fn contains(&self, account: u32, id: &str) -> bool {
        self.open.contains_key(&(account, id.into()))
    }

    /// One that is new.
    pub fn insert(&mut self, account: u32, id: &str, withdrawal: Withdrawal) {
        self.open.insert((account, id.into()), withdrawal);
        let count = self.counts.entry(account).or_default();
        self.shares.add(*count);
        *count += 1;
    }

    /// Take out the one an account has open under this id.
    pub fn remove(&mut self, account: u32, id: &str) -> Option<Withdrawal> {
        let removed = self.open.remove(&(account, id.into()))?;
        let count = self.count(account) - 1;
        self.shares.take(count);
        if count == 0 {
            self.counts.remove(&account);
        } else {
            self.counts.insert(account, count);
        }
        Some(removed)
    }

    /// Check what is counted against what is there.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        let mut counts = BTreeMap::<u32, u32>::new();
        for (account, _) in self.open.keys() {
            *counts.entry(*account).or_default() += 1;
        }
        if counts != self.counts {
            return Err("the accounts' open withdrawals are counted otherwise".into());
        }
        let over: u32 = counts.values().map(|count| count.saturating_sub(self.shares.each())).sum();
        if over != self.shares.over() {
            return Err(format!("{over} open withdrawals are beyond the accounts' shares: counted otherwise"));
        }
        Ok(())
    }

    /// Account and id of the last one.
    pub fn last(&self) -> Option<(u32, &str)> {
        self.open.last_key_value().map(|((account, id), _)| (*account, &**id))
    }
}
