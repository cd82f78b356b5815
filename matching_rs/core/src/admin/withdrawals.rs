//! Withdrawals: requested, then booked or released.

use crate::command::{RequestWithdrawal, SettleWithdrawal, WithdrawalEnd, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::money::account::EXTERNAL;
use crate::money::withdrawals::Withdrawal;
use crate::reason::Reason;

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
        self.withdrawals.insert(account, id, Withdrawal { asset, amount, sequence });
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
        if self.withdrawals.contains(command.account, command.id) {
            return Err(Reason::AlreadyExists);
        }
        if !self.withdrawals.has_room(command.account) {
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
        let Some(Withdrawal { asset, amount, sequence }) = self.withdrawals.remove(account, request) else {
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
}
