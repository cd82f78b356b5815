//! What an order must pass, in the rulebook's order.

use cift_core::command::{AccountStatus, InstrumentStatus, OrderType, Side, SubmitOrder, TimeInForce};
use cift_core::reason::Reason;

use super::money::hold;
use super::{Account, Instrument, Naive, PPM, Rates};

/// A price in ticks beyond this is past what the venue computes with.
pub(super) const TICKS_MAX: i128 = 1 << 61;
pub(super) const MOST: i128 = i64::MAX as i128;

/// What earlier members of an atomic batch use up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) orders: i128,
    pub(super) open: i128,
    pub(super) funds: i128,
}

impl Naive {
    pub(super) fn check_standing(&self, account: u32, number: u32) -> Result<&Instrument, Reason> {
        let owner = self.account(account);
        if owner.status != AccountStatus::Active {
            return Err(Reason::AccountInactive);
        }
        if owner.killed {
            return Err(Reason::AccountKilled);
        }
        if self.killed {
            return Err(Reason::VenueKilled);
        }
        if number == 0 || number as usize > self.instruments.len() {
            return Err(Reason::InstrumentUnknown);
        }
        let instrument = self.instrument(number);
        match instrument.status {
            InstrumentStatus::Continuous => Ok(instrument),
            InstrumentStatus::CancelOnly => Err(Reason::InstrumentCancelOnly),
            InstrumentStatus::Halted => Err(Reason::InstrumentHalted),
        }
    }

    /// All that does not depend on what else the account does.
    pub(super) fn check_terms(&self, order: &SubmitOrder<'_>) -> Result<(), Reason> {
        let instrument = self.check_standing(order.account, order.instrument)?;
        check_shape(order)?;
        let (price, quantity) = (i128::from(order.price), i128::from(order.quantity));
        if price % instrument.tick != 0 {
            return Err(Reason::PriceNotOnTick);
        }
        if quantity % instrument.lot != 0 {
            return Err(Reason::QuantityNotOnLot);
        }
        if order.quote_amount == 0 {
            instrument.check_size(quantity)?;
        }
        if price / instrument.tick > TICKS_MAX {
            return Err(Reason::AmountOverflow);
        }
        let notional = instrument.notional(price, quantity);
        if order.order_type == OrderType::Limit {
            let rates = instrument.rates(self.account(order.account).fee_tier);
            let needs = if order.side == Side::Buy { hold(notional, &[], rates) } else { notional };
            if needs > MOST {
                return Err(Reason::AmountOverflow);
            }
        }
        let by_quantity_at_market = order.order_type == OrderType::Market && order.quote_amount == 0;
        let worth = if order.quote_amount > 0 { order.quote_amount.into() } else { notional };
        if !by_quantity_at_market && worth < instrument.notional_min {
            return Err(Reason::NotionalTooSmall);
        }
        if order.order_type == OrderType::Limit { instrument.check_band(price) } else { Ok(()) }
    }

    /// Limits, position and funds.
    pub(super) fn check_exposure(&self, order: &SubmitOrder<'_>, used: Used) -> Result<(), Reason> {
        let instrument = self.instrument(order.instrument);
        if rests(order)
            && !self.has_room(
                order.instrument,
                order.side,
                order.price.into(),
                i128::from(order.quantity) + used.open.max(0),
            )
        {
            return Err(Reason::AmountOverflow);
        }
        let open = Account::open_orders_of(self, order.account) as i128 + used.orders;
        if rests(order) && open >= i128::from(self.account(order.account).open_orders_max) {
            return Err(Reason::OpenOrdersLimit);
        }
        if rests(order) && !self.may_rest(order.account, used.orders) && !self.fills_whole(order) {
            return Err(Reason::VenueOpenOrdersLimit);
        }
        if let Some(room) = self.position_room(order.account, order.instrument, order.side, used.open) {
            let least = if order.quote_amount > 0 { instrument.lot } else { order.quantity.into() };
            if least > room {
                return Err(Reason::PositionLimit);
            }
        }
        let free = self.free(order.account, instrument.asset_of(order.side)) - used.funds;
        let enough = match self.needs(order) {
            Some(amount) => free >= amount,
            None => free > 0,
        };
        if enough { Ok(()) } else { Err(Reason::InsufficientFunds) }
    }

    /// Half of all open orders there may be is divided evenly, account 0 counted along; the other half, and what does not
    /// divide, goes to whoever comes.
    pub(super) fn may_rest(&self, account: u32, more: i128) -> bool {
        let (most, accounts) = (i128::from(self.open_orders_max), self.accounts.len() as i128 + 1);
        let each = most / 2 / accounts;
        let open = |one: u32| Account::open_orders_of(self, one) as i128 + if one == account { more } else { 0 };
        let common: i128 = self.accounts.keys().map(|&one| (open(one) - each).max(0)).sum();
        let all: i128 = self.accounts.keys().map(|&one| open(one)).sum();
        all < most && (open(account) < each || common < most - each * accounts)
    }

    /// What rests at a price has a sum that fits 63 bits, with so much more.
    pub(super) fn has_room(&self, number: u32, side: Side, price: i128, more: i128) -> bool {
        let there = self.instrument(number).orders.iter().filter(|order| order.side == side && order.price == price);
        there.map(|order| order.leaves).sum::<i128>() + more <= MOST
    }

    /// What an order needs at most; none: it takes what it finds free.
    pub(super) fn needs(&self, order: &SubmitOrder<'_>) -> Option<i128> {
        let instrument = self.instrument(order.instrument);
        let by_quote = order.quote_amount > 0;
        match order.side {
            Side::Sell if by_quote => None,
            Side::Sell => Some(order.quantity.into()),
            Side::Buy if by_quote => Some(order.quote_amount.into()),
            Side::Buy if order.order_type == OrderType::Market => None,
            Side::Buy => {
                let notional = instrument.notional(order.price.into(), order.quantity.into());
                Some(hold(notional, &[], instrument.rates(self.account(order.account).fee_tier)))
            }
        }
    }

    /// How much more a position limit lets be ordered on a side; none: there is no limit.
    pub(super) fn position_room(&self, account: u32, number: u32, side: Side, open: i128) -> Option<i128> {
        let owner = self.account(account);
        let limit = owner.limits.get(&number).copied().filter(|&limit| limit > 0)?;
        let position = owner.positions.get(&number).map_or(0, |position| position.quantity);
        let signed = if side == Side::Buy { position } else { -position };
        let orders = self.instrument(number).orders.iter();
        let resting: i128 = orders.filter(|one| one.account == account && one.side == side).map(|one| one.leaves).sum();
        Some(i128::from(limit) - signed - resting - open)
    }
}

impl Instrument {
    pub(super) fn rates(&self, tier: u8) -> Rates {
        self.tiers.get(&tier).copied().unwrap_or(self.tiers[&0])
    }

    pub(super) fn check_size(&self, quantity: i128) -> Result<(), Reason> {
        if quantity < self.quantity_min {
            Err(Reason::QuantityTooSmall)
        } else if quantity > self.quantity_max {
            Err(Reason::QuantityTooLarge)
        } else {
            Ok(())
        }
    }

    /// The average price of the trades in the window: the last hundredth of the largest order, at least a thousand lots.
    pub(super) fn refer(&mut self, price: i128, quantity: i128) {
        let window = (self.quantity_max / 100).max(self.lot * 1_000);
        if self.reference == 0 || quantity >= window {
            self.reference = price << 32;
        } else {
            let share = (quantity << 32) / window;
            self.reference += (((price << 32) - self.reference) * share) >> 32;
        }
    }

    /// To the nearest unit.
    pub(super) fn reference_price(&self) -> i128 {
        (self.reference + (1 << 31)) >> 32
    }

    pub(super) fn check_band(&self, price: i128) -> Result<(), Reason> {
        if self.band == 0 {
            return Ok(());
        }
        let reference = self.reference_price();
        if reference == 0 {
            return Err(Reason::NoReferencePrice);
        }
        let inside = (price - reference).abs() * PPM <= reference * self.band;
        if inside { Ok(()) } else { Err(Reason::PriceOutsideBand) }
    }
}

pub(super) fn rests(order: &SubmitOrder<'_>) -> bool {
    order.order_type == OrderType::Limit && order.time_in_force == TimeInForce::Gtc
}

fn check_shape(order: &SubmitOrder<'_>) -> Result<(), Reason> {
    let limit = order.order_type == OrderType::Limit;
    if order.flags > 1 || order.flags == 1 && !rests(order) || limit && order.quote_amount != 0 {
        return Err(Reason::OrderInvalid);
    }
    let priced = if limit { order.price > 0 } else { order.price == 0 };
    if !priced {
        return Err(Reason::PriceInvalid);
    }
    match (order.quantity, order.quote_amount) {
        (1.., 0) | (0, 1..) => Ok(()),
        _ => Err(Reason::QuantityInvalid),
    }
}
