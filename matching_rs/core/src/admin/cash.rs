//! Cash: deposited, withdrawn, adjusted.

use crate::command::{CashKind, MoveCash, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::money::account::EXTERNAL;
use crate::reason::Reason;
use crate::shared::Known;

impl Engine {
    /// Admit a money command that is new, and remember its id; one that is not is answered here.
    pub(crate) fn admit_money<S: Sink>(
        &mut self,
        account: u32,
        id: &str,
        deadline: u64,
        kind: u8,
        fingerprint: u64,
        sink: &mut S,
    ) -> bool {
        let is_there = self.shared.accounts.moves_money(account);
        match self.recognise(account, id, deadline, is_there) {
            Ok(Known::New(seat)) => {
                self.shared.remember(seat, account, fingerprint);
                return true;
            }
            Ok(Known::Seen(entry)) => drop(self.shared.repeat(account, id, entry, fingerprint, sink)),
            Err(reason) => self.reject(account, reason, kind, id, sink),
        }
        false
    }

    pub(crate) fn move_cash<S: Sink>(&mut self, command: &MoveCash<'_>, sink: &mut S) {
        let small = u64::from(kind::MOVE_CASH) << 56 | (command.kind as u64) << 16 | u64::from(command.asset);
        let fingerprint = self.shared.ids.fingerprint(&[small, command.amount.cast_unsigned()]);
        if !self.admit_money(command.account, command.id, command.deadline, kind::MOVE_CASH, fingerprint, sink) {
            return;
        }
        let amount = match self.check_cash(command) {
            Ok(amount) => amount,
            Err(reason) => return self.reject(command.account, reason, kind::MOVE_CASH, command.id, sink),
        };
        self.shared.accounts.balance_mut(command.account, command.asset).total += amount;
        self.shared.accounts.balance_mut(EXTERNAL, command.asset).total -= amount;
        let event = Event::CashMoved {
            account_sequence: self.shared.accounts.next_sequence(command.account),
            account: command.account,
            id: command.id,
            kind: command.kind,
            asset: command.asset,
            amount,
        };
        self.shared.emit(&event, sink);
    }

    /// The signed amount a movement adds to the account.
    fn check_cash(&self, command: &MoveCash<'_>) -> Result<i64, Reason> {
        if command.asset == 0 || usize::from(command.asset) > self.assets.len() {
            return Err(Reason::AssetUnknown);
        }
        let amount = match command.kind {
            CashKind::Deposit if command.amount > 0 => command.amount,
            CashKind::Withdrawal if command.amount > 0 => -command.amount,
            CashKind::Adjustment if command.amount != 0 => command.amount,
            _ => return Err(Reason::AmountInvalid),
        };
        let accounts = &self.shared.accounts;
        let free = accounts.balance(accounts.at(command.account), command.asset).free();
        if amount < 0 && amount.checked_add(free).is_none_or(|left| left < 0) {
            return Err(Reason::InsufficientFunds);
        }
        // All accounts have together what the outside world is short of: bounded here, no trade can overflow.
        let supply = accounts.balance(accounts.at(EXTERNAL), command.asset).total.unsigned_abs();
        if amount > 0 && supply + amount.unsigned_abs() > i64::MAX.unsigned_abs() {
            return Err(Reason::AmountOverflow);
        }
        Ok(amount)
    }
}
