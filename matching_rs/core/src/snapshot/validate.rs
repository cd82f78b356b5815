//! Every internal invariant, checked from scratch: for tests and for a restored state, not for the way of an order.

use std::collections::BTreeMap;

use crate::command::Side;
use crate::engine::Engine;
use crate::mass_cancel::MASS_CANCELS_MAX;
use crate::money::account::EXTERNAL;

/// What open orders and requested withdrawals require of each account, summed anew.
#[derive(Default)]
struct Required {
    /// By account and asset.
    held: BTreeMap<(u32, u16), i128>,
    /// By account and instrument, each side.
    open: BTreeMap<(u32, u32), [i128; 2]>,
    /// By account.
    orders: BTreeMap<u32, u32>,
}

impl Engine {
    /// Check every internal invariant.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        let mut required = self.validate_books()?;
        for (account, _, withdrawal) in self.withdrawals.iter() {
            *required.held.entry((account, withdrawal.asset)).or_default() += i128::from(withdrawal.amount);
        }
        self.withdrawals.validate()?;
        self.validate_pool()?;
        self.validate_mass_cancels()?;
        self.shared.ids.validate()?;
        self.validate_accounts(&required)?;
        self.validate_supply()
    }

    fn validate_books(&self) -> Result<Required, String> {
        let mut required = Required::default();
        let mut orders = 0;
        for (number, market) in (1..).zip(&self.markets) {
            market.book.validate(&self.shared.pool, number).map_err(|what| format!("instrument {number}: {what}"))?;
            let mut open = 0;
            for side in [Side::Buy, Side::Sell] {
                for slot in market.book.orders(&self.shared.pool, side) {
                    self.validate_order(slot, &mut required)?;
                    open += 1;
                }
            }
            if open != market.open_orders {
                return Err(format!("instrument {number} counts {} open orders of {open}", market.open_orders));
            }
            orders += open;
        }
        if orders + self.shared.ids.ended() != self.shared.ids.len() {
            return Err(format!("{} ids do not belong to {orders} orders", self.shared.ids.len()));
        }
        if orders != self.shared.pool.taken() {
            return Err(format!("{} slots are taken by {orders} orders", self.shared.pool.taken()));
        }
        Ok(required)
    }

    fn validate_order(&self, slot: u32, required: &mut Required) -> Result<(), String> {
        let order = self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        let sound = self.shared.accounts.user(order.account).is_some()
            && self.shared.pool.filled(slot) >= 0
            && (self.shared.pool.filled(slot) > 0) == (order.traded.filled > 0)
            && market.notional(order.price, order.leaves).is_some()
            && self.shared.pool.find(order.order_id) == Some(slot);
        if !sound {
            return Err(format!("the order in slot {slot} is not sound"));
        }
        let id = self.shared.ids.get(order.id());
        if id.answer().order_id != order.order_id {
            return Err(format!("the id of the order in slot {slot} is not its own"));
        }
        let (asset, held) = (market.paying(order.side()), self.shared.held(market, slot, order.leaves));
        let account = order.account;
        *required.held.entry((account, asset)).or_default() += i128::from(held);
        let open = required.open.entry((account, order.instrument())).or_default();
        open[order.side() as usize] += i128::from(market.quantity(order.leaves));
        *required.orders.entry(account).or_default() += 1;
        Ok(())
    }

    fn validate_pool(&self) -> Result<(), String> {
        let free = self
            .shared
            .pool
            .free_slots()
            .map(|slot| self.shared.pool.order(slot).order_id)
            .filter(|&id| id == 0)
            .count();
        if let Some(slot) = (1..=self.shared.pool.high()).find(|&slot| !self.shared.pool.is_listed(slot)) {
            return Err(format!("slot {slot} is not listed under its order's account"));
        }
        if free as u64 + u64::from(self.shared.pool.taken()) != u64::from(self.shared.pool.high()) {
            return Err(format!(
                "{free} slots are free and {} taken of {}",
                self.shared.pool.taken(),
                self.shared.pool.high()
            ));
        }
        Ok(())
    }

    fn validate_mass_cancels(&self) -> Result<(), String> {
        let all = &self.mass_cancels;
        for (place, cancel) in all.iter().enumerate() {
            let scope = &cancel.scope;
            let sound = cancel.is_sound(self.shared.sequence, self.shared.pool.high())
                && (scope.account == 0 || self.shared.accounts.user(scope.account).is_some())
                && scope.instrument as usize <= self.markets.len();
            if !sound || all.iter().skip(place + 1).any(|other| other.scope == *scope) {
                return Err(format!("the mass cancel in place {place} is not sound"));
            }
            if all.iter().filter(|other| other.scope.account == scope.account).count() > MASS_CANCELS_MAX {
                return Err(format!("account {} has too many mass cancels", scope.account));
            }
        }
        Ok(())
    }

    fn validate_accounts(&self, required: &Required) -> Result<(), String> {
        for (&(account, asset), &held) in &required.held {
            let accounts = &self.shared.accounts;
            if i128::from(accounts.balance(accounts.at(account), asset).held) != held {
                return Err(format!("account {account} does not hold {held} of asset {asset}"));
            }
        }
        let beyond = |open: u32| open.saturating_sub(self.shared.open_shares.each());
        let over: u32 = self.shared.accounts.iter().map(|(_, account)| beyond(account.open_orders)).sum();
        if over != self.shared.open_shares.over() {
            return Err(format!("{over} open orders are beyond the accounts' shares: counted otherwise"));
        }
        for (number, account) in self.shared.accounts.iter() {
            for (asset, balance) in self.shared.accounts.balances(account) {
                let held = i128::from(balance.held);
                if required.held.get(&(number, asset)).copied().unwrap_or(0) != held {
                    return Err(format!("account {number} holds {held} of asset {asset} for nothing"));
                }
                if number != EXTERNAL && !(0..=balance.total).contains(&balance.held) {
                    return Err(format!("account {number} holds {held} of {} of asset {asset}", balance.total));
                }
            }
            for (instrument, _, exposure) in self.shared.accounts.positions(account).filter(|_| account.limited) {
                let open = required.open.get(&(number, instrument)).copied().unwrap_or_default();
                if exposure.open != open {
                    return Err(format!("account {number} has other open orders in instrument {instrument}"));
                }
            }
            let orders = required.orders.get(&number).copied().unwrap_or(0);
            if account.open_orders != orders {
                return Err(format!("account {number} counts {} open orders of {orders}", account.open_orders));
            }
        }
        Ok(())
    }

    /// Every asset's balances sum to 0.
    fn validate_supply(&self) -> Result<(), String> {
        let mut sums = vec![0_i128; self.assets.len() + 1];
        for (number, account) in self.shared.accounts.iter() {
            for (asset, balance) in self.shared.accounts.balances(account) {
                let Some(sum) = sums.get_mut(usize::from(asset)).filter(|_| asset > 0) else {
                    return Err(format!("account {number} has an asset {asset} that is not listed"));
                };
                *sum += i128::from(balance.total);
            }
        }
        match (0..).zip(sums).find(|(_, sum)| *sum != 0) {
            Some((asset, sum)) => Err(format!("the balances of asset {asset} sum to {sum}")),
            None => Ok(()),
        }
    }
}
