//! A new order: known already? refused? else accepted, matched, and rested or ended.

use crate::command::{FLAG_POST_ONLY, OrderType, SelfTradePrevention, Side, SubmitOrder, TimeInForce};
use crate::engine::{Engine, Outcome};
use crate::event::{Event, Sink, Terms};
use crate::ids::{Answer, ID_LENGTH_MAX, Key};
use crate::money::Traded;
use crate::pool::{Cold, NewOrder, SLOT_BITS, SLOT_REFUSED};
use crate::reason::Reason;
use crate::risk::{Funds, Plan, Used};
use crate::taker::{Bound, Stop, Taker};

/// What the table of ids says about a command.
pub(crate) enum Known {
    /// It is new; the table has room for it.
    New(Key),
    /// It was seen: the entry.
    Seen(u32),
}

/// An id is 1 to 64 bytes without control characters.
#[inline]
pub(crate) fn id_is_valid(id: &str) -> bool {
    let length = (1..=ID_LENGTH_MAX).contains(&id.len());
    length && (id.bytes().all(|byte| (0x20..0x7F).contains(&byte)) || !id.chars().any(char::is_control))
}

impl Engine {
    pub(crate) fn submit_order<S: Sink>(&mut self, order: &SubmitOrder<'_>, sink: &mut S) -> Outcome {
        if let Err(reason) = self.check_account(order.deadline, order.account) {
            return self.refuse_order(order, reason, sink);
        }
        let key = match self.recognise(order.account, order.id) {
            Ok(Known::New(key)) => key,
            Ok(Known::Seen(entry)) => {
                return self.repeat(order.account, order.id, entry, self.fingerprint(order), sink);
            }
            Err(reason) => return self.refuse_order(order, reason, sink),
        };
        let mut plan = match self.check_order(order) {
            Ok(plan) => plan,
            Err(reason) => return self.refuse_and_remember(order, key, reason, sink),
        };
        let allowance = self.allowance(order, &plan);
        self.accept(order, key, &mut plan, allowance, sink);
        Outcome::Applied
    }

    /// All pre-trade checks.
    #[inline]
    fn check_order(&self, order: &SubmitOrder<'_>) -> Result<Plan, Reason> {
        let mut plan = self.check_terms(order)?;
        self.check_exposure(order, &mut plan, &Used::default())?;
        let post_only = order.flags & FLAG_POST_ONLY != 0;
        if post_only && self.markets[plan.market].book.crosses(order.side, plan.limit) {
            return Err(Reason::PostOnlyWouldCross);
        }
        Ok(plan)
    }

    /// Units the order may take from the account: what it needs, or all that is free.
    pub(crate) fn allowance(&self, order: &SubmitOrder<'_>, plan: &Plan) -> i64 {
        match plan.funds {
            Funds::Amount(amount) => amount,
            Funds::Any => {
                let identity = &self.markets[plan.market].identity;
                let asset = if order.side == Side::Buy { identity.quote } else { identity.base };
                self.accounts.at(order.account).balance(asset).free()
            }
        }
    }

    /// Look an id up, and make room for it if it is new.
    #[inline]
    pub(crate) fn recognise(&mut self, account: u32, id: &str) -> Result<Known, Reason> {
        if !id_is_valid(id) {
            return Err(Reason::IdInvalid);
        }
        let key = self.ids.key(account, id);
        match self.ids.find_live(key, self.now) {
            Some(entry) => Ok(Known::Seen(entry)),
            None if self.ids.make_room(self.now) => Ok(Known::New(key)),
            None => Err(Reason::IdsExhausted),
        }
    }

    /// Answer a command seen before.
    #[cold]
    pub(crate) fn repeat<S: Sink>(
        &mut self,
        account: u32,
        id: &str,
        entry: u32,
        fingerprint: u64,
        sink: &mut S,
    ) -> Outcome {
        let first = self.ids.get(entry);
        let (answer, same_payload) = (first.answer(), first.fingerprint() == fingerprint);
        let (first_sequence, order_id) = (answer.sequence, answer.order_id);
        self.emit(&Event::CommandDuplicate { account, id, first_sequence, order_id, same_payload }, sink);
        if same_payload { Outcome::Applied } else { Outcome::Refused }
    }

    /// All fields but the deadline; the account is part of the key.
    #[inline]
    pub(crate) fn fingerprint(&self, order: &SubmitOrder<'_>) -> u64 {
        let small = u64::from(order.instrument)
            | (order.side as u64) << 32
            | (order.order_type as u64) << 36
            | (order.time_in_force as u64) << 40
            | order.stp.map_or(0, |stp| stp as u64) << 44
            | u64::from(order.flags) << 48
            | u64::from(crate::command::kind::SUBMIT_ORDER) << 56;
        let [price, quantity, amount] = [order.price, order.quantity, order.quote_amount].map(i64::cast_unsigned);
        self.ids.fingerprint(&[small, price, quantity, amount])
    }

    fn terms<'a>(&self, order: &SubmitOrder<'a>) -> Terms<'a> {
        let default = || self.accounts.user(order.account).map_or(SelfTradePrevention::CancelNewest, |owner| owner.stp);
        Terms {
            id: order.id,
            instrument: order.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            flags: order.flags,
            stp: order.stp.unwrap_or_else(default),
            price: order.price,
            quantity: order.quantity,
            quote_amount: order.quote_amount,
        }
    }

    #[cold]
    fn refuse_and_remember<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        key: Key,
        reason: Reason,
        sink: &mut S,
    ) -> Outcome {
        let fingerprint = self.fingerprint(order);
        let sequence = self.sequence + 1;
        let answer = Answer { order_id: sequence << SLOT_BITS | u64::from(SLOT_REFUSED), sequence };
        let entry = self.ids.insert(key, fingerprint, answer);
        self.ids.end(entry, self.now);
        self.refuse_order(order, reason, sink)
    }

    /// Refuse a new order without remembering its id.
    #[cold]
    pub(crate) fn refuse_order<S: Sink>(&mut self, order: &SubmitOrder<'_>, reason: Reason, sink: &mut S) -> Outcome {
        let event = Event::OrderRejected {
            account_sequence: self.accounts.next_sequence(order.account),
            account: order.account,
            order_id: (self.sequence + 1) << SLOT_BITS | u64::from(SLOT_REFUSED),
            reason,
            terms: self.terms(order),
        };
        self.emit(&event, sink);
        Outcome::Refused
    }

    /// Accept an order that passed every check, match it, and rest or end what is left.
    pub(crate) fn accept<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        key: Key,
        plan: &mut Plan,
        allowance: i64,
        sink: &mut S,
    ) {
        let Some(slot) = self.pool.reserve() else {
            self.refuse_and_remember(order, key, Reason::VenueOpenOrdersLimit, sink);
            return;
        };
        let terms = self.terms(order);
        let sequence = self.sequence + 1;
        let order_id = sequence << SLOT_BITS | u64::from(slot);
        let event = Event::OrderAccepted {
            account_sequence: self.accounts.next_sequence(order.account),
            instrument_sequence: self.next_instrument_sequence(plan.market),
            account: order.account,
            order_id,
            terms,
            maker_ppm: plan.rates.maker,
            taker_ppm: plan.rates.taker,
        };
        self.emit(&event, sink);
        let entry = self.ids.insert(key, self.fingerprint(order), Answer { order_id, sequence });
        let mut taker = self.taker(order, order_id, terms.stp, plan, allowance);
        let stop = self.take(order, plan, &mut taker, sink);
        let Some(end) = self.end_reason(order, plan, stop) else {
            let new = NewOrder {
                order_id,
                account: order.account,
                book: order.instrument << 1 | order.side as u32,
                price: plan.limit,
                quantity: plan.lots,
                leaves: taker.leaves,
                filled: taker.filled,
                traded: taker.traded,
                terms: Cold::pack(plan.rates, order.flags & FLAG_POST_ONLY != 0, terms.stp),
                id: entry,
                position: taker.position,
            };
            self.pool.place(slot, &new);
            self.accounts.link(&mut self.pool, order.account, slot);
            self.markets[plan.market].open_orders += 1;
            self.rest(plan.market, slot);
            return;
        };
        if let Some(reason) = end {
            self.tell_taker_canceled(plan.market, &taker, reason, sink);
        }
        self.ids.end(entry, self.now);
        self.pool.release(slot);
    }

    fn taker(
        &mut self,
        order: &SubmitOrder<'_>,
        order_id: u64,
        stp: SelfTradePrevention,
        plan: &Plan,
        allowance: i64,
    ) -> Taker {
        let by_quote = order.quote_amount > 0;
        let lot_size = self.markets[plan.market].rules.lot_size;
        let bound = match order.side {
            _ if by_quote => Bound::Quote(order.quote_amount),
            Side::Buy if order.order_type == OrderType::Market => Bound::Budget(allowance),
            _ => Bound::Lots,
        };
        let (mut leaves, mut leaves_reason) = (plan.lots, Reason::PositionLimit);
        if by_quote && order.side == Side::Sell && allowance / lot_size <= leaves {
            (leaves, leaves_reason) = (allowance / lot_size, Reason::FundsExhausted);
        }
        Taker {
            order_id,
            account: order.account,
            position: self.accounts.position_open(order.account, order.instrument),
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
        }
    }

    /// Match the order, unless it must fill whole and cannot.
    #[inline]
    fn take<S: Sink>(&mut self, order: &SubmitOrder<'_>, plan: &Plan, taker: &mut Taker, sink: &mut S) -> Stop {
        if !self.markets[plan.market].book.crosses(order.side, plan.limit) && order.time_in_force != TimeInForce::Fok {
            return Stop::Uncrossed;
        }
        if order.time_in_force == TimeInForce::Fok && !self.can_fill(plan.market, taker) {
            return Stop::End(Reason::FillOrKill);
        }
        self.walk(plan.market, taker, sink)
    }

    /// How the order ends: not at all (it rests), done, or with a reason.
    #[inline]
    #[allow(clippy::option_option, reason = "three outcomes: rests, is done, ends for a reason")]
    fn end_reason(&self, order: &SubmitOrder<'_>, plan: &Plan, stop: Stop) -> Option<Option<Reason>> {
        match stop {
            Stop::Done => Some(None),
            Stop::End(reason) => Some(Some(reason)),
            Stop::Uncrossed if plan.rests => None,
            Stop::Uncrossed if order.order_type == OrderType::Limit => Some(Some(Reason::ImmediateOrCancel)),
            Stop::Uncrossed => {
                let there = self.markets[plan.market].book.touch(order.side.opposite()).is_some();
                Some(Some(if there { Reason::SlippageCap } else { Reason::NoLiquidity }))
            }
        }
    }
}
