//! All accounts, balances and positions, and which of them have changed since last told.

use prefetch_index::prefetch_index;

use super::account::{Account, Balance, Exposure, FEES, FIRST_USER, Position};
use super::sheet::Sheet;
use crate::command::Side;

/// All accounts, balances and positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    /// Opaque, by account: the user it belongs to.
    owners: Vec<u64>,
    /// By account and asset.
    balances: Sheet<Balance>,
    /// By account and instrument: where the position is; 0: there is none.
    places: Sheet<u32>,
    /// By place, which is counted from 1.
    positions: Vec<Position>,
    exposures: Vec<Exposure>,
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

    /// Money may be moved in and out of it: an account that trades, or the one fees are paid to.
    pub fn moves_money(&self, account: u32) -> bool {
        account == FEES || self.user(account).is_some()
    }

    /// Prefetch the cache line of an account.
    #[inline]
    pub fn foresee(&self, account: u32) {
        prefetch_index(&self.list, account as usize);
    }

    /// Prefetch the cache line of a balance.
    #[inline]
    pub fn foresee_balance(&self, owner: &Account, asset: u16) {
        self.balances.foresee(owner.balances, asset.into());
    }

    /// Prefetch the cache line of a position.
    #[inline]
    pub fn foresee_position(&self, owner: &Account, instrument: u32) {
        if let Some(&place) = self.places.get(owner.positions, instrument) {
            prefetch_index(&self.positions, place as usize);
        }
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

    /// What an account has of an asset.
    #[inline]
    pub fn balance(&self, owner: &Account, asset: u16) -> Balance {
        self.balances.get(owner.balances, asset.into()).copied().unwrap_or_default()
    }

    /// A balance of an account known to exist, to change: it will be told at the end of the batch.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn balance_mut(&mut self, account: u32, asset: u16) -> &mut Balance {
        let row = self.at(account).balances;
        if row.place(asset.into()).is_none() {
            return self.balance_make(account, asset);
        }
        self.balances.touch(row, asset.into()).expect("the row is that long")
    }

    #[cold]
    fn balance_make(&mut self, account: u32, asset: u16) -> &mut Balance {
        let row = &mut self.list[account as usize].balances;
        *row = self.balances.widen(account, *row, asset.into());
        self.balance_mut(account, asset)
    }

    /// The place of an account's position in an instrument, made if need be.
    #[inline]
    fn position_open(&mut self, account: u32, instrument: u32) -> u32 {
        match self.places.get(self.at(account).positions, instrument) {
            Some(&place) if place != 0 => place,
            _ => self.position_make(account, instrument),
        }
    }

    #[cold]
    fn position_make(&mut self, account: u32, instrument: u32) -> u32 {
        let row = &mut self.list[account as usize].positions;
        if row.place(instrument).is_none() {
            *row = self.places.widen(account, *row, instrument);
        }
        let blank = usize::from(self.positions.is_empty());
        self.positions.resize(self.positions.len() + 1 + blank, Position::default());
        self.exposures.resize(self.positions.len(), Exposure::default());
        let made = u32::try_from(self.positions.len() - 1).unwrap_or(u32::MAX);
        if let Some(place) = self.places.get_mut(*row, instrument) {
            *place = made;
        }
        made
    }

    /// An account's position in an instrument with its bounds, made if need be, to change without telling.
    pub fn position_mut(&mut self, account: u32, instrument: u32) -> (&mut Position, &mut Exposure) {
        let place = self.position_open(account, instrument) as usize;
        (&mut self.positions[place], &mut self.exposures[place])
    }

    /// An account's position in an instrument with its bounds, if it has one.
    pub fn position(&self, owner: &Account, instrument: u32) -> Option<(&Position, &Exposure)> {
        let place = *self.places.get(owner.positions, instrument)? as usize;
        Some((self.positions.get(place)?, self.exposures.get(place)?)).filter(|_| place != 0)
    }

    /// An account's position in an instrument, to change: it will be told at the end of the batch.
    #[inline]
    pub fn position_touch(&mut self, account: u32, instrument: u32) -> &mut Position {
        let row = self.at(account).positions;
        let place = match self.places.touch(row, instrument) {
            Some(&mut place) if place != 0 => place,
            _ => self.position_make_told(account, instrument),
        };
        &mut self.positions[place as usize]
    }

    #[cold]
    fn position_make_told(&mut self, account: u32, instrument: u32) -> u32 {
        self.position_make(account, instrument);
        let row = self.at(account).positions;
        self.places.touch(row, instrument).map_or(0, |place| *place)
    }

    /// Count base units of open orders, if the account has position limits.
    #[inline]
    pub fn count_open(&mut self, account: u32, instrument: u32, side: Side, quantity: i64) {
        if self.at(account).limited {
            self.position_mut(account, instrument).1.open[side as usize] += i128::from(quantity);
        }
    }

    /// Base units of an account's position in an instrument.
    pub fn position_quantity(&self, account: u32, instrument: u32) -> i64 {
        self.position(self.at(account), instrument).map_or(0, |(position, _)| position.quantity)
    }

    /// An account's assets with anything in them, ascending.
    pub fn balances(&self, owner: &Account) -> impl Iterator<Item = (u16, Balance)> + '_ {
        let all = (0..=u16::MAX).zip(self.balances.row(owner.balances));
        all.filter(|(_, balance)| balance.total != 0 || balance.held != 0).map(|(asset, balance)| (asset, *balance))
    }

    /// An account's positions with their bounds, ascending by instrument.
    pub fn positions(&self, owner: &Account) -> impl Iterator<Item = (u32, &Position, &Exposure)> + '_ {
        let places = (0..).zip(self.places.row(owner.positions)).filter(|&(_, &place)| place != 0);
        places.filter_map(|(instrument, &place)| {
            Some((instrument, self.positions.get(place as usize)?, self.exposures.get(place as usize)?))
        })
    }

    /// Every account with its number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Account)> + '_ {
        (0..u32::MAX).zip(&self.list).skip(1)
    }

    /// Drain every balance changed since the last call, by account and asset, with the account's next sequence.
    #[inline]
    pub fn drain_balances(&mut self, mut tell: impl FnMut(u64, u32, u16, &Balance)) {
        let Self { list, balances, .. } = self;
        balances.drain(|account, place, balance| {
            let owner = &mut list[account as usize];
            let counted = u64::from(account >= FIRST_USER);
            owner.sequence += counted;
            let asset = u16::try_from(owner.balances.column(place)).unwrap_or(0);
            tell(owner.sequence * counted, account, asset, balance);
        });
        if balances.is_untidy() {
            balances.tidy(list.iter_mut().map(|account| &mut account.balances));
        }
    }

    /// Drain every position changed since the last call, by account and instrument.
    #[inline]
    pub fn drain_positions(&mut self, mut tell: impl FnMut(u64, u32, u32, &Position)) {
        let Self { list, places, positions, .. } = self;
        places.drain(|account, place, &position| {
            let owner = &mut list[account as usize];
            let instrument = owner.positions.column(place);
            // Only who trades has positions.
            tell(owner.next_sequence(), account, instrument, &positions[position as usize]);
        });
        if places.is_untidy() {
            places.tidy(list.iter_mut().map(|account| &mut account.positions));
        }
    }

    /// Take all balances and positions as told.
    pub fn forget_changes(&mut self) {
        self.balances.forget_changes();
        self.places.forget_changes();
    }
}
