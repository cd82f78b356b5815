//! Accounts: what they own, what of it is held, their positions, and which of that has changed since last told.

use crate::command::{AccountStatus, SelfTradePrevention};
use crate::pool::{NONE, Pool};

/// The account fees are paid to.
pub const FEES: u32 = 1;

/// The world outside: the other side of deposits and withdrawals, so its balances are negative.
pub const EXTERNAL: u32 = 2;

/// The first account that trades.
pub const FIRST_USER: u32 = 3;

/// How many orders a new account may have open.
pub const OPEN_ORDERS_MAX_DEFAULT: u32 = 100_000;

/// Fee tiers of an account are below this.
pub const TIERS: u8 = 16;

/// One asset of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Smallest units owned.
    pub total: i64,
    /// Of these, bound by open orders.
    pub held: i64,
    touched: bool,
}

impl Balance {
    /// What can be spent; 0 ≤ held ≤ total wherever an account trades.
    #[must_use]
    #[inline]
    pub const fn free(&self) -> i64 {
        self.total.saturating_sub(self.held)
    }
}

/// What an account has in an instrument, by its trades alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Which instrument.
    pub instrument: u32,
    touched: bool,
    /// Base units, negative when short.
    pub quantity: i64,
    /// Quote units paid for it, negative when short.
    pub cost: i64,
    /// Quote units of profit realised, before fees.
    pub realised: i64,
    /// Quote units of fees paid.
    pub fees: i64,
    /// Base units of open orders, by side.
    pub open: [i64; 2],
    /// Bound on the position, base units; 0: none.
    pub limit: i64,
}

impl Position {
    /// Book a fill: `signed` base units (negative: sold) for `notional` and `fee` quote units.
    ///
    /// Closing a part of a position releases that part of its cost, truncated to whole units. Quantity is bounded
    /// when orders are accepted; cost, profit and fees are statistics and stop at 63 bits instead of wrapping.
    pub fn fill(&mut self, signed: i64, notional: i64, fee: i64) {
        let flow = if signed < 0 { -i128::from(notional) } else { i128::from(notional) };
        self.fees = self.fees.saturating_add(fee);
        if self.quantity == 0 || (self.quantity < 0) == (signed < 0) {
            self.cost = saturated(i128::from(self.cost) + flow);
        } else {
            let (before, fill) = (i128::from(self.quantity).abs(), i128::from(signed).abs());
            let closing = before.min(fill);
            let released = if closing == before { self.cost.into() } else { part(self.cost.into(), closing, before) };
            let closed = if closing == fill { flow } else { part(flow, closing, fill) };
            self.realised = saturated(i128::from(self.realised) - closed - released);
            self.cost = saturated(i128::from(self.cost) - released + flow - closed);
        }
        self.quantity = self.quantity.saturating_add(signed);
    }

    /// Nothing of it is visible.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.quantity == 0 && self.cost == 0 && self.realised == 0 && self.fees == 0
    }
}

/// `of × part / whole`, truncated; in 64 bits where they suffice, which is far quicker to divide.
fn part(of: i128, part: i128, whole: i128) -> i128 {
    let product = of * part;
    match (i64::try_from(product), i64::try_from(whole)) {
        (Ok(product), Ok(whole)) if whole > 0 => i128::from(product / whole),
        _ => product / whole,
    }
}

fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its events so far.
    pub sequence: u64,
    /// The group it must not trade with: as commanded, or its own number beyond 32 bits.
    pub group: u64,
    /// Opaque: the user it belongs to.
    pub owner: u64,
    /// Orders it has open.
    pub open_orders: u32,
    /// The most it may have open.
    pub open_orders_max: u32,
    /// Its oldest open order.
    pub orders_head: u32,
    /// Its newest open order.
    pub orders_tail: u32,
    /// Active or suspended.
    pub status: AccountStatus,
    /// Its kill switch.
    pub killed: bool,
    /// 0 to 15.
    pub fee_tier: u8,
    /// Its default against trades with its own group.
    pub stp: SelfTradePrevention,
    balances: Vec<Balance>,
    positions: Vec<u32>,
}

impl Account {
    /// Make an account; group 0 stands for its own.
    #[must_use]
    pub fn new(number: u32, owner: u64, group: u32) -> Self {
        Self {
            sequence: 0,
            group: if group == 0 { 1 << 32 | u64::from(number) } else { u64::from(group) },
            owner,
            open_orders: 0,
            open_orders_max: OPEN_ORDERS_MAX_DEFAULT,
            orders_head: NONE,
            orders_tail: NONE,
            status: AccountStatus::Active,
            killed: false,
            fee_tier: 0,
            stp: SelfTradePrevention::CancelNewest,
            balances: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// The group as commanded; 0: its own.
    #[must_use]
    pub fn commanded_group(&self) -> u32 {
        u32::try_from(self.group).unwrap_or(0)
    }

    /// What it has of an asset.
    #[must_use]
    #[inline]
    pub fn balance(&self, asset: u16) -> Balance {
        self.balances.get(usize::from(asset)).copied().unwrap_or_default()
    }

    /// Its assets with anything in them, ascending.
    pub fn balances(&self) -> impl Iterator<Item = (u16, Balance)> + '_ {
        (0..=u16::MAX).zip(&self.balances).filter(|(_, b)| b.total != 0 || b.held != 0).map(|(a, b)| (a, *b))
    }

    /// Its next sequence.
    #[inline]
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

/// All accounts and positions.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    list: Vec<Account>,
    positions: Vec<Position>,
    touched_balances: Vec<u64>,
    touched_positions: Vec<u64>,
}

impl Accounts {
    /// How many accounts there are, reserved ones included.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.list.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// There are none: the venue is not open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Append an account under the next number.
    pub fn open(&mut self, owner: u64, group: u32) -> Option<u32> {
        if self.list.is_empty() {
            // Nobody has number 0; this keeps numbers and places the same.
            self.list.push(Account::new(0, 0, 0));
        }
        let number = u32::try_from(self.list.len()).ok().filter(|&number| number < u32::MAX)?;
        self.list.push(Account::new(number, owner, group));
        Some(number)
    }

    /// An account, reserved ones included.
    #[must_use]
    pub fn get(&self, account: u32) -> Option<&Account> {
        self.list.get(account as usize).filter(|_| account != 0)
    }

    /// An account that trades.
    #[must_use]
    #[inline]
    pub fn user(&self, account: u32) -> Option<&Account> {
        self.list.get(account as usize).filter(|_| account >= FIRST_USER)
    }

    /// An account known to exist.
    #[must_use]
    #[inline]
    pub fn at(&self, account: u32) -> &Account {
        &self.list[account as usize]
    }

    /// An account known to exist, to change.
    #[inline]
    pub fn at_mut(&mut self, account: u32) -> &mut Account {
        &mut self.list[account as usize]
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
        let balances = &mut self.list[account as usize].balances;
        let place = usize::from(asset);
        if place >= balances.len() {
            balances.resize(place + 1, Balance::default());
        }
        let balance = &mut balances[place];
        if !balance.touched {
            balance.touched = true;
            self.touched_balances.push(u64::from(account) << 16 | u64::from(asset));
        }
        balance
    }

    /// The place of an account's position in an instrument, if it has one.
    #[must_use]
    #[inline]
    pub fn position_place(&self, account: u32, instrument: u32) -> Option<u32> {
        let place = *self.list.get(account as usize)?.positions.get(instrument as usize)?;
        (place != NONE).then_some(place)
    }

    /// The place of an account's position in an instrument, made if need be.
    #[inline]
    pub fn position_open(&mut self, account: u32, instrument: u32) -> u32 {
        match self.position_place(account, instrument) {
            Some(place) => place,
            None => self.position_make(account, instrument),
        }
    }

    fn position_make(&mut self, account: u32, instrument: u32) -> u32 {
        let place = u32::try_from(self.positions.len()).unwrap_or(NONE);
        self.positions.push(Position { instrument, ..Position::default() });
        let places = &mut self.list[account as usize].positions;
        if instrument as usize >= places.len() {
            places.resize(instrument as usize + 1, NONE);
        }
        places[instrument as usize] = place;
        place
    }

    /// A position by its place.
    #[must_use]
    #[inline]
    pub fn position(&self, place: u32) -> &Position {
        &self.positions[place as usize]
    }

    /// A position by its place, to change without telling.
    #[inline]
    pub fn position_mut(&mut self, place: u32) -> &mut Position {
        &mut self.positions[place as usize]
    }

    /// Book a fill; the position will be told at the end of the batch.
    #[inline]
    pub fn position_fill(&mut self, account: u32, place: u32, signed: i64, notional: i64, fee: i64) {
        let position = &mut self.positions[place as usize];
        position.fill(signed, notional, fee);
        if !position.touched {
            position.touched = true;
            self.touched_positions.push(u64::from(account) << 32 | u64::from(position.instrument));
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

    /// What was touched since the last call: (account, asset) and (account, instrument), each ascending.
    pub fn take_touched(&mut self) -> (Vec<u64>, Vec<u64>) {
        let mut balances = std::mem::take(&mut self.touched_balances);
        let mut positions = std::mem::take(&mut self.touched_positions);
        balances.sort_unstable();
        positions.sort_unstable();
        (balances, positions)
    }

    /// Give the lists of `take_touched` back for reuse.
    pub fn return_touched(&mut self, mut balances: Vec<u64>, mut positions: Vec<u64>) {
        balances.clear();
        positions.clear();
        self.touched_balances = balances;
        self.touched_positions = positions;
    }

    /// A touched balance as it is to be told.
    pub fn settle_balance(&mut self, account: u32, asset: u16) -> Balance {
        let balance = &mut self.list[account as usize].balances[usize::from(asset)];
        balance.touched = false;
        *balance
    }

    /// A touched position as it is to be told.
    pub fn settle_position(&mut self, account: u32, instrument: u32) -> Position {
        let place = self.list[account as usize].positions[instrument as usize];
        let position = &mut self.positions[place as usize];
        position.touched = false;
        *position
    }

    /// Append an order to its account's list.
    #[inline]
    pub fn link(&mut self, pool: &mut Pool, account: u32, slot: u32) {
        let owner = &mut self.list[account as usize];
        let tail = std::mem::replace(&mut owner.orders_tail, slot);
        owner.open_orders += 1;
        pool.cold_mut(slot).account_prev = tail;
        if tail == NONE {
            owner.orders_head = slot;
        } else {
            pool.cold_mut(tail).account_next = slot;
        }
    }

    /// Take an order out of its account's list.
    #[inline]
    pub fn unlink(&mut self, pool: &mut Pool, account: u32, slot: u32) {
        let owner = &mut self.list[account as usize];
        owner.open_orders -= 1;
        let (prev, next) = (pool.cold(slot).account_prev, pool.cold(slot).account_next);
        if prev == NONE {
            owner.orders_head = next;
        } else {
            pool.cold_mut(prev).account_next = next;
        }
        if next == NONE {
            owner.orders_tail = prev;
        } else {
            pool.cold_mut(next).account_prev = prev;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_keeps_its_cost_in_proportion() {
        let mut position = Position::default();
        position.fill(10, 1_000, 1);
        position.fill(-4, 480, 1);
        assert_eq!((position.quantity, position.cost, position.realised, position.fees), (6, 600, 80, 2));
        position.fill(-10, 1_100, 0);
        assert_eq!((position.quantity, position.cost, position.realised), (-4, -440, 140));
        position.fill(4, 400, 0);
        assert_eq!((position.quantity, position.cost, position.realised), (0, 0, 180));
    }

    #[test]
    fn position_statistics_stop_at_63_bits() {
        let mut position = Position::default();
        position.fill(1, i64::MAX, i64::MAX);
        position.fill(1, i64::MAX, i64::MAX);
        assert_eq!((position.cost, position.fees), (i64::MAX, i64::MAX));
    }
}
