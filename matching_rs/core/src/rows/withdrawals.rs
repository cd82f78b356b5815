//! Withdrawals: asked for, and settled within the same call or later.

use std::collections::BTreeMap;

use super::{Moment, Rows};
use crate::codec::Writer;
use crate::command::{CashKind, WithdrawalEnd};
use crate::event::Event;

/// How one that is not settled stands; a settled one has its end's number and one more.
const REQUESTED: u64 = 0;

#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    account: u32,
    id: &'a str,
    asset: u16,
    amount: i64,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Settled {
    end: WithdrawalEnd,
    sequence: u64,
    at: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WithdrawalRow<'a> {
    /// Of one that was asked for within the call.
    asked: Option<Asked<'a>>,
    settled: Option<Settled>,
}

/// By the sequence each was asked for at.
pub(super) type Withdrawals<'a> = BTreeMap<u64, WithdrawalRow<'a>>;

impl<'a> Rows<'a> {
    pub(super) fn withdrawal(&mut self, moment: Moment, event: &Event<'a>) {
        let Moment { sequence, at } = moment;
        match *event {
            Event::WithdrawalRequested { account, id, asset, amount, .. } => {
                let asked = Some(Asked { account, id, asset, amount, at });
                self.withdrawals.insert(sequence, WithdrawalRow { asked, settled: None });
            }
            Event::WithdrawalSettled { account, request_sequence, end, asset, amount, .. } => {
                self.withdrawals.entry(request_sequence).or_default().settled = Some(Settled { end, sequence, at });
                if end == WithdrawalEnd::Booked {
                    self.cash_moved(moment, account, CashKind::Withdrawal, asset, -amount);
                }
            }
            _ => {}
        }
    }
}

/// Write one that was asked for within the call.
pub(super) fn asked(w: &mut Writer, id: u64, row: &WithdrawalRow<'_>) {
    let Some(asked) = row.asked else { return };
    w.array(9);
    w.unsigned(id);
    w.unsigned(asked.account.into());
    w.str(asked.id);
    w.unsigned(asked.asset.into());
    w.signed(asked.amount);
    w.unsigned(row.settled.map_or(REQUESTED, |settled| settled.end as u64 + 1));
    w.unsigned(asked.at);
    w.optional(row.settled, |w, settled| w.unsigned(settled.at));
    w.unsigned(row.settled.map_or(id, |settled| settled.sequence));
}

/// Write the end of one that was asked for before.
pub(super) fn settled(w: &mut Writer, id: u64, row: &WithdrawalRow<'_>) {
    let Some(settled) = row.settled else { return };
    w.array(4);
    w.unsigned(id);
    w.unsigned(settled.end as u64 + 1);
    w.unsigned(settled.at);
    w.unsigned(settled.sequence);
}

impl WithdrawalRow<'_> {
    /// It was asked for within the call.
    pub(super) const fn is_new(&self) -> bool {
        self.asked.is_some()
    }
}
