//! A mass cancel that is not over: which orders it takes, and which slots it has yet to look through.

use crate::book::order::Order;
use crate::book::pool::{Pool, sequence_of};
use crate::command::{CancelOrders, Side};
use crate::instrument::Market;

/// Mass cancels of different scopes an account may have under way.
pub(crate) const MASS_CANCELS_MAX: usize = 4;

/// So many open orders are looked at for each that may be canceled: a filter few orders fit is no endless search.
const LOOKS_PER_ORDER: usize = 16;

/// Which orders a mass cancel is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Whose orders; 0: everybody's.
    pub account: u32,
    /// Of which instrument; 0: of all.
    pub instrument: u32,
    pub side: Option<Side>,
    pub price_min: Option<i64>,
    pub price_max: Option<i64>,
}

/// A mass cancel and how far it is; it goes once around the slots there were when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MassCancel {
    pub scope: Scope,
    /// Orders accepted later stay: the shard's sequence when it was asked for.
    pub until: u64,
    /// The number of the last slot it looks at.
    pub high: u32,
    /// The slot it looks at next.
    pub next: u32,
    /// How many slots it has yet to look at.
    pub left: u32,
}

impl Scope {
    pub(crate) const fn of(command: &CancelOrders) -> Self {
        let &CancelOrders { account, instrument, side, price_min, price_max, .. } = command;
        Self { account, instrument, side, price_min, price_max }
    }

    fn takes(&self, order: &Order, markets: &[Market]) -> bool {
        let price = markets[order.market_place()].price(order.price);
        (self.instrument == 0 || self.instrument == order.instrument())
            && self.side.is_none_or(|side| side == order.side())
            && self.price_min.is_none_or(|least| price >= least)
            && self.price_max.is_none_or(|most| price <= most)
    }
}

impl MassCancel {
    pub(crate) const fn new(scope: Scope, until: u64, high: u32) -> Self {
        Self { scope, until, high, next: 1, left: high }
    }

    /// Asked for again while it goes on: it goes around once more from where it is.
    pub(crate) const fn renew(&mut self, until: u64, high: u32) {
        (self.until, self.high, self.left) = (until, high, high);
    }

    /// Find the next slice's orders, by account, each one's oldest first; `open`: how many orders there are to look at.
    pub(crate) fn slice(&mut self, pool: &Pool, markets: &[Market], open: usize, most: usize) -> Vec<u32> {
        let account = self.scope.account;
        // Going around from the beginning it has seen all there are once it has seen so many.
        let all = if self.left == self.high { open } else { usize::MAX };
        let (mut slots, mut looks) = (Vec::new(), 0);
        while self.left > 0 && looks < all && slots.len() < most && looks < most * LOOKS_PER_ORDER {
            let slot = self.next;
            self.next = if slot >= self.high { 1 } else { slot + 1 };
            self.left -= 1;
            let owner = pool.links(slot).owner;
            if owner == 0 || account != 0 && owner != account {
                continue;
            }
            looks += 1;
            let order = pool.order(slot);
            if sequence_of(order.order_id) <= self.until && self.scope.takes(order, markets) {
                slots.push(slot);
            }
        }
        if looks >= all {
            self.left = 0;
        }
        slots.sort_unstable_by_key(|&slot| (pool.order(slot).account, pool.order(slot).order_id));
        slots
    }

    /// Its figures fit together and the shard.
    pub(crate) const fn is_sound(&self, sequence: u64, high: u32) -> bool {
        self.until <= sequence
            && self.high <= high
            && self.next >= 1
            && self.next <= self.high
            && self.left >= 1
            && self.left <= self.high
    }
}
