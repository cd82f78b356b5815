//! Accounts and money: opening, changing, depositing, withdrawing, limiting.

use crate::account::{EXTERNAL, FEES, Standing, TIERS};
use crate::cancel::place_of;
use crate::command::{CashKind, ChangeAccount, MoveCash, OpenAccount, SetPositionLimit, kind};
use crate::engine::Engine;
use crate::entry::Answer;
use crate::event::{Event, Sink};
use crate::ids::Seat;
use crate::instrument::Market;
use crate::reason::Reason;
use crate::shared::Shared;
use crate::submit::Known;

impl Engine {
    pub(crate) fn open_account<S: Sink>(&mut self, command: &OpenAccount<'_>, sink: &mut S) {
        let known = self.check_time(command.deadline).and_then(|()| self.shared.recognise(0, command.id));
        let words = [u64::from(kind::OPEN_ACCOUNT), command.owner, u64::from(command.group)];
        let fingerprint = self.shared.ids.fingerprint(&words);
        let seat = match known {
            Ok(Known::New(seat)) => seat,
            Ok(Known::Seen(entry)) => {
                self.shared.repeat(0, command.id, entry, fingerprint, sink);
                return;
            }
            Err(reason) => return self.reject(0, reason, kind::OPEN_ACCOUNT, command.id, sink),
        };
        self.remember(seat, fingerprint);
        let Some(account) = self.shared.accounts.open(command.owner, command.group) else {
            return self.reject(0, Reason::AmountOverflow, kind::OPEN_ACCOUNT, command.id, sink);
        };
        let event = Event::AccountOpened {
            account_sequence: self.shared.accounts.next_sequence(account),
            account,
            owner: command.owner,
            group: command.group,
            id: command.id,
        };
        self.shared.emit(&event, sink);
    }

    /// Remember an id that is no order's; its answer is the next event.
    fn remember(&mut self, seat: Seat, fingerprint: u64) {
        let entry =
            self.shared.ids.insert(seat, fingerprint, Answer { order_id: 0, sequence: self.shared.sequence + 1 });
        self.shared.ids.end(entry, self.shared.now);
    }

    pub(crate) fn change_account<S: Sink>(&mut self, command: &ChangeAccount, sink: &mut S) {
        let checked = self.check_account(command.deadline, command.account).and_then(|()| {
            let known = command.fee_tier.is_none_or(|tier| tier < TIERS);
            if known { Ok(()) } else { Err(Reason::TierInvalid) }
        });
        if let Err(reason) = checked {
            return self.reject(command.account, reason, kind::CHANGE_ACCOUNT, "", sink);
        }
        let account = self.shared.accounts.at_mut(command.account);
        let status = command.status.unwrap_or(account.standing.status());
        let killed = command.killed.unwrap_or(account.standing.killed());
        account.standing = Standing::new(status, killed);
        account.fee_tier = command.fee_tier.unwrap_or(account.fee_tier);
        account.open_orders_max = command.open_orders_max.unwrap_or(account.open_orders_max);
        account.stp = command.stp.unwrap_or(account.stp);
        let event = Event::AccountChanged {
            account_sequence: account.next_sequence(),
            account: command.account,
            status,
            killed,
            fee_tier: account.fee_tier,
            open_orders_max: account.open_orders_max,
            stp: account.stp,
        };
        self.shared.emit(&event, sink);
    }

    /// Money may be moved in and out of it: an account that trades, or the one fees are paid to.
    pub(crate) fn moves_money(&self, account: u32) -> bool {
        account == FEES || self.shared.accounts.user(account).is_some()
    }

    /// Let a money command pass that is new, and remember its id; else it is answered here.
    pub(crate) fn admit_money<S: Sink>(
        &mut self,
        account: u32,
        id: &str,
        deadline: u64,
        kind: u8,
        fingerprint: u64,
        sink: &mut S,
    ) -> bool {
        let known = self.check_time(deadline).and_then(|()| {
            if self.moves_money(account) { self.shared.recognise(account, id) } else { Err(Reason::AccountUnknown) }
        });
        match known {
            Ok(Known::New(seat)) => {
                self.remember(seat, fingerprint);
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

    pub(crate) fn set_position_limit<S: Sink>(&mut self, command: &SetPositionLimit, sink: &mut S) {
        let checked = self.check_account(command.deadline, command.account).and_then(|()| {
            if command.instrument == 0 || command.instrument as usize > self.markets.len() {
                return Err(Reason::InstrumentUnknown);
            }
            if command.limit < 0 { Err(Reason::AmountInvalid) } else { Ok(()) }
        });
        if let Err(reason) = checked {
            return self.reject(command.account, reason, kind::SET_POSITION_LIMIT, "", sink);
        }
        if command.limit > 0 {
            self.shared.count_all_open(&self.markets, command.account);
        }
        self.shared.accounts.position_mut(command.account, command.instrument).1.limit = command.limit;
        let event = Event::PositionLimitSet {
            account_sequence: self.shared.accounts.next_sequence(command.account),
            account: command.account,
            instrument: command.instrument,
            limit: command.limit,
        };
        self.shared.emit(&event, sink);
    }
}

impl Shared {
    /// Count an account's open orders in its positions, from now on: most accounts have no limit to count them for.
    fn count_all_open(&mut self, markets: &[Market], account: u32) {
        let owner = self.accounts.at_mut(account);
        if std::mem::replace(&mut owner.limited, true) {
            return;
        }
        for slot in self.pool.orders_of(account) {
            let order = *self.pool.order(slot);
            let quantity = markets[place_of(&order)].quantity(order.leaves);
            self.accounts.count_open(account, order.instrument(), order.side(), quantity);
        }
    }
}
