//! Several commands of one account in one.

use super::batch_id::check_members;
use crate::command::{Batch, BatchMember, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::reason::Reason;
use crate::shared::Outcome;

impl Engine {
    pub(crate) fn execute_batch<S: Sink>(&mut self, batch: &Batch<'_>, sink: &mut S) {
        if batch.atomic {
            return self.execute_atomic(batch, sink);
        }
        if let Err(reason) = self.check_batch(batch) {
            return self.reject(batch.account, reason, kind::BATCH, "", sink);
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
        let id = self.batch_id(batch);
        match self.recall_batch(batch, id) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                self.shared.repeat(batch.account, batch.id, entry, id.fingerprint, sink);
                return;
            }
            Err(reason) => return self.reject(batch.account, reason, kind::BATCH, "", sink),
        }
        let first_sequence = self.shared.sequence + 1;
        if self.apply_atomic(batch, id, sink) == Outcome::Applied || !batch.id.is_empty() {
            self.remember_batch(batch.account, id, first_sequence);
        }
    }

    /// A batch's own id is that of its one outcome, so only an atomic batch has one: others have an answer a member.
    fn check_batch(&self, batch: &Batch<'_>) -> Result<(), Reason> {
        self.check_account(batch.deadline, batch.account)?;
        if batch.id.is_empty() { check_members(batch) } else { Err(Reason::IdInvalid) }
    }
}
