//! Several commands of one account in one; of an atomic batch, what its members need is added up before any is applied.

use cift_core::command::{Batch, BatchMember, Side, SubmitOrder, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::Naive;
use super::accounts::Known;
use super::orders::payload;
use super::risk::Used;

/// One member that passed: its asset, what it takes of it, its order's instrument, side and quantity, and how far
/// a new order may go.
struct Taken {
    worst: i128,
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

impl Naive {
    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        let account_of = |member: &BatchMember<'_>| match member {
            BatchMember::Submit(order) => order.account,
            BatchMember::Amend(amend) => amend.account,
            BatchMember::Cancel(cancel) => cancel.account,
        };
        let own = batch.members.iter().all(|member| account_of(member) == batch.account);
        let checked = self.check_account(batch.deadline, batch.account);
        if let Err(reason) = checked.and(if own { Ok(()) } else { Err(Reason::Malformed) }) {
            return self.reject(batch.account, reason, kind::BATCH, "");
        }
        let done: Vec<bool> = if batch.atomic && !self.knows_all(batch) {
            let Some(taken) = self.check_atomic(batch) else { return };
            self.apply_atomic(batch, &taken)
        } else {
            let apply = |member: &BatchMember<'_>| match member {
                BatchMember::Submit(order) => self.submit(order),
                BatchMember::Amend(amend) => self.amend(amend),
                BatchMember::Cancel(cancel) => self.cancel_one(cancel),
            };
            batch.members.iter().map(apply).collect()
        };
        let count = |wanted| u32::try_from(done.iter().filter(|&&one| one == wanted).count()).expect("few members");
        let (applied, refused) = (count(true), count(false));
        self.emit(&Event::BatchDone { account: batch.account, applied, refused });
    }

    fn apply_atomic(&mut self, batch: &Batch<'_>, taken: &[Taken]) -> Vec<bool> {
        let mut done = Vec::new();
        for (place, member) in batch.members.iter().enumerate() {
            self.kept = taken[place + 1..].iter().map(|one| (one.asset, one.funds.max(0))).collect();
            self.worst = Some(taken[place].worst);
            done.push(match member {
                BatchMember::Submit(order) => self.enter(order),
                BatchMember::Cancel(cancel) => self.cancel_one(cancel),
                BatchMember::Amend(_) => false,
            });
        }
        (self.kept, self.worst) = (Vec::new(), None);
        done
    }

    /// The batch was applied before: it has new orders, and all are known.
    fn knows_all(&mut self, batch: &Batch<'_>) -> bool {
        let mut any = false;
        for member in &batch.members {
            if let BatchMember::Submit(order) = member {
                any = true;
                if !self.knows(order.account, order.id) {
                    return false;
                }
            }
        }
        any
    }

    /// What each member takes; none: one failed, and that is told.
    fn check_atomic(&mut self, batch: &Batch<'_>) -> Option<Vec<Taken>> {
        let mut taken: Vec<Taken> = Vec::new();
        let mut ended: Vec<u64> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
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
                            worst: 0,
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
        let exists = self.is_user(order.account);
        let known = self.recognise_by(order.deadline, exists, (order.account, order.id), &payload(order));
        let checked = match known {
            Ok(Known::Repeated { .. }) => return None,
            Ok(Known::New) if ids.contains(&order.id) => Err(Reason::AlreadyExists),
            Ok(Known::New) if self.ids.room() <= ids.len() => Err(Reason::IdsExhausted),
            Ok(Known::New) => self.check_terms(order).and_then(|()| {
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
                    worst: self.worst(order),
                    asset,
                    funds: self.needs(order).unwrap_or(0),
                    instrument: order.instrument,
                    side: order.side,
                    quantity: order.quantity.into(),
                    orders: 1,
                })
            }
            Err(reason) => {
                self.refuse(order, reason);
                None
            }
        }
    }
}
