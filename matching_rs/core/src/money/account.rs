//! One account, a balance of its, a position of its.

use super::sheet::Row;
use crate::command::{AccountStatus, SelfTradePrevention};

/// The account fees are paid to.
pub const FEES: u32 = 1;

/// The world outside: the other side of deposits and withdrawals, so its balances are negative.
pub const EXTERNAL: u32 = 2;

/// The first account that trades.
pub const FIRST_USER: u32 = 3;

/// How many orders a new account may have open.
pub const OPEN_ORDERS_MAX_DEFAULT: u32 = 100_000;

/// Fee tiers of an account are below this.
pub(crate) const TIERS: u8 = 16;

/// One asset of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(16))]
pub(crate) struct Balance {
    /// Smallest units owned.
    pub total: i64,
    /// Of these, bound by open orders and requested withdrawals.
    pub held: i64,
}

impl Balance {
    /// What can be spent; 0 ≤ held ≤ total wherever an account trades.
    #[inline]
    pub const fn free(&self) -> i64 {
        self.total.saturating_sub(self.held)
    }
}

/// What an account has in an instrument, by its trades alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
pub(crate) struct Position {
    /// Base units, negative when short.
    pub quantity: i64,
    /// Quote units paid for it, negative when short.
    pub cost: i64,
    /// Quote units of profit realised, before fees.
    pub realised: i64,
    /// Quote units of fees paid.
    pub fees: i64,
}

/// Bounds on a position, apart from it: most accounts have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Base units of open orders, by side; kept only once the account has had a position limit. One order's fit 63 bits,
    /// all of them may not.
    pub open: [i128; 2],
    /// Bound on the position, base units; 0: none.
    pub limit: i64,
}

impl Position {
    /// Book a fill: `signed` base units (negative: sold) for `notional` and `fee` quote units.
    ///
    /// Closing a part of a position releases that part of its cost, truncated to whole units. Cost, profit and fees
    /// are statistics, money is in the balances: they stop at 63 bits instead of wrapping. That the quantity fits is for
    /// the caller to see to.
    #[inline]
    pub fn fill(&mut self, signed: i64, notional: i64, fee: i64) {
        let flow = if signed < 0 { -notional } else { notional };
        self.fees = self.fees.saturating_add(fee);
        if self.quantity == 0 || (self.quantity < 0) == (signed < 0) {
            self.cost = self.cost.saturating_add(flow);
        } else {
            self.close(signed, flow);
        }
        self.quantity += signed;
    }

    fn close(&mut self, signed: i64, flow: i64) {
        let (before, fill) = (self.quantity.unsigned_abs(), signed.unsigned_abs());
        let closing = before.min(fill);
        let released = part(self.cost, closing, before);
        let closed = part(flow, closing, fill);
        self.realised = self.realised.saturating_sub(closed).saturating_sub(released);
        self.cost = (self.cost - released).saturating_add(flow - closed);
    }

    /// Nothing of it is visible.
    pub const fn is_blank(&self) -> bool {
        self.quantity == 0 && self.cost == 0 && self.realised == 0 && self.fees == 0
    }
}

/// `of × part / whole`, truncated; `part` is at most `whole`. In 64 bits where they suffice: far quicker to divide.
#[inline]
fn part(of: i64, part: u64, whole: u64) -> i64 {
    if part == whole {
        return of;
    }
    if let Some(product) = of.unsigned_abs().checked_mul(part) {
        return (product / whole).cast_signed() * of.signum();
    }
    i64::try_from(i128::from(of) * i128::from(part) / i128::from(whole)).unwrap_or(of)
}

/// May an account trade?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing(u8);

impl Standing {
    const SUSPENDED: u8 = 1;
    const KILLED: u8 = 2;

    /// Active and not killed: all that an order asks.
    #[inline]
    pub const fn is_good(self) -> bool {
        self.0 == 0
    }

    /// Active or suspended.
    pub const fn status(self) -> AccountStatus {
        if self.0 & Self::SUSPENDED == 0 { AccountStatus::Active } else { AccountStatus::Suspended }
    }

    /// The account's kill switch.
    pub const fn killed(self) -> bool {
        self.0 & Self::KILLED != 0
    }

    /// Put both together.
    pub const fn new(status: AccountStatus, killed: bool) -> Self {
        let suspended = if matches!(status, AccountStatus::Active) { 0 } else { Self::SUSPENDED };
        Self(suspended | if killed { Self::KILLED } else { 0 })
    }
}

/// One account: a cache line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Account {
    /// Its events so far.
    pub sequence: u64,
    /// Its balances, by asset.
    pub balances: Row,
    /// Places of its positions, by instrument.
    pub positions: Row,
    /// The group it must not trade with, as commanded; 0: itself alone.
    pub group: u32,
    /// Orders it has open.
    pub open_orders: u32,
    /// The most it may have open.
    pub open_orders_max: u32,
    /// Active, suspended, killed.
    pub standing: Standing,
    /// 0 to 15.
    pub fee_tier: u8,
    /// Its default against trades with its own group.
    pub stp: SelfTradePrevention,
    /// It has had a position limit, so its positions count their open orders.
    pub limited: bool,
}

const _: () = assert!(size_of::<Account>() == 64 && size_of::<Position>() == 32 && size_of::<Balance>() == 16);

impl Account {
    /// Make an account; group 0 stands for itself alone.
    pub fn new(group: u32) -> Self {
        Self {
            sequence: 0,
            balances: Row::default(),
            positions: Row::default(),
            group,
            open_orders: 0,
            open_orders_max: OPEN_ORDERS_MAX_DEFAULT,
            standing: Standing::default(),
            fee_tier: 0,
            stp: SelfTradePrevention::CancelNewest,
            limited: false,
        }
    }

    /// Its next sequence.
    #[inline]
    pub const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
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
        position.fill(-1, i64::MAX, 0);
        assert_eq!((position.quantity, position.cost, position.realised), (1, i64::MAX / 2 + 1, i64::MAX / 2 + 1));
    }

    #[test]
    fn a_share_is_the_same_in_64_and_in_128_bits() {
        for (of, share, whole) in [(7, 2, 3), (-7, 2, 3), (i64::MAX, 2, 3), (-i64::MAX, 2, 3), (i64::MIN, 1, 2)] {
            let wide = i128::from(of) * i128::from(share) / i128::from(whole);
            assert_eq!(i128::from(part(of, share, whole)), wide);
        }
    }

    #[test]
    fn standing_keeps_both_of_its_parts() {
        for status in [AccountStatus::Active, AccountStatus::Suspended] {
            for killed in [false, true] {
                let standing = Standing::new(status, killed);
                assert_eq!((standing.status(), standing.killed()), (status, killed));
                assert_eq!(standing.is_good(), status == AccountStatus::Active && !killed);
            }
        }
    }
}
