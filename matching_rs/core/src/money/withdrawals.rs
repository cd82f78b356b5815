//! Withdrawals requested and not settled yet: each holds its amount until it is booked or released.
//!
//! One is named by its account and the id it was requested under. It outlives that id's window, so the id cannot be
//! used for a second one while the first is open.

use std::collections::BTreeMap;

/// The most a shard may have open: they are decided by people.
pub(crate) const WITHDRAWALS_MAX: usize = 65_536;

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

/// All that are open, by account and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withdrawals(BTreeMap<(u32, Box<str>), Withdrawal>);

impl Withdrawals {
    /// Every one with its account and id, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, Withdrawal)> {
        self.0.iter().map(|((account, id), withdrawal)| (*account, &**id, *withdrawal))
    }

    /// Those of one account.
    pub fn of(&self, account: u32) -> impl Iterator<Item = (&str, Withdrawal)> {
        let from = (account, Box::from(""));
        let own = self.0.range(from..).take_while(move |((owner, _), _)| *owner == account);
        own.map(|((_, id), withdrawal)| (&**id, *withdrawal))
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// An account has one open under this id.
    pub fn contains(&self, account: u32, id: &str) -> bool {
        self.0.contains_key(&(account, id.into()))
    }

    /// One that is new.
    pub fn insert(&mut self, account: u32, id: &str, withdrawal: Withdrawal) {
        self.0.insert((account, id.into()), withdrawal);
    }

    /// Take out the one an account has open under this id.
    pub fn remove(&mut self, account: u32, id: &str) -> Option<Withdrawal> {
        self.0.remove(&(account, id.into()))
    }

    /// Account and id of the last one.
    pub fn last(&self) -> Option<(u32, &str)> {
        self.0.last_key_value().map(|((account, id), _)| (*account, &**id))
    }
}
