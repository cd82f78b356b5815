//! Withdrawals that are asked for and not settled yet: each holds its amount until it is booked or released.
//!
//! One is named by its account and the id it was asked for under. It outlives that id's window, so the id cannot be
//! used for a second one while the first is open.

use std::collections::BTreeMap;

use crate::account::EXTERNAL;
use crate::command::{RequestWithdrawal, SettleWithdrawal, WithdrawalEnd, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::reason::Reason;
use crate::submit::id_is_valid;
use crate::wire::{Reader, Writer};

/// The most a shard may have open: they are decided by people.
pub(crate) const WITHDRAWALS_MAX: usize = 65_536;

/// Least bytes of one in a snapshot.
const SAVED_BYTES_MIN: usize = 24;

/// What one takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// Of what.
    pub asset: u16,
    /// Smallest units, > 0.
    pub amount: i64,
    /// Of the event it began with.
    pub sequence: u64,
}

/// All that are open, by account and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withdrawals(BTreeMap<(u32, Box<str>), Withdrawal>);

impl Withdrawals {
    /// Every one with its account and id, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, Withdrawal)> {
        self.0.iter().map(|((account, id), withdrawal)| (*account, &**id, *withdrawal))
    }

    /// Those of one account.
    pub fn of(&self, account: u32) -> impl Iterator<Item = (&str, Withdrawal)> {
        let from = (account, Box::from(""));
        let own = self.0.range(from..).take_while(move |((owner, _), _)| *owner == account);
        own.map(|((_, id), withdrawal)| (&**id, *withdrawal))
    }

    pub fn write(&self, w: &mut Writer) {
        w.count(self.0.len());
        for (account, id, withdrawal) in self.iter() {
            w.u32(account);
            w.text(id);
            w.u16(withdrawal.asset);
            w.i64(withdrawal.amount);
            w.u64(withdrawal.sequence);
        }
    }
}

impl Engine {
    pub(crate) fn request_withdrawal<S: Sink>(&mut self, command: &RequestWithdrawal<'_>, sink: &mut S) {
        let RequestWithdrawal { account, id, deadline, asset, amount } = *command;
        let words = [u64::from(kind::REQUEST_WITHDRAWAL) << 56 | u64::from(asset), amount.cast_unsigned()];
        let fingerprint = self.shared.ids.fingerprint(&words);
        if !self.admit_money(account, id, deadline, kind::REQUEST_WITHDRAWAL, fingerprint, sink) {
            return;
        }
        if let Err(reason) = self.check_withdrawal(command) {
            return self.reject(account, reason, kind::REQUEST_WITHDRAWAL, id, sink);
        }
        self.shared.accounts.balance_mut(account, asset).held += amount;
        let sequence = self.shared.sequence + 1;
        self.withdrawals.0.insert((account, id.into()), Withdrawal { asset, amount, sequence });
        let account_sequence = self.shared.accounts.next_sequence(account);
        self.shared.emit(&Event::WithdrawalRequested { account_sequence, account, id, asset, amount }, sink);
    }

    fn check_withdrawal(&self, command: &RequestWithdrawal<'_>) -> Result<(), Reason> {
        if command.asset == 0 || usize::from(command.asset) > self.assets.len() {
            return Err(Reason::AssetUnknown);
        }
        if command.amount <= 0 {
            return Err(Reason::AmountInvalid);
        }
        if self.withdrawals.0.contains_key(&(command.account, command.id.into())) {
            return Err(Reason::AlreadyExists);
        }
        if self.withdrawals.0.len() >= WITHDRAWALS_MAX {
            return Err(Reason::WithdrawalsLimit);
        }
        let accounts = &self.shared.accounts;
        let free = accounts.balance(accounts.at(command.account), command.asset).free();
        if command.amount > free { Err(Reason::InsufficientFunds) } else { Ok(()) }
    }

    pub(crate) fn settle_withdrawal<S: Sink>(&mut self, command: &SettleWithdrawal<'_>, sink: &mut S) {
        let SettleWithdrawal { account, id, deadline, request, end } = *command;
        let named = self.shared.ids.key(account, request).words().map(u64::from);
        let head = u64::from(kind::SETTLE_WITHDRAWAL) << 56 | end as u64;
        let fingerprint = self.shared.ids.fingerprint(&[head, named[0], named[1], named[2]]);
        if !self.admit_money(account, id, deadline, kind::SETTLE_WITHDRAWAL, fingerprint, sink) {
            return;
        }
        let Some(Withdrawal { asset, amount, sequence }) = self.withdrawals.0.remove(&(account, request.into())) else {
            return self.reject(account, Reason::WithdrawalUnknown, kind::SETTLE_WITHDRAWAL, id, sink);
        };
        self.shared.accounts.balance_mut(account, asset).held -= amount;
        if end == WithdrawalEnd::Booked {
            self.shared.accounts.balance_mut(account, asset).total -= amount;
            self.shared.accounts.balance_mut(EXTERNAL, asset).total += amount;
        }
        let event = Event::WithdrawalSettled {
            account_sequence: self.shared.accounts.next_sequence(account),
            account,
            id,
            request,
            request_sequence: sequence,
            end,
            asset,
            amount,
        };
        self.shared.emit(&event, sink);
    }

    /// Read those of a snapshot; accounts, balances and orders are read already.
    pub(crate) fn read_withdrawals(&mut self, r: &mut Reader<'_>) -> Option<()> {
        let count = r.count(SAVED_BYTES_MIN).filter(|&count| count <= WITHDRAWALS_MAX)?;
        for _ in 0..count {
            let (account, id, asset) = (r.u32()?, r.text()?, r.u16()?);
            let amount = r.i64().filter(|&amount| amount > 0)?;
            let sequence = r.u64().filter(|sequence| (1..=self.shared.sequence).contains(sequence))?;
            let key = (account, Box::from(id));
            let rising = self.withdrawals.0.last_key_value().is_none_or(|(last, _)| *last < key);
            let listed = asset > 0 && usize::from(asset) <= self.assets.len();
            if !rising || !listed || !id_is_valid(id) || !self.moves_money(account) {
                return None;
            }
            let balance = self.shared.accounts.balance_mut(account, asset);
            balance.held = balance.held.checked_add(amount)?;
            self.withdrawals.0.insert(key, Withdrawal { asset, amount, sequence });
        }
        Some(())
    }
}
