//! All accounts and positions, and which of them have changed since last told.

use prefetch_index::prefetch_index;

use crate::account::{Account, Balance, FIRST_USER, LAST, NOWHERE, Position};
use crate::command::Side;
use crate::touched::{Touched, bits};

/// All accounts and positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    /// Opaque, by account: the user it belongs to.
    owners: Vec<u64>,
    positions: Vec<Position>,
    /// Heads of the accounts' chains of changed positions.
    changes: Vec<u32>,
    /// Accounts with changed balances.
    funded: Touched,
    /// Accounts with changed positions.
    moved: Touched,
    /// As a power of two: assets that share a bit in `Account::funded`.
    sharing: u32,
    /// For sorting one account's changes.
    chain: Vec<u32>,
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
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.funded.reserve(number);
        self.moved.reserve(number);
        self.list.push(Account::new(group));
        self.owners.push(owner);
        self.changes.push(LAST);
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

    /// Ask for the cache line of a position.
    #[inline]
    pub fn foresee_position(&self, place: u32) {
        prefetch_index(&self.positions, place as usize);
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
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn balance_mut(&mut self, account: u32, asset: u16) -> &mut Balance {
        let place = usize::from(asset);
        if place >= self.list[account as usize].balances.len() {
            return self.balance_make(account, asset);
        }
        // No branch on whether it is the first change: that is as good as random, and guessing it wrong costs more.
        self.funded.insert(account);
        let owner = &mut self.list[account as usize];
        owner.funded |= bit(place, self.sharing);
        let balance = &mut owner.balances[place];
        balance.changed = true;
        balance
    }

    #[cold]
    fn balance_make(&mut self, account: u32, asset: u16) -> &mut Balance {
        let place = usize::from(asset);
        let owner = &mut self.list[account as usize];
        owner.balances = longer(&owner.balances, place + 1, Balance::default());
        while place >> self.sharing >= 64 {
            self.sharing += 1;
            for owner in &mut self.list {
                let changed = owner.balances.iter().enumerate().filter(|(_, balance)| balance.changed);
                owner.funded = changed.fold(0, |bits, (place, _)| bits | bit(place, self.sharing));
            }
        }
        self.balance_mut(account, asset)
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
            position.changed = std::mem::replace(&mut self.changes[account as usize], instrument);
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
    #[inline]
    pub fn drain_balances(&mut self, mut tell: impl FnMut(u64, u32, u16, Balance)) {
        let Self { list, funded, sharing, .. } = self;
        funded.drain(|first, word| {
            for account in bits(word).map(|bit| first | bit) {
                let owner = &list[account as usize];
                prefetch_index(&owner.balances, (owner.funded.trailing_zeros() as usize) << *sharing);
            }
            for account in bits(word).map(|bit| first | bit) {
                let owner = &mut list[account as usize];
                let counted = u64::from(account >= FIRST_USER);
                for group in bits(std::mem::take(&mut owner.funded)) {
                    let place = (group as usize) << *sharing;
                    for (place, balance) in (place..).zip(owner.balances.iter_mut().skip(place).take(1 << *sharing)) {
                        if balance.changed {
                            balance.changed = false;
                            owner.sequence += counted;
                            tell(owner.sequence * counted, account, u16::try_from(place).unwrap_or(0), *balance);
                        }
                    }
                }
            }
        });
    }

    /// Tell every position changed since the last call, by account and instrument.
    #[inline]
    pub fn drain_positions(&mut self, mut tell: impl FnMut(u64, u32, &Position)) {
        let Self { list, positions, moved, changes, chain, .. } = self;
        moved.drain(|first, word| {
            for account in bits(word).map(|bit| first | bit) {
                if let Some(place) = list[account as usize].position_place(changes[account as usize]) {
                    prefetch_index(&*positions, place as usize);
                }
            }
            for account in bits(word).map(|bit| first | bit) {
                let owner = &mut list[account as usize];
                let mut next = std::mem::replace(&mut changes[account as usize], LAST);
                while next != LAST {
                    chain.push(next);
                    next = std::mem::take(&mut positions[owner.positions[next as usize] as usize].changed);
                }
                chain.sort_unstable();
                for instrument in chain.drain(..) {
                    let position = &positions[owner.positions[instrument as usize] as usize];
                    // Only who trades has positions.
                    tell(owner.next_sequence(), account, position);
                }
            }
        });
    }

    /// Take all balances and positions as told.
    pub fn forget_changes(&mut self) {
        for owner in &mut self.list {
            owner.funded = 0;
            owner.balances.iter_mut().for_each(|balance| balance.changed = false);
        }
        self.positions.iter_mut().for_each(|position| position.changed = 0);
        self.changes.fill(LAST);
        self.funded.clear();
        self.moved.clear();
    }
}

/// The bit of an asset in `Account::funded`; there is one for each that has a place.
#[inline]
const fn bit(place: usize, sharing: u32) -> u64 {
    1 << ((place >> sharing) % 64)
}

/// The same list, longer.
#[cold]
fn longer<T: Clone>(list: &[T], length: usize, blank: T) -> Box<[T]> {
    let mut longer = list.to_vec();
    longer.reserve_exact(length - list.len());
    longer.resize(length, blank);
    longer.into_boxed_slice()
}
