//! Writing a snapshot.

use super::bytes::Writer;
use super::format::MAGIC;
use crate::command::Side;
use crate::engine::{ENGINE_VERSION, Engine};
use crate::instrument::Market;
use crate::mass_cancel::MassCancel;
use crate::money::account::Account;
use crate::money::withdrawals::Withdrawals;

impl Engine {
    /// The full state as bytes; changes not yet told by `end_batch` and `drain_book_changes` are not part of it.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.write_state(&mut w);
        let hash = blake3::hash(&w.0);
        w.bytes(hash.as_bytes());
        w.0
    }

    /// Hash of the full state, queue order included.
    #[must_use]
    pub fn state_hash(&self) -> [u8; 32] {
        let mut w = Writer::default();
        self.write_state(&mut w);
        *blake3::hash(&w.0).as_bytes()
    }

    fn write_state(&self, w: &mut Writer) {
        w.bytes(&MAGIC);
        w.u32(ENGINE_VERSION);
        w.u64(self.shared.sequence);
        w.u64(self.epoch);
        w.u8(self.killed.into());
        w.bytes(&self.shared.ids.hash_key());
        w.count(self.assets.len());
        for asset in &self.assets {
            w.text(&asset.symbol);
            w.u8(asset.scale);
        }
        w.count(self.markets.len());
        for market in &self.markets {
            write_market(w, market);
        }
        w.u32(self.shared.accounts.len());
        for (number, account) in self.shared.accounts.iter() {
            self.write_account(w, account, self.shared.accounts.owner(number));
            self.write_positions(w, account);
        }
        w.u32(self.shared.pool.high());
        let free: Vec<u32> = self.shared.pool.free_slots().collect();
        w.count(free.len());
        for slot in free {
            w.u32(slot);
        }
        w.u32(self.shared.ids.turn());
        w.u32(self.shared.ids.ended());
        for (account, saved) in self.shared.ids.save_ended() {
            w.u32(account);
            w.bytes(&saved);
        }
        for market in &self.markets {
            w.u32(market.open_orders);
            for side in [Side::Buy, Side::Sell] {
                for slot in market.book.orders(&self.shared.pool, side) {
                    self.write_order(w, slot);
                }
            }
        }
        write_withdrawals(w, &self.withdrawals);
        w.count(self.mass_cancels.len());
        for cancel in &self.mass_cancels {
            write_mass_cancel(w, cancel);
        }
    }

    fn write_account(&self, w: &mut Writer, account: &Account, owner: u64) {
        w.u64(account.sequence);
        w.u64(owner);
        w.u32(account.group);
        w.u32(account.open_orders_max);
        w.u8(account.standing.status() as u8);
        w.u8(account.standing.killed().into());
        w.u8(account.fee_tier);
        w.u8(account.stp as u8);
        let kept = || self.shared.accounts.balances(account).filter(|(_, balance)| balance.total != 0);
        w.count(kept().count());
        for (asset, balance) in kept() {
            w.u16(asset);
            w.i64(balance.total);
        }
    }

    fn write_positions(&self, w: &mut Writer, account: &Account) {
        let all = || self.shared.accounts.positions(account);
        let kept = || all().filter(|(_, position, exposure)| !position.is_blank() || exposure.limit != 0);
        w.count(kept().count());
        for (instrument, position, exposure) in kept() {
            w.u32(instrument);
            w.i64(position.quantity);
            w.i64(position.cost);
            w.i64(position.realised);
            w.i64(position.fees);
            w.i64(exposure.limit);
        }
    }

    fn write_order(&self, w: &mut Writer, slot: u32) {
        let order = self.shared.pool.order(slot);
        w.u64(order.order_id);
        w.u32(order.account);
        w.u8(order.side() as u8);
        w.i64(order.price);
        w.i64(order.quantity);
        w.i64(order.leaves);
        w.i64(self.shared.pool.reduced(slot));
        w.i64(order.traded.filled);
        w.i64(order.traded.taken);
        w.u32(order.rates().maker);
        w.u32(order.rates().taker);
        w.u8(order.post_only().into());
        w.u8(order.stp() as u8);
        w.bytes(&self.shared.ids.save_open(order.id()));
    }
}

fn write_market(w: &mut Writer, market: &Market) {
    let (identity, rules) = (&market.identity, &market.rules);
    w.text(&identity.symbol);
    w.u8(identity.kind as u8);
    w.u16(identity.base);
    w.u16(identity.quote);
    w.u8(identity.price_scale);
    w.u8(rules.status as u8);
    w.i64(rules.tick_size);
    w.i64(rules.lot_size);
    w.i64(rules.quantity_min);
    w.i64(rules.quantity_max);
    w.i64(rules.notional_min);
    w.u32(rules.band_ppm);
    w.u32(rules.slippage_ppm);
    w.i64(rules.reference_price);
    w.u64(market.sequence);
    w.i64(market.last_price);
    w.bytes(&market.reference.save());
    for rates in market.fees() {
        w.u8(rates.is_some().into());
        w.u32(rates.map_or(0, |rates| rates.maker));
        w.u32(rates.map_or(0, |rates| rates.taker));
    }
}

fn write_mass_cancel(w: &mut Writer, cancel: &MassCancel) {
    let scope = &cancel.scope;
    w.u32(scope.account);
    w.u32(scope.instrument);
    w.u8(scope.side.map_or(2, |side| side as u8));
    for bound in [scope.price_min, scope.price_max] {
        w.u8(bound.is_some().into());
        w.i64(bound.unwrap_or(0));
    }
    w.u64(cancel.until);
    w.u32(cancel.high);
    w.u32(cancel.next);
    w.u32(cancel.left);
}

fn write_withdrawals(w: &mut Writer, withdrawals: &Withdrawals) {
    w.count(withdrawals.len());
    for (account, id, withdrawal) in withdrawals.iter() {
        w.u32(account);
        w.text(id);
        w.u16(withdrawal.asset);
        w.i64(withdrawal.amount);
        w.u64(withdrawal.sequence);
    }
}
