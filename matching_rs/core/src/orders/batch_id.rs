//! What an atomic batch is known again by.
//!
//! Its one outcome is remembered under the id it came with, a refusal too, as an order's is. A batch that came without
//! one is known by all that is in it, if there are new orders in it: their ids make it this batch and no other. Of it
//! only what was done is remembered: what was refused had no effect, so it may be sent again. Either takes one place
//! among the account's remembered ids.

use super::terms::payload;
use crate::bits::low32;
use crate::command::{Batch, BatchMember, MEMBERS_MAX, kind};
use crate::engine::Engine;
use crate::ids::index::Key;
use crate::ids::valid::id_is_valid;
use crate::reason::Reason;
use crate::shared::Known;

/// What an atomic batch is remembered by.
#[derive(Clone, Copy)]
pub(crate) struct BatchId {
    /// None: nothing names it.
    pub key: Option<Key>,
    /// Of all its members, their deadlines left out.
    pub fingerprint: u64,
}

impl Engine {
    /// What a batch is known again by.
    pub(crate) fn batch_id(&self, batch: &Batch<'_>) -> BatchId {
        let ids = &self.shared.ids;
        let mut words = self.words_of(batch);
        let fingerprint = ids.fingerprint(&words);
        let has_orders = batch.members.iter().any(|member| matches!(member, BatchMember::Submit(_)));
        let key = if !batch.id.is_empty() {
            Some(ids.key(batch.account, batch.id))
        } else if has_orders {
            words.push(u64::from(batch.account) << 1);
            let low = ids.fingerprint(&words);
            words.push(1);
            Some(Key::new(low, low32(ids.fingerprint(&words))))
        } else {
            None
        };
        BatchId { key, fingerprint }
    }

    /// All members' fields but their deadlines; the account is part of the key.
    fn words_of(&self, batch: &Batch<'_>) -> Vec<u64> {
        let key = |account: u32, id: &str| self.shared.ids.key(account, id).words().map(u64::from);
        let mut words = vec![u64::from(kind::BATCH) << 56 | batch.members.len() as u64];
        for member in &batch.members {
            match member {
                BatchMember::Submit(order) => {
                    words.extend(payload(order));
                    words.extend(key(order.account, order.id));
                }
                BatchMember::Cancel(cancel) => {
                    words.extend([u64::from(kind::CANCEL_ORDER) << 56, cancel.order_id]);
                    words.extend(key(cancel.account, cancel.id));
                }
                BatchMember::Amend(amend) => {
                    let given = u64::from(amend.price.is_some()) | u64::from(amend.quantity.is_some()) << 1;
                    let [price, quantity] = [amend.price, amend.quantity].map(|one| one.unwrap_or(0).cast_unsigned());
                    words.extend([u64::from(kind::AMEND_ORDER) << 56 | given, amend.order_id, price, quantity]);
                }
            }
        }
        words
    }

    /// Tell an atomic batch that is new from one seen before, which is known however late it comes again; no room is
    /// made for it yet, for what is refused takes nobody's place.
    pub(crate) fn recall_batch(&mut self, batch: &Batch<'_>, id: BatchId) -> Result<Option<u32>, Reason> {
        let timely = self.check_account(batch.deadline, batch.account);
        if timely == Err(Reason::VenueNotOpen) {
            return Err(Reason::VenueNotOpen);
        }
        let valid = batch.id.is_empty() || id_is_valid(batch.id);
        if let Some(key) = id.key.filter(|_| valid)
            && let Some(entry) = self.shared.ids.recall(key, batch.account, self.shared.now)
        {
            return Ok(Some(entry));
        }
        timely?;
        if !valid {
            return Err(Reason::IdInvalid);
        }
        check_members(batch)?;
        let full = id.key.is_some() && self.shared.ids.room() == 0;
        if full { Err(Reason::IdsExhausted) } else { Ok(None) }
    }

    /// Remember what a batch came to: its first event's sequence.
    pub(crate) fn remember_batch(&mut self, account: u32, id: BatchId, sequence: u64) {
        // Full: every place has become an open order's meanwhile, and what is refused may as well be asked again.
        if let Some(key) = id.key
            && let Ok(Known::New(seat)) = self.shared.recognise_key(account, key)
        {
            self.shared.remember_answer(seat, account, id.fingerprint, sequence);
        }
    }
}

/// A batch is of bounded length, and of one account.
pub(crate) fn check_members(batch: &Batch<'_>) -> Result<(), Reason> {
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
