//! Balances, holds, fees and positions.

use cift_core::command::Side;

use super::{Account, FEES, Instrument, Naive, Order, PPM, Position, Rates, Traded};

/// The fee of some fills, rounded half up as one.
pub(super) fn fee(fills: &[Traded]) -> i128 {
    (numerator(fills) + PPM / 2) / PPM
}

fn numerator(fills: &[Traded]) -> i128 {
    fills.iter().map(|fill| fill.notional * fill.rate).sum()
}

/// What a buy holds: what is open, and the whole fee if all of that cost the higher rate, less what was charged.
pub(super) fn hold(open: i128, fills: &[Traded], rates: Rates) -> i128 {
    let worst = numerator(fills) + open * rates.maker.max(rates.taker);
    open + (worst + PPM - 1) / PPM - fee(fills)
}

impl Instrument {
    pub(super) fn notional(&self, price: i128, quantity: i128) -> i128 {
        let product = price * quantity;
        if self.exponent >= 0 {
            product * 10_i128.pow(self.exponent.unsigned_abs())
        } else {
            product / 10_i128.pow(self.exponent.unsigned_abs())
        }
    }

    pub(super) fn asset_of(&self, side: Side) -> u16 {
        if side == Side::Buy { self.quote } else { self.base }
    }

    pub(super) fn hold_of(&self, order: &Order) -> i128 {
        match order.side {
            Side::Sell => order.leaves,
            Side::Buy => hold(self.notional(order.price, order.leaves), &order.fills, order.rates),
        }
    }
}

impl Naive {
    pub(super) fn total(&self, account: u32, asset: u16) -> i128 {
        self.account(account).totals.get(&asset).copied().unwrap_or(0)
    }

    /// Held is what the open orders require and requested withdrawals do: summed, not kept.
    pub(super) fn held(&self, account: u32, asset: u16) -> i128 {
        let orders = self.instruments.iter().flat_map(|instrument| {
            instrument.orders.iter().filter(|order| order.account == account).map(move |order| (instrument, order))
        });
        let held: i128 = orders
            .filter(|(instrument, order)| instrument.asset_of(order.side) == asset)
            .map(|(instrument, order)| instrument.hold_of(order))
            .sum();
        held + self.requested(account, asset)
    }

    pub(super) fn free(&self, account: u32, asset: u16) -> i128 {
        self.total(account, asset) - self.held(account, asset)
    }

    pub(super) fn touch(&mut self, account: u32, asset: u16) {
        self.balances_touched.insert((account, asset));
    }

    pub(super) fn book(&mut self, account: u32, asset: u16, amount: i128) {
        *self.account_mut(account).totals.entry(asset).or_default() += amount;
        self.touch(account, asset);
    }

    /// Move what one trade moves; fees go to the venue.
    pub(super) fn settle(&mut self, number: u32, sides: [(u32, Side, i128); 2], quantity: i128, notional: i128) {
        let (base, quote) = (self.instrument(number).base, self.instrument(number).quote);
        for (account, side, fee) in sides {
            let sign = if side == Side::Buy { 1 } else { -1 };
            self.book(account, base, sign * quantity);
            self.book(account, quote, -sign * notional - fee);
            if fee != 0 {
                self.book(FEES, quote, fee);
            }
            self.positions_touched.insert((account, number));
            let positions = &mut self.account_mut(account).positions;
            positions.entry(number).or_default().fill(sign * quantity, sign * notional, fee);
        }
    }
}

impl Position {
    /// Book a fill of `quantity` for `flow` quote units, both negative when sold.
    ///
    /// What closes takes its share of the cost with it, truncated; what is left opens the other way.
    fn fill(&mut self, quantity: i128, flow: i128, fee: i128) {
        self.fees += fee;
        let opens = self.quantity == 0 || self.quantity.signum() == quantity.signum();
        if opens {
            self.cost += flow;
        } else {
            let closing = quantity.abs().min(self.quantity.abs());
            let cost_closed = self.cost * closing / self.quantity.abs();
            let flow_closed = flow * closing / quantity.abs();
            self.realised -= cost_closed + flow_closed;
            self.cost += flow - flow_closed - cost_closed;
        }
        self.quantity += quantity;
    }
}

impl Account {
    pub(super) fn open_orders_of(naive: &Naive, account: u32) -> usize {
        naive.instruments.iter().flat_map(|one| &one.orders).filter(|order| order.account == account).count()
    }
}
