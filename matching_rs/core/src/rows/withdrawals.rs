//! Withdrawals: requested, and settled within the same call or later.

use std::collections::BTreeMap;

use crate::codec::Writer;
use crate::command::WithdrawalEnd;

/// How one that is not settled stands; a settled one has its end's number and one more.
const REQUESTED: u64 = 0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) account: u32,
    pub(super) id: &'a str,
    pub(super) asset: u16,
    pub(super) amount: i64,
    pub(super) at: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) end: WithdrawalEnd,
    pub(super) sequence: u64,
    pub(super) at: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WithdrawalRow<'a> {
    /// Of one requested within the call.
    asked: Option<Asked<'a>>,
    settled: Option<Settled>,
}

/// By the sequence each was requested at.
#[derive(Debug, Default)]
pub(super) struct Withdrawals<'a>(BTreeMap<u64, WithdrawalRow<'a>>);

impl<'a> Withdrawals<'a> {
    pub(super) fn request(&mut self, sequence: u64, asked: Asked<'a>) {
        self.0.insert(sequence, WithdrawalRow { asked: Some(asked), settled: None });
    }

    pub(super) fn settle(&mut self, request_sequence: u64, settled: Settled) {
        self.0.entry(request_sequence).or_default().settled = Some(settled);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&u64, &WithdrawalRow<'a>)> {
        self.0.iter()
    }
}

/// Write one requested within the call.
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

/// Write the end of one requested before.
pub(super) fn settled(w: &mut Writer, id: u64, row: &WithdrawalRow<'_>) {
    let Some(settled) = row.settled else { return };
    w.array(4);
    w.unsigned(id);
    w.unsigned(settled.end as u64 + 1);
    w.unsigned(settled.at);
    w.unsigned(settled.sequence);
}

impl WithdrawalRow<'_> {
    /// It was requested within the call.
    pub(super) const fn is_new(&self) -> bool {
        self.asked.is_some()
    }
}
