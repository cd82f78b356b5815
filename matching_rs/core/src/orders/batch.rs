//! Several commands of one account in one.

use crate::command::{Batch, BatchMember, MEMBERS_MAX, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::reason::Reason;
use crate::shared::Outcome;

impl Engine {
    pub(crate) fn execute_batch<S: Sink>(&mut self, batch: &Batch<'_>, sink: &mut S) {
        if let Err(reason) = self.check_batch(batch) {
            return self.reject(batch.account, reason, kind::BATCH, "", sink);
        }
        if batch.atomic && !self.knows_all(batch) {
            return self.execute_atomic(batch, sink);
        }
        let (mut applied, mut refused) = (0, 0);
        for member in &batch.members {
            let outcome = match member {
                BatchMember::Submit(order) => self.submit_order(order, None, sink),
                BatchMember::Amend(amend) => self.amend_order(amend, sink),
                BatchMember::Cancel(cancel) => self.cancel_order(cancel, sink),
            };
            match outcome {
                Outcome::Applied => applied += 1,
                Outcome::Refused => refused += 1,
            }
        }
        self.shared.emit(&Event::BatchDone { account: batch.account, applied, refused }, sink);
    }

    fn execute_atomic<S: Sink>(&mut self, batch: &Batch<'_>, sink: &mut S) {
        let Some(passed) = self.check_atomic(batch, sink) else { return };
        let needs: Vec<_> = batch.members.iter().zip(&passed).map(|(member, one)| self.needs_of(member, one)).collect();
        let (mut applied, mut refused) = (0, 0);
        for (place, both) in batch.members.iter().zip(&passed).enumerate() {
            match self.apply_member(both, &needs[place + 1..], sink) {
                Outcome::Applied => applied += 1,
                Outcome::Refused => refused += 1,
            }
        }
        self.shared.emit(&Event::BatchDone { account: batch.account, applied, refused }, sink);
    }

    fn check_batch(&self, batch: &Batch<'_>) -> Result<(), Reason> {
        self.check_account(batch.deadline, batch.account)?;
        if batch.members.len() > MEMBERS_MAX {
            return Err(Reason::BatchTooLarge);
        }
        let account_of = |member: &BatchMember<'_>| match member {
            BatchMember::Submit(order) => order.account,
            BatchMember::Amend(amend) => amend.account,
            BatchMember::Cancel(cancel) => cancel.account,
        };
        let own = batch.members.iter().all(|member| account_of(member) == batch.account);
        if own { Ok(()) } else { Err(Reason::Malformed) }
    }
}
