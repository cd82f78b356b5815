//! A new order: known already? refused? else accepted, matched, and rested or ended.

use super::risk::{Funds, Plan, Used};
use super::taker::{Bound, Moved, Stop, Taker};
use super::terms::{payload, terms};
use crate::book::order::NewOrder;
use crate::book::pool;
use crate::command::{FLAG_POST_ONLY, OrderType, SelfTradePrevention, Side, SubmitOrder, TimeInForce};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::ids::entry::Answer;
use crate::ids::index::Key;
use crate::ids::table::Seat;
use crate::instrument::Market;
use crate::money::fees::Traded;
use crate::reason::Reason;
use crate::shared::{Known, Outcome, Shared};

/// An order's identity once it is recognised as new, and what it may take from its account.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    pub seat: Seat,
    pub fingerprint: u64,
    /// Units of the asset that pays.
    pub allowance: i64,
}

/// How an incoming order ends.
enum End {
    /// Nothing is left.
    Done,
    /// It rests.
    Rest,
    /// What is left is canceled.
    Cancel(Reason),
}

impl Engine {
    pub(crate) fn submit_order<S: Sink>(&mut self, order: &SubmitOrder<'_>, key: Option<Key>, sink: &mut S) -> Outcome {
        let passed = self.check_plain(order);
        if let (Some(plan), Some(key)) = (&passed, key)
            && self.rest_plainly(order, key, plan, sink)
        {
            return Outcome::Applied;
        }
        self.submit_with(order, key, passed, sink)
    }

    /// Take an order in whose checks are made or, without a plan, are still to be made.
    #[inline(never)]
    fn submit_with<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        key: Option<Key>,
        passed: Option<Plan>,
        sink: &mut S,
    ) -> Outcome {
        let known = if passed.is_some() {
            self.shared.recognise_order(order, key)
        } else {
            let is_there = self.shared.accounts.user(order.account).is_some();
            self.recognise(order.account, order.id, order.deadline, is_there)
        };
        let seat = match known {
            Ok(Known::New(seat)) => seat,
            Ok(Known::Seen(entry)) => return self.shared.repeat_order(order, entry, sink),
            Err(reason) => return self.shared.refuse_order(order, reason, sink),
        };
        let fingerprint = self.shared.ids.fingerprint(&payload(order));
        match passed.map_or_else(|| self.check_order(order), Ok) {
            Ok(plan) => {
                let ticket = Ticket { seat, fingerprint, allowance: self.allowance(order, &plan) };
                self.shared.accept(&mut self.markets[plan.market], order, &ticket, &plan, sink);
                Outcome::Applied
            }
            Err(reason) => self.shared.refuse_and_remember(order, seat, fingerprint, reason, sink),
        }
    }

    /// All pre-trade checks.
    #[cold]
    fn check_order(&self, order: &SubmitOrder<'_>) -> Result<Plan, Reason> {
        let mut plan = self.check_terms(order)?;
        self.check_exposure(order, &mut plan, &Used::default(), Self::fills_whole)?;
        self.check_not_taking(order, &plan)?;
        Ok(plan)
    }

    /// The order would be filled whole at once, so it needs no place among those that rest.
    pub(crate) fn fills_whole(&self, order: &SubmitOrder<'_>, plan: &Plan) -> bool {
        let market = &self.markets[plan.market];
        if !market.book.crosses(order.side, plan.limit) {
            return false;
        }
        let stp = order.stp.unwrap_or(self.shared.accounts.at(order.account).stp);
        let taker = self.shared.taker(market, order, (0, stp), plan, self.allowance(order, plan));
        self.shared.can_fill(market, &taker)
    }

    /// A post-only order must not take.
    #[inline]
    pub(crate) fn check_not_taking(&self, order: &SubmitOrder<'_>, plan: &Plan) -> Result<(), Reason> {
        let post_only = order.flags & FLAG_POST_ONLY != 0;
        let crosses = || self.markets[plan.market].book.crosses(order.side, plan.limit);
        if post_only && crosses() { Err(Reason::PostOnlyWouldCross) } else { Ok(()) }
    }

    /// Units the order may take from the account: what it needs, or all that is free.
    #[inline]
    pub(crate) fn allowance(&self, order: &SubmitOrder<'_>, plan: &Plan) -> i64 {
        match plan.funds {
            Funds::Amount(amount) => amount,
            Funds::Any => {
                let asset = self.markets[plan.market].paying(order.side);
                self.shared.accounts.balance(self.shared.accounts.at(order.account), asset).free()
            }
        }
    }
}

impl Shared {
    /// The same for an order, whose id may be hashed already.
    #[inline]
    fn recognise_order(&mut self, order: &SubmitOrder<'_>, key: Option<Key>) -> Result<Known, Reason> {
        match key {
            Some(key) => self.recognise_key(order.account, key),
            None => self.recognise(order.account, order.id),
        }
    }

    /// Answer an order seen before.
    #[cold]
    pub fn repeat_order<S: Sink>(&mut self, order: &SubmitOrder<'_>, entry: u32, sink: &mut S) -> Outcome {
        let fingerprint = self.ids.fingerprint(&payload(order));
        self.repeat(order.account, order.id, entry, fingerprint, sink)
    }

    #[cold]
    fn refuse_and_remember<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        seat: Seat,
        fingerprint: u64,
        reason: Reason,
        sink: &mut S,
    ) -> Outcome {
        let sequence = self.sequence + 1;
        let answer = Answer { order_id: pool::refused_id(sequence), sequence };
        let entry = self.ids.insert(seat, (order.account, self.now), fingerprint, answer);
        self.ids.end(entry, order.account, self.now);
        self.refuse_order(order, reason, sink)
    }

    /// Refuse a new order without remembering its id.
    #[cold]
    pub fn refuse_order<S: Sink>(&mut self, order: &SubmitOrder<'_>, reason: Reason, sink: &mut S) -> Outcome {
        let default = self.accounts.user(order.account).map_or(SelfTradePrevention::CancelNewest, |owner| owner.stp);
        let event = Event::OrderRejected {
            account_sequence: self.accounts.next_sequence(order.account),
            account: order.account,
            order_id: pool::refused_id(self.sequence + 1),
            reason,
            terms: terms(order, default),
        };
        self.emit(&event, sink);
        Outcome::Refused
    }

    /// Accept an order that passed every check, match it, and rest or end what is left.
    #[inline]
    pub fn accept<S: Sink>(
        &mut self,
        market: &mut Market,
        order: &SubmitOrder<'_>,
        ticket: &Ticket,
        plan: &Plan,
        sink: &mut S,
    ) {
        let Some(slot) = self.pool.reserve() else {
            self.refuse_and_remember(order, ticket.seat, ticket.fingerprint, Reason::VenueOpenOrdersLimit, sink);
            return;
        };
        let owner = self.accounts.at_mut(order.account);
        let (account_sequence, terms) = (owner.next_sequence(), terms(order, owner.stp));
        let sequence = self.sequence + 1;
        let order_id = pool::order_id(sequence, slot);
        let event = Event::OrderAccepted {
            account_sequence,
            instrument_sequence: self.instrument_sequence(market),
            account: order.account,
            order_id,
            terms,
            maker_ppm: plan.rates.maker,
            taker_ppm: plan.rates.taker,
        };
        self.emit(&event, sink);
        let answer = Answer { order_id, sequence };
        let entry = self.ids.insert(ticket.seat, (order.account, self.now), ticket.fingerprint, answer);
        let mut new = NewOrder {
            order_id,
            account: order.account,
            instrument: market.number,
            side: order.side,
            post_only: order.flags & FLAG_POST_ONLY != 0,
            stp: terms.stp,
            rates: plan.rates,
            price: plan.limit,
            quantity: plan.lots,
            leaves: plan.lots,
            traded: Traded::default(),
            id: entry,
        };
        if plan.rests && self.may_rest(order.account) && !market.book.crosses(order.side, plan.limit) {
            self.pool.place(slot, &new);
            self.count_order(market, order.account);
            self.rest(market, slot, ticket.allowance);
            return;
        }
        let mut taker = self.taker(market, order, (order_id, terms.stp), plan, ticket.allowance);
        match self.take(market, order, plan, &mut taker, sink) {
            // Alone it would have been refused: an earlier member of its atomic batch took what was to fill it.
            End::Rest if !self.may_rest(order.account) => {
                let reason = Reason::VenueOpenOrdersLimit;
                self.tell_taker_canceled(market, &taker, (order.price, order.quantity), reason, sink);
            }
            End::Rest => {
                (new.leaves, new.traded) = (taker.leaves, taker.traded);
                self.pool.place(slot, &new);
                self.pool.reduced_set(slot, plan.lots - taker.filled - taker.leaves);
                self.count_order(market, order.account);
                let held = self.held(market, slot, taker.leaves);
                return self.rest(market, slot, held);
            }
            End::Cancel(reason) => {
                self.tell_taker_canceled(market, &taker, (order.price, order.quantity), reason, sink);
            }
            End::Done => {}
        }
        self.ids.end(entry, order.account, self.now);
        self.pool.release(slot);
    }

    fn taker(
        &self,
        market: &Market,
        order: &SubmitOrder<'_>,
        (order_id, stp): (u64, SelfTradePrevention),
        plan: &Plan,
        allowance: i64,
    ) -> Taker {
        let by_quote = order.quote_amount > 0;
        let bound = match order.side {
            _ if by_quote => Bound::Quote(order.quote_amount),
            Side::Buy if order.order_type == OrderType::Market => Bound::Budget(allowance),
            _ => Bound::Lots,
        };
        let (mut leaves, mut leaves_reason) = (plan.lots, Reason::PositionLimit);
        if by_quote && order.side == Side::Sell {
            let lots = allowance / market.rules.lot_size;
            if lots <= leaves {
                (leaves, leaves_reason) = (lots, Reason::FundsExhausted);
            }
        }
        Taker {
            order_id,
            account: order.account,
            group: self.accounts.at(order.account).group,
            side: order.side,
            stp,
            limit: plan.limit,
            leaves,
            bound,
            leaves_reason,
            filled: 0,
            traded: Traded::default(),
            rates: plan.rates,
            fee_total: 0,
            moved: Moved::default(),
        }
    }

    /// Match the order, unless it must fill whole and cannot; says how it ends.
    #[inline]
    fn take<S: Sink>(
        &mut self,
        market: &mut Market,
        order: &SubmitOrder<'_>,
        plan: &Plan,
        taker: &mut Taker,
        sink: &mut S,
    ) -> End {
        // Alone it would have been refused: this one met what an earlier member of its atomic batch left.
        if order.flags & FLAG_POST_ONLY != 0 {
            return End::Cancel(Reason::PostOnlyWouldCross);
        }
        if order.time_in_force == TimeInForce::Fok && !self.can_fill(market, taker) {
            return End::Cancel(Reason::FillOrKill);
        }
        match self.walk(market, taker, sink) {
            Stop::Done => End::Done,
            Stop::End(reason) => End::Cancel(reason),
            Stop::Uncrossed if plan.rests => End::Rest,
            Stop::Uncrossed if order.order_type == OrderType::Limit => End::Cancel(Reason::ImmediateOrCancel),
            Stop::Uncrossed => {
                let there = market.book.touch(order.side.opposite()).is_some();
                End::Cancel(if there { Reason::SlippageCap } else { Reason::NoLiquidity })
            }
        }
    }
}
