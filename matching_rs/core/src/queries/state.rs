//! Reading the engine.

use crate::command::Side;
use crate::engine::Engine;
use crate::view::{AccountView, BalanceView, BookView, LookupView, OrderView, PositionView, Stats, WithdrawalView};

impl Engine {
    /// The book of an instrument, to a depth in levels a side (0: all).
    #[must_use]
    pub fn book(&self, instrument: u32, depth: u32) -> Option<BookView> {
        let market = self.market(instrument)?;
        let depth = if depth == 0 { usize::MAX } else { depth as usize };
        let side = |side: Side| {
            market.book.prices(side).take(depth).map(|(ticks, level)| market.level(ticks, level)).collect()
        };
        Some(BookView {
            instrument,
            instrument_sequence: market.sequence,
            sequence: self.shared.sequence,
            bids: side(Side::Buy),
            asks: side(Side::Sell),
            last_price: market.last_price,
            status: market.rules.status,
        })
    }

    /// An open order.
    #[must_use]
    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        self.shared.pool.find(order_id).map(|slot| self.order_view(slot))
    }

    fn order_view(&self, slot: u32) -> OrderView {
        let order = self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        OrderView {
            order_id: order.order_id,
            account: order.account,
            instrument: order.instrument(),
            side: order.side(),
            price: market.price(order.price),
            quantity: market.quantity(order.quantity),
            leaves: market.quantity(order.leaves),
            hold: self.shared.held(market, slot, order.leaves),
        }
    }

    /// The open orders of an instrument: bids then asks, best price first, in queue order.
    #[must_use]
    pub fn open_orders(&self, instrument: u32) -> Vec<OrderView> {
        let Some(market) = self.market(instrument) else { return Vec::new() };
        let bids = market.book.orders(&self.shared.pool, Side::Buy);
        bids.chain(market.book.orders(&self.shared.pool, Side::Sell)).map(|slot| self.order_view(slot)).collect()
    }

    /// What is remembered of a client's id.
    #[must_use]
    pub fn lookup(&self, account: u32, id: &str) -> Option<LookupView> {
        if !crate::ids::valid::id_is_valid(id) {
            return None;
        }
        let ids = &self.shared.ids;
        let answer = ids.get(ids.find(ids.key(account, id))?).answer();
        let open = self.shared.pool.find(answer.order_id).is_some();
        Some(LookupView { order_id: answer.order_id, sequence: answer.sequence, open })
    }

    /// An account.
    #[must_use]
    pub fn account(&self, account: u32) -> Option<AccountView> {
        let accounts = &self.shared.accounts;
        let found = accounts.get(account)?;
        let balances = accounts.balances(found).map(|(asset, balance)| BalanceView {
            asset,
            total: balance.total,
            held: balance.held,
        });
        let positions = accounts.positions(found).filter(|(_, position, _)| !position.is_blank());
        let withdrawals = self.withdrawals.of(account).map(|(id, withdrawal)| WithdrawalView {
            id: id.to_string(),
            asset: withdrawal.asset,
            amount: withdrawal.amount,
            sequence: withdrawal.sequence,
        });
        Some(AccountView {
            status: found.standing.status(),
            killed: found.standing.killed(),
            fee_tier: found.fee_tier,
            account_sequence: found.sequence,
            balances: balances.collect(),
            open_orders: found.open_orders,
            positions: positions
                .map(|(instrument, position, _)| PositionView {
                    instrument,
                    quantity: position.quantity,
                    cost: position.cost,
                    realised: position.realised,
                    fees: position.fees,
                })
                .collect(),
            withdrawals: withdrawals.collect(),
        })
    }

    /// The engine in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            sequence: self.shared.sequence,
            epoch: self.epoch,
            accounts: self.shared.accounts.len(),
            instruments: u32::try_from(self.markets.len()).unwrap_or(u32::MAX),
            open_orders: self.shared.pool.taken(),
            ids: self.shared.ids.len(),
            bytes_orders: self.shared.pool.bytes() + self.markets.iter().map(|market| market.book.bytes()).sum::<u64>(),
            bytes_ids: self.shared.ids.bytes(),
            killed: self.killed,
        }
    }
}
