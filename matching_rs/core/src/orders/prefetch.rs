//! Prefetching. With as much state as a venue has, most of an order's time would be waiting for memory; meanwhile the
//! commands before it can be done. Nothing here changes anything, so a wrong guess costs only time.

use crate::bits::low32;
use crate::command::{Command, Side, SubmitOrder};
use crate::engine::Engine;
use crate::ids::index::Key;
use crate::ids::valid::id_is_valid;
use crate::instrument::Market;
use crate::money::account::Account;
use crate::shared::Shared;

/// A venue that has never had as many orders open at once is small: its orders, levels and balances fit the second cache.
const SMALL: u32 = 4_096;

/// What was found out about a command before it is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Foreseen {
    low: u64,
    /// The upper word of an order's key, and whether there is a key.
    high: u64,
}

impl Foreseen {
    #[inline]
    pub(crate) const fn key(self) -> Option<Key> {
        if self.high == 0 { None } else { Some(Key::new(self.low, low32(self.high))) }
    }

    #[inline]
    const fn order(key: Key) -> Self {
        Self { low: key.low(), high: key.high() as u64 | 1 << 32 }
    }
}

impl Engine {
    /// Prefetch what a command names outright; best some eight commands before it is done.
    #[inline]
    #[must_use]
    pub fn foresee(&self, command: &Command<'_>) -> Foreseen {
        let shared = &self.shared;
        match command {
            // Until the venue is open, ids have no key to be hashed under.
            Command::SubmitOrder(order) if !shared.accounts.is_empty() && id_is_valid(order.id) => {
                let key = shared.ids.key(order.account, order.id);
                shared.ids.foresee(key, order.account);
                shared.accounts.foresee(order.account);
                shared.ids.foresee_end(order.account);
                Foreseen::order(key)
            }
            Command::CancelOrder(cancel) => {
                shared.pool.foresee(cancel.order_id);
                shared.accounts.foresee(cancel.account);
                shared.ids.foresee_end(cancel.account);
                Foreseen::default()
            }
            Command::AmendOrder(amend) => {
                shared.pool.foresee(amend.order_id);
                shared.accounts.foresee(amend.account);
                Foreseen::default()
            }
            _ => Foreseen::default(),
        }
    }

    /// Prefetch what the things it names lead to; best some four commands before it is done, after `foresee`.
    #[inline]
    pub fn approach(&self, command: &Command<'_>) {
        if let Command::SubmitOrder(order) = command {
            self.shared.ids.approach(order.account);
        }
        // What the second cache holds is there soon enough without being asked for.
        if self.shared.pool.high() < SMALL {
            return;
        }
        match command {
            Command::SubmitOrder(order) => self.approach_order(order),
            Command::CancelOrder(cancel) => self.approach_open(cancel.account, cancel.order_id),
            Command::AmendOrder(amend) => self.approach_open(amend.account, amend.order_id),
            _ => {}
        }
    }

    #[inline]
    fn approach_order(&self, order: &SubmitOrder<'_>) {
        let (Some(owner), Some(market)) = (self.shared.accounts.user(order.account), self.market(order.instrument))
        else {
            return;
        };
        let Ok(ticks) = market.ticks(order.price) else { return };
        if market.book.crosses(order.side, ticks) {
            return self.shared.approach_trade(market, owner, order.side);
        }
        self.shared.accounts.foresee_balance(owner, market.paying(order.side));
        market.book.foresee(ticks);
    }

    #[inline]
    fn approach_open(&self, account: u32, order_id: u64) {
        let Some(slot) = self.shared.own_order(account, order_id) else { return };
        let order = self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        let owner = self.shared.accounts.at(account);
        self.shared.accounts.foresee_balance(owner, market.paying(order.side()));
        market.book.foresee(order.price);
        let links = *self.shared.pool.links(slot);
        self.shared.pool.foresee_links(links.next);
        self.shared.pool.foresee_links(links.prev);
    }
}

impl Shared {
    /// Prefetch what both sides of a trade will need.
    #[inline(never)]
    fn approach_trade(&self, market: &Market, taker: &Account, side: Side) {
        self.foresee_side(market, taker);
        let Some(slot) = market.book.first(side.opposite()) else { return };
        self.pool.foresee_next(slot);
        self.foresee_maker(market, slot);
    }
}
