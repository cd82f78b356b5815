//! An atomic batch: every member passes risk and filters together, on the book as it stands, or none is applied.
//!
//! Members are new orders by quantity, and cancels. Each is checked against what the members before it use up or give
//! back; nothing is matched meanwhile. Then all are applied in order, and what one needs is kept from the others, so
//! none can lack funds. What they match is not part of the check: a post-only order that would take what an earlier
//! member left there is canceled, and an order that an earlier member's self-trade prevention ended is not found.
//! What a batch is known again by, and what is remembered of it, is said in `batch_id`.

use super::batch_id::BatchId;
use super::risk::{Funds, Plan, Used};
use super::submit::Ticket;
use super::terms::payload;
use crate::command::{Batch, BatchMember, CancelOrder, OrderType, Side, SubmitOrder, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::ids::index::Key;
use crate::ids::valid::id_is_valid;
use crate::reason::Reason;
use crate::shared::{Known, Outcome};

/// A member that passed.
enum Passed {
    /// A new order.
    Submit(Plan),
    /// A cancel.
    Cancel,
}

/// What the members so far use up; few enough to look through.
#[derive(Default)]
struct Tally {
    orders: i64,
    open: Vec<(u32, Side, i128)>,
    funds: Vec<(u16, i128)>,
    ids: Vec<Key>,
    canceled: Vec<u32>,
}

impl Tally {
    fn used(&self, instrument: u32, side: Side, asset: u16) -> Used {
        let open = self.open.iter().filter(|&&(number, of, _)| number == instrument && of == side);
        let funds = self.funds.iter().filter(|&&(of, _)| of == asset);
        Used { orders: self.orders, open: open.map(|one| one.2).sum(), funds: funds.map(|one| one.1).sum() }
    }
}

/// Why a member fails the batch.
enum Failure {
    /// Refused.
    Refused(Reason),
    /// Seen before: its entry among the remembered ids.
    Seen(u32),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

fn amount_of(plan: &Plan) -> i64 {
    match plan.funds {
        Funds::Amount(amount) => amount,
        Funds::Any => 0,
    }
}

impl Engine {
    /// Apply all members of a new batch, or none.
    pub(crate) fn apply_atomic<S: Sink>(&mut self, batch: &Batch<'_>, id: BatchId, sink: &mut S) -> Outcome {
        let Some(passed) = self.check_atomic(batch, id, sink) else { return Outcome::Refused };
        let needs: Vec<_> = batch.members.iter().zip(&passed).map(|(member, one)| self.needs_of(member, one)).collect();
        let (mut applied, mut refused) = (0, 0);
        for (place, both) in batch.members.iter().zip(&passed).enumerate() {
            match self.apply_member(both, &needs[place + 1..], sink) {
                Outcome::Applied => applied += 1,
                Outcome::Refused => refused += 1,
            }
        }
        self.shared.emit(&Event::BatchDone { account: batch.account, applied, refused }, sink);
        Outcome::Applied
    }

    /// Check all members together; where one fails, emit why, and that nothing was applied.
    fn check_atomic<S: Sink>(&mut self, batch: &Batch<'_>, id: BatchId, sink: &mut S) -> Option<Vec<Passed>> {
        // The batch's own id takes a place too, and none of its orders has the same.
        let mut tally = Tally { ids: id.key.into_iter().collect(), ..Tally::default() };
        let mut passed = Vec::with_capacity(batch.members.len());
        for member in &batch.members {
            let checked = match member {
                BatchMember::Submit(order) => self.check_member(order, &mut tally),
                BatchMember::Cancel(cancel) => self.check_cancel(cancel, &mut tally).map_err(Failure::from),
                BatchMember::Amend(_) => Err(Failure::Refused(Reason::OrderInvalid)),
            };
            match checked {
                Ok(one) => passed.push(one),
                Err(failure) => {
                    self.tell_failure(member, &failure, sink);
                    self.reject(batch.account, Reason::BatchMemberRefused, kind::BATCH, "", sink);
                    return None;
                }
            }
        }
        Some(passed)
    }

    fn check_member(&mut self, order: &SubmitOrder<'_>, tally: &mut Tally) -> Result<Passed, Failure> {
        // Only looked up: a batch that is refused makes no room for itself.
        if let Some(entry) = self.shared.recall(order.account, order.id) {
            return Err(Failure::Seen(entry));
        }
        self.check_time(order.deadline)?;
        if !id_is_valid(order.id) {
            return Err(Failure::Refused(Reason::IdInvalid));
        }
        let key = self.shared.ids.key(order.account, order.id);
        if tally.ids.contains(&key) {
            return Err(Failure::Refused(Reason::AlreadyExists));
        }
        if self.shared.ids.room() <= tally.ids.len() {
            return Err(Failure::Refused(Reason::IdsExhausted));
        }
        let mut plan = self.check_terms(order)?;
        if order.quote_amount > 0 {
            return Err(Failure::Refused(Reason::OrderInvalid));
        }
        let asset = self.markets[plan.market].paying(order.side);
        self.check_exposure(order, &mut plan, &tally.used(order.instrument, order.side, asset), Self::fills_whole)?;
        self.check_not_taking(order, &plan)?;
        tally.ids.push(key);
        // What does not rest is never an open order: it needs a slot for its moment only.
        tally.orders += i64::from(plan.rests);
        tally.open.push((order.instrument, order.side, order.quantity.into()));
        tally.funds.push((asset, amount_of(&plan).into()));
        Ok(Passed::Submit(plan))
    }

    fn check_cancel(&self, cancel: &CancelOrder<'_>, tally: &mut Tally) -> Result<Passed, Reason> {
        self.check_account(cancel.deadline, cancel.account)?;
        let slot = self.find_order(cancel).filter(|slot| !tally.canceled.contains(slot));
        let slot = slot.ok_or(Reason::OrderUnknown)?;
        let order = *self.shared.pool.order(slot);
        let market = &self.markets[order.market_place()];
        let held = self.shared.held(market, slot, order.leaves);
        tally.canceled.push(slot);
        tally.orders -= 1;
        tally.open.push((order.instrument(), order.side(), -i128::from(market.quantity(order.leaves))));
        tally.funds.push((market.paying(order.side()), -i128::from(held)));
        Ok(Passed::Cancel)
    }

    fn tell_failure<S: Sink>(&mut self, member: &BatchMember<'_>, failure: &Failure, sink: &mut S) {
        match (member, failure) {
            (BatchMember::Submit(order), &Failure::Seen(entry)) => {
                self.shared.repeat_order(order, entry, sink);
            }
            (BatchMember::Submit(order), &Failure::Refused(reason)) => {
                self.shared.refuse_order(order, reason, sink);
            }
            (BatchMember::Cancel(cancel), &Failure::Refused(reason)) => {
                self.reject(cancel.account, reason, kind::CANCEL_ORDER, cancel.id, sink);
            }
            (BatchMember::Amend(amend), &Failure::Refused(reason)) => {
                self.reject(amend.account, reason, kind::AMEND_ORDER, "", sink);
            }
            // Only a new order has an id that can be seen before.
            (BatchMember::Amend(_) | BatchMember::Cancel(_), Failure::Seen(_)) => {}
        }
    }

    /// The asset that pays for a member, and how much of it the member needs.
    fn needs_of(&self, member: &BatchMember<'_>, passed: &Passed) -> (u16, i64) {
        match (member, passed) {
            (BatchMember::Submit(order), Passed::Submit(plan)) => {
                (self.markets[plan.market].paying(order.side), amount_of(plan))
            }
            _ => (0, 0),
        }
    }

    /// Apply a member that passed; `reserved` is what the members behind it need.
    fn apply_member<S: Sink>(
        &mut self,
        (member, passed): (&BatchMember<'_>, &Passed),
        reserved: &[(u16, i64)],
        sink: &mut S,
    ) -> Outcome {
        match (member, passed) {
            (BatchMember::Submit(order), Passed::Submit(plan)) => self.enter(order, plan, reserved, sink),
            (BatchMember::Cancel(cancel), _) => self.cancel_order(cancel, sink),
            (BatchMember::Submit(_) | BatchMember::Amend(_), _) => Outcome::Refused,
        }
    }

    fn enter<S: Sink>(
        &mut self,
        order: &SubmitOrder<'_>,
        plan: &Plan,
        reserved: &[(u16, i64)],
        sink: &mut S,
    ) -> Outcome {
        let seat = match self.shared.recognise(order.account, order.id) {
            Ok(Known::New(seat)) => seat,
            Ok(Known::Seen(entry)) => return self.shared.repeat_order(order, entry, sink),
            Err(reason) => return self.shared.refuse_order(order, reason, sink),
        };
        let mut plan = *plan;
        if order.order_type == OrderType::Market {
            // How far it may go is measured from the touch it meets, not from the one before the other members.
            plan.limit = self.markets[plan.market].slippage_limit(order.side);
        }
        let mut allowance = self.allowance(order, &plan);
        if plan.funds == Funds::Any {
            let asset = self.markets[plan.market].paying(order.side);
            let kept: i128 = reserved.iter().filter(|one| one.0 == asset).map(|one| i128::from(one.1)).sum();
            allowance = i64::try_from((i128::from(allowance) - kept).max(0)).unwrap_or(0);
        }
        let ticket = Ticket { seat, fingerprint: self.shared.ids.fingerprint(&payload(order)), allowance };
        self.shared.accept(&mut self.markets[plan.market], order, &ticket, &plan, sink);
        Outcome::Applied
    }
}
