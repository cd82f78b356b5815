//! Several commands of one account in one; of an atomic batch, what its members need is added up before any is applied.

use cift_core::command::{AmendOrder, Batch, BatchMember, CancelOrder, Side, SubmitOrder, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::Naive;
use super::accounts::id_is_valid;
use super::orders::payload;
use super::risk::{Used, rests};

/// One member that passed: its asset, what it takes of it, its order's instrument, side and quantity, and how many open
/// orders it makes.
struct Taken {
    asset: u16,
    funds: i128,
    instrument: u32,
    side: Side,
    quantity: i128,
    orders: i128,
}

fn used(taken: &[Taken], instrument: u32, side: Side, asset: u16) -> Used {
    let alike = taken.iter().filter(|one| one.instrument == instrument && one.side == side);
    Used {
        orders: taken.iter().map(|one| one.orders).sum(),
        open: alike.map(|one| one.quantity).sum(),
        funds: taken.iter().filter(|one| one.asset == asset).map(|one| one.funds).sum(),
    }
}

fn check_own(batch: &Batch<'_>) -> Result<(), Reason> {
    let account_of = |member: &BatchMember<'_>| match member {
        BatchMember::Submit(order) => order.account,
        BatchMember::Amend(amend) => amend.account,
        BatchMember::Cancel(cancel) => cancel.account,
    };
    let own = batch.members.iter().all(|member| account_of(member) == batch.account);
    if own { Ok(()) } else { Err(Reason::Malformed) }
}

/// What a batch is known by: all that is in it but the deadlines.
fn payload_of(batch: &Batch<'_>) -> String {
    let timeless = |member: &BatchMember<'_>| match *member {
        BatchMember::Submit(order) => payload(&order),
        BatchMember::Amend(amend) => format!("{:?}", AmendOrder { deadline: 0, ..amend }),
        BatchMember::Cancel(cancel) => format!("{:?}", CancelOrder { deadline: 0, ..cancel }),
    };
    batch.members.iter().map(timeless).collect::<Vec<_>>().join("; ")
}

impl Naive {
    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        if batch.atomic {
            return self.atomic_batch(batch);
        }
        let checked = self.check_account(batch.deadline, batch.account);
        let checked = checked.and(if batch.id.is_empty() { check_own(batch) } else { Err(Reason::IdInvalid) });
        if let Err(reason) = checked {
            return self.reject(batch.account, reason, kind::BATCH, "");
        }
        let apply = |member: &BatchMember<'_>| match member {
            BatchMember::Submit(order) => self.submit(order),
            BatchMember::Amend(amend) => self.amend(amend),
            BatchMember::Cancel(cancel) => self.cancel_one(cancel),
        };
        let done: Vec<bool> = batch.members.iter().map(apply).collect();
        self.batch_done(batch, &done);
    }

    fn batch_done(&mut self, batch: &Batch<'_>, done: &[bool]) {
        let count = |wanted| u32::try_from(done.iter().filter(|&&one| one == wanted).count()).expect("few members");
        let (applied, refused) = (count(true), count(false));
        self.emit(&Event::BatchDone { account: batch.account, applied, refused });
    }

    fn atomic_batch(&mut self, batch: &Batch<'_>) {
        let payload = payload_of(batch);
        // No client's id has a control character.
        let derived = format!("\0{payload}");
        let has_orders = batch.members.iter().any(|member| matches!(member, BatchMember::Submit(_)));
        let id = match batch.id {
            "" if has_orders => Some(derived.as_str()),
            "" => None,
            id => Some(id),
        };
        let valid = batch.id.is_empty() || id_is_valid(batch.id);
        if let Some(id) = id.filter(|_| self.opened && valid)
            && let Some(first) = self.recalled(batch.account, id)
        {
            return self.emit(&Event::CommandDuplicate {
                account: batch.account,
                id: batch.id,
                first_sequence: first.sequence,
                order_id: first.order_id,
                same_payload: first.payload == payload,
            });
        }
        let checked = self.check_account(batch.deadline, batch.account);
        let checked = checked.and(if valid { check_own(batch) } else { Err(Reason::IdInvalid) });
        let full = id.is_some() && self.ids.room() == 0;
        let checked = checked.and(if full { Err(Reason::IdsExhausted) } else { Ok(()) });
        if let Err(reason) = checked {
            return self.reject(batch.account, reason, kind::BATCH, "");
        }
        let first_sequence = self.sequence + 1;
        let passed = self.check_atomic(batch, id);
        if let Some(taken) = &passed {
            let done = self.apply_atomic(batch, taken);
            self.batch_done(batch, &done);
        }
        if let Some(id) = id.filter(|_| passed.is_some() || !batch.id.is_empty())
            && self.ids.room() > 0
        {
            let now = self.now;
            self.ids.remember((batch.account, id), payload, (first_sequence, 0), now);
            self.ids.end(batch.account, id, now);
        }
    }

    fn apply_atomic(&mut self, batch: &Batch<'_>, taken: &[Taken]) -> Vec<bool> {
        let mut done = Vec::new();
        for (place, member) in batch.members.iter().enumerate() {
            self.kept = taken[place + 1..].iter().map(|one| (one.asset, one.funds.max(0))).collect();
            done.push(match member {
                BatchMember::Submit(order) => self.enter(order),
                BatchMember::Cancel(cancel) => self.cancel_one(cancel),
                BatchMember::Amend(_) => false,
            });
        }
        self.kept = Vec::new();
        done
    }

    /// What each member takes; none: one failed, and that is told.
    fn check_atomic(&mut self, batch: &Batch<'_>, id: Option<&str>) -> Option<Vec<Taken>> {
        let mut taken: Vec<Taken> = Vec::new();
        let mut ended: Vec<u64> = Vec::new();
        // No order of a batch has the batch's id.
        let mut ids: Vec<&str> = id.into_iter().collect();
        for member in &batch.members {
            let passed = match member {
                BatchMember::Submit(order) => self.check_new(order, &taken, &mut ids),
                BatchMember::Amend(amend) => {
                    self.reject(amend.account, Reason::OrderInvalid, kind::AMEND_ORDER, "");
                    None
                }
                BatchMember::Cancel(cancel) => match self.meant(cancel) {
                    Ok((number, order)) if !ended.contains(&order.id) => {
                        ended.push(order.id);
                        let asset = self.instrument(number).asset_of(order.side);
                        Some(Taken {
                            asset,
                            funds: -self.instrument(number).hold_of(&order),
                            instrument: number,
                            side: order.side,
                            quantity: -order.leaves,
                            orders: -1,
                        })
                    }
                    found => {
                        let reason = found.err().unwrap_or(Reason::OrderUnknown);
                        self.reject(cancel.account, reason, kind::CANCEL_ORDER, cancel.id);
                        None
                    }
                },
            };
            let Some(passed) = passed else {
                self.reject(batch.account, Reason::BatchMemberRefused, kind::BATCH, "");
                return None;
            };
            taken.push(passed);
        }
        Some(taken)
    }

    fn check_new<'a>(&mut self, order: &SubmitOrder<'a>, taken: &[Taken], ids: &mut Vec<&'a str>) -> Option<Taken> {
        if id_is_valid(order.id) && self.recalled(order.account, order.id).is_some() {
            // It is answered as a repeat; for the batch it is a failure.
            let _ = self.recognise(order.account, order.id, &payload(order));
            return None;
        }
        let checked = match self.check_time(order.deadline) {
            Ok(()) if !id_is_valid(order.id) => Err(Reason::IdInvalid),
            Ok(()) if ids.contains(&order.id) => Err(Reason::AlreadyExists),
            Ok(()) if self.ids.room() <= ids.len() => Err(Reason::IdsExhausted),
            Ok(()) => self.check_terms(order).and_then(|()| {
                if order.quote_amount > 0 {
                    return Err(Reason::OrderInvalid);
                }
                let asset = self.instrument(order.instrument).asset_of(order.side);
                self.check_exposure(order, used(taken, order.instrument, order.side, asset))?;
                let crosses = self.crosses(order.instrument, order.side, order.price.into());
                if order.flags & 1 != 0 && crosses { Err(Reason::PostOnlyWouldCross) } else { Ok(asset) }
            }),
            Err(reason) => Err(reason),
        };
        match checked {
            Ok(asset) => {
                ids.push(order.id);
                Some(Taken {
                    asset,
                    funds: self.needs(order).unwrap_or(0),
                    instrument: order.instrument,
                    side: order.side,
                    quantity: order.quantity.into(),
                    orders: rests(order).into(),
                })
            }
            Err(reason) => {
                self.refuse(order, reason);
                None
            }
        }
    }
}
