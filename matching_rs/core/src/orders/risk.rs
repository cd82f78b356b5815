//! What an order must pass before it is accepted, in the rulebook's order; the first failure is the reason.

use crate::book::ticks::TICKS_MAX;
use crate::command::{AccountStatus, FLAG_POST_ONLY, InstrumentStatus, OrderType, Side, SubmitOrder, TimeInForce};
use crate::engine::Engine;
use crate::instrument::Market;
use crate::money::fees::{Rates, Traded};
use crate::reason::Reason;

/// An order in the engine's terms, once its own figures have passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Place of the instrument.
    pub market: usize,
    /// Worst price, ticks.
    pub limit: i64,
    /// Lots it is for; by quote amount: the most it can get or give.
    pub lots: i64,
    /// What it takes from the account at most.
    pub funds: Funds,
    /// Its fee rates.
    pub rates: Rates,
    /// It stays in the book if it does not trade.
    pub rests: bool,
}

/// Funds an order is limited by or needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Funds {
    /// This amount must be free.
    Amount(i64),
    /// Whatever is free, as long as there is something.
    Any,
}

/// What earlier members of an atomic batch have used up, or given back, before the check.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Open orders of the account.
    pub orders: i64,
    /// Base units of open orders on the order's side of its instrument.
    pub open: i128,
    /// Units of the asset that pays.
    pub funds: i128,
}

/// Whether an order would be filled whole at once: matching's to say.
type FillsWhole = fn(&Engine, &SubmitOrder<'_>, &Plan) -> bool;

impl Engine {
    /// Check what does not depend on what else the account does: standing, status, filters, band.
    pub(crate) fn check_terms(&self, order: &SubmitOrder<'_>) -> Result<Plan, Reason> {
        let place = self.check_standing(order.account, order.instrument)?;
        let market = &self.markets[place];
        check_shape(order)?;
        let (limit, lots) = check_grid(market, order)?;
        let rates = market.rates(self.shared.accounts.at(order.account).fee_tier);
        let by_quote = order.quote_amount > 0;
        let funds = match order.side {
            Side::Sell if by_quote => Funds::Any,
            Side::Sell => Funds::Amount(order.quantity),
            Side::Buy if by_quote => Funds::Amount(order.quote_amount),
            Side::Buy if order.order_type == OrderType::Market => Funds::Any,
            Side::Buy => Funds::Amount(hold_of(market, limit, lots, rates)?),
        };
        check_notional(market, order, limit, lots)?;
        if order.order_type == OrderType::Limit {
            market.check_band(order.price)?;
        }
        let rests = order.order_type == OrderType::Limit && order.time_in_force == TimeInForce::Gtc;
        let limit = if order.order_type == OrderType::Limit { limit } else { market.slippage_limit(order.side) };
        Ok(Plan { market: place, limit, lots, funds, rates, rests })
    }

    /// Check account, kill switches and the instrument's status; returns the instrument's place.
    #[inline]
    pub(crate) fn check_standing(&self, account: u32, instrument: u32) -> Result<usize, Reason> {
        let owner = self.shared.accounts.user(account).ok_or(Reason::AccountUnknown)?;
        if !owner.standing.is_good() {
            let suspended = owner.standing.status() != AccountStatus::Active;
            return Err(if suspended { Reason::AccountInactive } else { Reason::AccountKilled });
        }
        if self.killed {
            return Err(Reason::VenueKilled);
        }
        let place = (instrument as usize).wrapping_sub(1);
        let market = self.markets.get(place).ok_or(Reason::InstrumentUnknown)?;
        match market.rules.status {
            InstrumentStatus::Continuous => Ok(place),
            InstrumentStatus::Halted => Err(Reason::InstrumentHalted),
            InstrumentStatus::CancelOnly => Err(Reason::InstrumentCancelOnly),
        }
    }

    /// Check limits, position and funds; narrows the plan's lots where an order by quote amount has no quantity.
    ///
    /// `fills_whole` is asked in a full shard alone: an order that is filled at once needs no place in it.
    pub(crate) fn check_exposure(
        &self,
        order: &SubmitOrder<'_>,
        plan: &mut Plan,
        used: &Used,
        fills_whole: FillsWhole,
    ) -> Result<(), Reason> {
        let owner = self.shared.accounts.at(order.account);
        if plan.rests && !self.markets[plan.market].has_room(order.side, plan.limit, i128::from(plan.lots), used.open) {
            return Err(Reason::AmountOverflow);
        }
        if plan.rests && i64::from(owner.open_orders) + used.orders >= i64::from(owner.open_orders_max) {
            return Err(Reason::OpenOrdersLimit);
        }
        let has_place = || {
            // Where accounts were opened meanwhile, shares may be smaller than what others have had open since before.
            i64::from(self.shared.pool.room()) > used.orders + 1
                && self.shared.open_shares.has_room_after(owner.open_orders, used.orders)
        };
        if plan.rests && !has_place() && !fills_whole(self, order, plan) {
            return Err(Reason::VenueOpenOrdersLimit);
        }
        let market = &self.markets[plan.market];
        let room = self.position_room(order.account, order.instrument, order.side, used.open);
        if order.quote_amount > 0 {
            plan.lots = room.map_or(i64::MAX, |room| lots_in(room, market));
            if plan.lots <= 0 {
                return Err(Reason::PositionLimit);
            }
        } else if room.is_some_and(|room| i128::from(order.quantity) > room) {
            return Err(Reason::PositionLimit);
        }
        let free = i128::from(self.shared.accounts.balance(owner, market.paying(order.side)).free()) - used.funds;
        let enough = match plan.funds {
            Funds::Amount(amount) => free >= i128::from(amount),
            Funds::Any => free > 0,
        };
        if enough { Ok(()) } else { Err(Reason::InsufficientFunds) }
    }

    /// How many base units an account's position limit still lets it order on a side; none: it has no limit.
    #[inline]
    pub(crate) fn position_room(&self, account: u32, instrument: u32, side: Side, open: i128) -> Option<i128> {
        let owner = self.shared.accounts.at(account);
        if !owner.limited {
            return None;
        }
        let (position, exposure) = self.shared.accounts.position(owner, instrument)?;
        if exposure.limit == 0 {
            return None;
        }
        let signed = if side == Side::Buy { i128::from(position.quantity) } else { -i128::from(position.quantity) };
        Some(i128::from(exposure.limit) - signed - exposure.open[side as usize] - open)
    }
}

fn lots_in(room: i128, market: &Market) -> i64 {
    i64::try_from(room / i128::from(market.rules.lot_size)).unwrap_or(if room < 0 { 0 } else { i64::MAX })
}

/// Quote units a buy of these lots holds before it has traded.
pub(crate) fn hold_of(market: &Market, ticks: i64, lots: i64, rates: Rates) -> Result<i64, Reason> {
    let notional = market.notional(ticks, lots).ok_or(Reason::AmountOverflow)?;
    Traded::default().hold(notional, rates).ok_or(Reason::AmountOverflow)
}

fn check_shape(order: &SubmitOrder<'_>) -> Result<(), Reason> {
    let is_limit = order.order_type == OrderType::Limit;
    let post_only = order.flags & FLAG_POST_ONLY != 0;
    if order.flags & !FLAG_POST_ONLY != 0
        || post_only && !(is_limit && order.time_in_force == TimeInForce::Gtc)
        || is_limit && order.quote_amount != 0
    {
        return Err(Reason::OrderInvalid);
    }
    if is_limit && order.price <= 0 || !is_limit && order.price != 0 {
        return Err(Reason::PriceInvalid);
    }
    let by_quantity = order.quantity > 0 && order.quote_amount == 0;
    let by_quote = order.quantity == 0 && order.quote_amount > 0;
    if by_quantity || by_quote { Ok(()) } else { Err(Reason::QuantityInvalid) }
}

fn check_grid(market: &Market, order: &SubmitOrder<'_>) -> Result<(i64, i64), Reason> {
    let ticks = market.ticks(order.price)?;
    let lots = market.lots(order.quantity)?;
    if order.quote_amount == 0 {
        check_size(market, order.quantity)?;
    }
    if ticks > TICKS_MAX { Err(Reason::AmountOverflow) } else { Ok((ticks, lots)) }
}

/// Check a quantity against the instrument's bounds.
pub(crate) fn check_size(market: &Market, quantity: i64) -> Result<(), Reason> {
    if quantity < market.rules.quantity_min {
        return Err(Reason::QuantityTooSmall);
    }
    if quantity > market.rules.quantity_max {
        return Err(Reason::QuantityTooLarge);
    }
    Ok(())
}

fn check_notional(market: &Market, order: &SubmitOrder<'_>, ticks: i64, lots: i64) -> Result<(), Reason> {
    let notional = match order.order_type {
        OrderType::Limit => market.notional(ticks, lots).ok_or(Reason::AmountOverflow)?,
        OrderType::Market if order.quote_amount > 0 => order.quote_amount,
        OrderType::Market => return Ok(()),
    };
    if notional < market.rules.notional_min { Err(Reason::NotionalTooSmall) } else { Ok(()) }
}
