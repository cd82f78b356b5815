//! All accounts and positions, and which of them have changed since last told.

use prefetch_index::prefetch_index;

use crate::account::{Account, Balance, FIRST_USER, LAST, NOWHERE, Position};
use crate::command::Side;
use crate::pool::{NONE, Pool};
use crate::touched::Touched;

/// Heads of an account's chains of changed balances and positions.
#[derive(Clone, Copy, Debug)]
struct Changes {
    asset: u32,
    instrument: u32,
}

const UNCHANGED: Changes = Changes { asset: LAST, instrument: LAST };

/// All accounts and positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    /// Opaque, by account: the user it belongs to.
    owners: Vec<u64>,
    positions: Vec<Position>,
    changes: Vec<Changes>,
    /// Accounts with changed balances.
    funded: Touched,
    /// Accounts with changed positions.
    moved: Touched,
    /// For sorting one account's changes.
    scratch: Vec<u32>,
}

impl Accounts {
    /// How many accounts there are, reserved ones included.
    pub fn len(&self) -> u32 {
        u32::try_from(self.list.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// There are none: the venue is not open.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Append an account under the next number.
    pub fn open(&mut self, owner: u64, group: u32) -> Option<u32> {
        if self.list.is_empty() {
            // Nobody has number 0; this keeps numbers and places the same.
            self.push(0, 0);
        }
        let number = u32::try_from(self.list.len()).ok().filter(|&number| number < u32::MAX)?;
        self.push(owner, group);
        Some(number)
    }

    fn push(&mut self, owner: u64, group: u32) {
        self.list.push(Account::new(group));
        self.owners.push(owner);
        self.changes.push(UNCHANGED);
    }

    /// An account, reserved ones included.
    pub fn get(&self, account: u32) -> Option<&Account> {
        self.list.get(account as usize).filter(|_| account != 0)
    }

    /// An account that trades.
    #[inline]
    pub fn user(&self, account: u32) -> Option<&Account> {
        self.list.get(account as usize).filter(|_| account >= FIRST_USER)
    }

    /// Ask for the cache line of an account.
    #[inline]
    pub fn foresee(&self, account: u32) {
        prefetch_index(&self.list, account as usize);
    }

    /// An account known to exist.
    #[inline]
    pub fn at(&self, account: u32) -> &Account {
        &self.list[account as usize]
    }

    /// An account known to exist, to change.
    #[inline]
    pub fn at_mut(&mut self, account: u32) -> &mut Account {
        &mut self.list[account as usize]
    }

    /// The user an account belongs to.
    pub fn owner(&self, account: u32) -> u64 {
        self.owners.get(account as usize).copied().unwrap_or(0)
    }

    /// The sequence of the account's next event; reserved accounts have none.
    #[inline]
    pub fn next_sequence(&mut self, account: u32) -> u64 {
        match self.list.get_mut(account as usize) {
            Some(found) if account >= FIRST_USER => found.next_sequence(),
            _ => 0,
        }
    }

    /// A balance of an account known to exist, to change: it will be told at the end of the batch.
    #[inline]
    pub fn balance_mut(&mut self, account: u32, asset: u16) -> &mut Balance {
        let owner = &mut self.list[account as usize];
        let place = usize::from(asset);
        if place >= owner.balances.len() {
            owner.balances = longer(&owner.balances, place + 1, Balance::default());
        }
        let balance = &mut owner.balances[place];
        // No branch on whether it is the first change: that is as good as random, and guessing it wrong costs more.
        let head = &mut self.changes[account as usize].asset;
        let first = balance.changed == 0;
        balance.changed = if first { *head } else { balance.changed };
        *head = if first { asset.into() } else { *head };
        self.funded.insert(account);
        balance
    }

    /// The place of an account's position in an instrument, made if need be.
    #[inline]
    pub fn position_open(&mut self, account: u32, instrument: u32) -> u32 {
        match self.at(account).position_place(instrument) {
            Some(place) => place,
            None => self.position_make(account, instrument),
        }
    }

    #[cold]
    fn position_make(&mut self, account: u32, instrument: u32) -> u32 {
        let place = u32::try_from(self.positions.len()).unwrap_or(NOWHERE);
        self.positions.push(Position { instrument, ..Position::default() });
        let owner = &mut self.list[account as usize];
        if instrument as usize >= owner.positions.len() {
            owner.positions = longer(&owner.positions, instrument as usize + 1, NOWHERE);
        }
        owner.positions[instrument as usize] = place;
        place
    }

    /// A position by its place.
    #[inline]
    pub fn position(&self, place: u32) -> &Position {
        &self.positions[place as usize]
    }

    /// A position by its place, to change without telling.
    #[inline]
    pub fn position_mut(&mut self, place: u32) -> &mut Position {
        &mut self.positions[place as usize]
    }

    /// An account's position in an instrument, to change: it will be told at the end of the batch.
    #[inline]
    pub fn position_touch(&mut self, account: u32, instrument: u32) -> &mut Position {
        let place = self.position_open(account, instrument);
        let position = &mut self.positions[place as usize];
        if position.changed == 0 {
            position.changed = std::mem::replace(&mut self.changes[account as usize].instrument, instrument);
            self.moved.insert(account);
        }
        position
    }

    /// Count base units of open orders, if the account has position limits.
    #[inline]
    pub fn count_open(&mut self, account: u32, instrument: u32, side: Side, quantity: i64) {
        if self.at(account).limited {
            let place = self.position_open(account, instrument);
            let open = &mut self.positions[place as usize].open[side as usize];
            *open = open.saturating_add(quantity);
        }
    }

    /// An account's positions, ascending by instrument.
    pub fn positions(&self, account: u32) -> impl Iterator<Item = &Position> + '_ {
        let places = self.list.get(account as usize).map_or(&[][..], |found| &found.positions);
        places.iter().filter_map(|&place| self.positions.get(place as usize))
    }

    /// Every account with its number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Account)> + '_ {
        (0..u32::MAX).zip(&self.list).skip(1)
    }

    /// Tell every balance changed since the last call, by account and asset, with the account's next sequence.
    pub fn drain_balances(&mut self, mut tell: impl FnMut(u64, u32, u16, Balance)) {
        while let Some(account) = self.funded.pop() {
            let owner = &mut self.list[account as usize];
            let mut next = std::mem::replace(&mut self.changes[account as usize].asset, LAST);
            while next != LAST {
                self.scratch.push(next);
                next = std::mem::take(&mut owner.balances[next as usize].changed);
            }
            self.scratch.sort_unstable();
            for asset in self.scratch.drain(..) {
                let sequence = if account < FIRST_USER { 0 } else { owner.next_sequence() };
                tell(sequence, account, u16::try_from(asset).unwrap_or(0), owner.balances[asset as usize]);
            }
        }
    }

    /// Tell every position changed since the last call, by account and instrument.
    pub fn drain_positions(&mut self, mut tell: impl FnMut(u64, u32, &Position)) {
        while let Some(account) = self.moved.pop() {
            let owner = &mut self.list[account as usize];
            let mut next = std::mem::replace(&mut self.changes[account as usize].instrument, LAST);
            while next != LAST {
                self.scratch.push(next);
                next = std::mem::take(&mut self.positions[owner.positions[next as usize] as usize].changed);
            }
            self.scratch.sort_unstable();
            for instrument in self.scratch.drain(..) {
                let sequence = if account < FIRST_USER { 0 } else { owner.next_sequence() };
                tell(sequence, account, &self.positions[owner.positions[instrument as usize] as usize]);
            }
        }
    }

    /// Take all balances and positions as told.
    pub fn forget_changes(&mut self) {
        let balances = self.list.iter_mut().flat_map(|owner| &mut owner.balances);
        balances.for_each(|balance| balance.changed = 0);
        self.positions.iter_mut().for_each(|position| position.changed = 0);
        self.changes.fill(UNCHANGED);
        (self.funded, self.moved) = (Touched::default(), Touched::default());
    }

    /// Append an order to its account's list.
    #[inline]
    pub fn link(&mut self, pool: &mut Pool, account: u32, slot: u32) {
        let owner = &mut self.list[account as usize];
        let tail = std::mem::replace(&mut owner.orders_tail, slot);
        owner.open_orders += 1;
        owner.orders_head = if tail == NONE { slot } else { owner.orders_head };
        pool.links_mut(slot).account_prev = tail;
        pool.links_mut(tail).account_next = slot;
    }

    /// Take an order out of its account's list.
    #[inline]
    pub fn unlink(&mut self, pool: &mut Pool, account: u32, slot: u32) {
        let owner = &mut self.list[account as usize];
        owner.open_orders -= 1;
        let (prev, next) = (pool.links(slot).account_prev, pool.links(slot).account_next);
        owner.orders_head = if prev == NONE { next } else { owner.orders_head };
        owner.orders_tail = if next == NONE { prev } else { owner.orders_tail };
        pool.links_mut(prev).account_next = next;
        pool.links_mut(next).account_prev = prev;
    }
}

/// The same list, longer.
#[cold]
fn longer<T: Clone>(list: &[T], length: usize, blank: T) -> Box<[T]> {
    let mut longer = list.to_vec();
    longer.reserve_exact(length - list.len());
    longer.resize(length, blank);
    longer.into_boxed_slice()
}
