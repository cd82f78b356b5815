//! The short way of the usual order: a limit order, good till canceled, that passes every check and meets nobody.
//!
//! It ends where the long way (`risk`, `submit`) ends, only sooner; where anything is out of the ordinary it is left.

use super::risk::{Funds, Plan};
use super::terms::{payload, terms};
use crate::book::order::NewOrder;
use crate::book::pool;
use crate::command::{InstrumentStatus, Side, SubmitOrder};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::ids::entry::Answer;
use crate::ids::index::Key;
use crate::money::fees::Traded;

/// Prices and sums below this can be multiplied by millionths in 63 bits.
const SMALL: i64 = 1 << 43;

impl Engine {
    /// The plan of an order that plainly passes everything: a limit order that may rest, of moderate size, from an account
    /// without limits of its own. All is looked at together, without asking which check might fail; where one might,
    /// nothing is said, and the checks are to be made in their order.
    #[allow(clippy::needless_bitwise_bool, reason = "one branch for all: each alone would be another to guess")]
    #[inline]
    pub(crate) fn check_plain(&self, order: &SubmitOrder<'_>) -> Option<Plan> {
        let owner = self.shared.accounts.user(order.account)?;
        let market_place = (order.instrument as usize).wrapping_sub(1);
        let market = self.markets.get(market_place)?;
        let rules = &market.rules;
        let (limit, lots) = (market.ticks(order.price).ok()?, market.lots(order.quantity).ok()?);
        let notional = market.notional(limit, lots)?;
        let plain = (order.order_type as u8 | order.time_in_force as u8 | order.flags) == 0;
        let may = owner.standing.is_good() & !owner.limited & !self.killed;
        let open = rules.status as u8 == InstrumentStatus::Continuous as u8;
        let timely = (order.deadline == 0) | (order.deadline >= self.shared.now);
        let shape = (order.quote_amount == 0) & (1..SMALL).contains(&order.price) & (order.quantity > 0);
        let size = (rules.quantity_min..=rules.quantity_max).contains(&order.quantity);
        let worth = (rules.notional_min..SMALL).contains(&notional);
        let place = (self.shared.pool.room() > 1) & self.shared.open_shares.has_room(owner.open_orders);
        let room = (owner.open_orders < owner.open_orders_max) & place;
        let fits = market.has_room_plainly(limit, lots);
        if !(plain & may & open & timely & shape & size & worth & room & fits & market.is_near(order.price)) {
            return None;
        }
        let rates = market.rates(owner.fee_tier);
        let hold = Traded::default().hold(notional, rates)?;
        let needs = if order.side == Side::Buy { hold } else { order.quantity };
        let enough = self.shared.accounts.balance(owner, market.paying(order.side)).free() >= needs;
        let funds = Funds::Amount(needs);
        enough.then_some(Plan { market: market_place, limit, lots, funds, rates, rests: true })
    }

    /// The short way of the usual order: it passed every check, its id is new, and it meets nobody. False: it goes the other.
    #[inline]
    pub(crate) fn rest_plainly<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        key: Key,
        plan: &Plan,
        sink: &mut S,
    ) -> bool {
        let (shared, market) = (&mut self.shared, &mut self.markets[plan.market]);
        let Funds::Amount(held) = plan.funds else { return false };
        if market.book.crosses(order.side, plan.limit) {
            return false;
        }
        let Some(seat) = shared.ids.seat_plainly(key) else { return false };
        let Some(slot) = shared.pool.reserve() else { return false };
        let owner = shared.accounts.at_mut(order.account);
        shared.open_shares.add(owner.open_orders);
        owner.open_orders += 1;
        let (account_sequence, terms) = (owner.next_sequence(), terms(order, owner.stp));
        let sequence = shared.sequence + 1;
        let order_id = pool::order_id(sequence, slot);
        let fingerprint = shared.ids.fingerprint(&payload(order));
        let new = NewOrder {
            order_id,
            account: order.account,
            instrument: market.number,
            side: order.side,
            post_only: false,
            stp: terms.stp,
            rates: plan.rates,
            price: plan.limit,
            quantity: plan.lots,
            leaves: plan.lots,
            traded: Traded::default(),
            id: shared.ids.insert(seat, (order.account, shared.now), fingerprint, Answer { order_id, sequence }),
        };
        shared.pool.place(slot, &new);
        market.open_orders += 1;
        shared.accounts.balance_mut(order.account, market.paying(order.side)).held += held;
        market.book.push(&mut shared.pool, slot, (order.side, plan.limit, plan.lots));
        let event = Event::OrderAccepted {
            account_sequence,
            instrument_sequence: shared.instrument_sequence(market),
            account: order.account,
            order_id,
            terms,
            maker_ppm: plan.rates.maker,
            taker_ppm: plan.rates.taker,
        };
        shared.emit(&event, sink);
        true
    }
}
