//! Accounts and money movements.

use cift_core::OPEN_ORDERS_MAX_DEFAULT;
use cift_core::command::{
    AccountStatus, CashKind, ChangeAccount, MoveCash, OpenAccount, SelfTradePrevention, SetPositionLimit, kind,
};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::ids::Remembered;
use super::{Account, EXTERNAL, FIRST_USER, Naive};

impl Account {
    pub(super) fn new(group: u32) -> Self {
        Self {
            sequence: 0,
            group,
            status: AccountStatus::Active,
            killed: false,
            fee_tier: 0,
            open_orders_max: OPEN_ORDERS_MAX_DEFAULT,
            stp: SelfTradePrevention::CancelNewest,
            totals: std::collections::BTreeMap::new(),
            positions: std::collections::BTreeMap::new(),
            limits: std::collections::BTreeMap::new(),
        }
    }
}

/// What the venue knows of a command's id.
pub(super) enum Known {
    New,
    /// Told already: the answer went out.
    Repeated {
        same: bool,
    },
}

pub(super) fn id_is_valid(id: &str) -> bool {
    (1..=64).contains(&id.len()) && !id.chars().any(char::is_control) && id != "." && id != ".."
}

impl Naive {
    /// Look an id up that may come late: what was seen keeps its first answer, what was not is late.
    pub(super) fn recognise_by(
        &mut self,
        deadline: u64,
        exists: bool,
        (account, id): (u32, &str),
        payload: &str,
    ) -> Result<Known, Reason> {
        let late = deadline != 0 && deadline < self.now;
        if late && self.opened && id_is_valid(id) {
            let now = self.now;
            self.ids.expire(account, id, now);
            if self.ids.find(account, id).is_some() {
                return self.recognise(account, id, payload);
            }
        }
        self.check_time(deadline)?;
        if exists { self.recognise(account, id, payload) } else { Err(Reason::AccountUnknown) }
    }

    /// Look an id up, answer if it was seen.
    pub(super) fn recognise(&mut self, account: u32, id: &str, payload: &str) -> Result<Known, Reason> {
        if !id_is_valid(id) {
            return Err(Reason::IdInvalid);
        }
        let now = self.now;
        self.ids.expire(account, id, now);
        if let Some(first) = self.ids.find(account, id).cloned() {
            let same = first.payload == payload;
            self.emit(&Event::CommandDuplicate {
                account,
                id,
                first_sequence: first.sequence,
                order_id: first.order_id,
                same_payload: same,
            });
            return Ok(Known::Repeated { same });
        }
        if self.ids.room() > 0 { Ok(Known::New) } else { Err(Reason::IdsExhausted) }
    }

    /// What is remembered of an id, whose window has not passed.
    pub(super) fn recalled(&mut self, account: u32, id: &str) -> Option<Remembered> {
        let now = self.now;
        self.ids.expire(account, id, now);
        self.ids.find(account, id).cloned()
    }

    /// Remember an id whose command has no life of its own.
    pub(super) fn remember(&mut self, account: u32, id: &str, payload: String) {
        let (sequence, now) = (self.sequence + 1, self.now);
        self.ids.remember((account, id), payload, (sequence, 0), now);
        self.ids.end(account, id, now);
    }

    pub(super) fn open_account(&mut self, open: &OpenAccount<'_>) {
        let payload = format!("{} {}", open.owner, open.group);
        let known = self.recognise_by(open.deadline, true, (0, open.id), &payload);
        match known {
            Err(reason) => self.reject(0, reason, kind::OPEN_ACCOUNT, open.id),
            Ok(Known::Repeated { .. }) => {}
            Ok(Known::New) => {
                self.remember(0, open.id, payload);
                let account = FIRST_USER + u32::try_from(self.accounts.len()).expect("few accounts") - 2;
                self.accounts.insert(account, Account::new(open.group));
                self.ids.divide(self.accounts.len() + 1);
                let account_sequence = self.next_account_sequence(account);
                let (owner, group, id) = (open.owner, open.group, open.id);
                self.emit(&Event::AccountOpened { account_sequence, account, owner, group, id });
            }
        }
    }

    pub(super) fn change_account(&mut self, change: &ChangeAccount) {
        let checked = self.check_account(change.deadline, change.account);
        let known = change.fee_tier.is_none_or(|tier| tier < 16);
        let checked = checked.and(if known { Ok(()) } else { Err(Reason::TierInvalid) });
        if let Err(reason) = checked {
            return self.reject(change.account, reason, kind::CHANGE_ACCOUNT, "");
        }
        let account_sequence = self.next_account_sequence(change.account);
        let account = self.account_mut(change.account);
        account.status = change.status.unwrap_or(account.status);
        account.killed = change.killed.unwrap_or(account.killed);
        account.fee_tier = change.fee_tier.unwrap_or(account.fee_tier);
        account.open_orders_max = change.open_orders_max.unwrap_or(account.open_orders_max);
        account.stp = change.stp.unwrap_or(account.stp);
        let Account { status, killed, fee_tier, open_orders_max, stp, .. } = *account;
        self.emit(&Event::AccountChanged {
            account_sequence,
            account: change.account,
            status,
            killed,
            fee_tier,
            open_orders_max,
            stp,
        });
    }

    pub(super) fn move_cash(&mut self, cash: &MoveCash<'_>) {
        let payload = format!("{:?} {} {}", cash.kind, cash.asset, cash.amount);
        if !self.admit_money(cash.account, cash.id, cash.deadline, kind::MOVE_CASH, payload) {
            return;
        }
        match self.check_cash(cash) {
            Err(reason) => self.reject(cash.account, reason, kind::MOVE_CASH, cash.id),
            Ok(amount) => {
                self.book(cash.account, cash.asset, amount.into());
                self.book(EXTERNAL, cash.asset, -i128::from(amount));
                let account_sequence = self.next_account_sequence(cash.account);
                let MoveCash { account, id, kind, asset, .. } = *cash;
                self.emit(&Event::CashMoved { account_sequence, account, id, kind, asset, amount });
            }
        }
    }

    /// The amount as the account sees it.
    fn check_cash(&self, cash: &MoveCash<'_>) -> Result<i64, Reason> {
        if cash.asset == 0 || usize::from(cash.asset) > self.assets.len() {
            return Err(Reason::AssetUnknown);
        }
        let amount = match (cash.kind, cash.amount) {
            (CashKind::Withdrawal, 1..) => -cash.amount,
            (CashKind::Deposit, 1..) | (CashKind::Adjustment, i64::MIN..=-1 | 1..) => cash.amount,
            _ => return Err(Reason::AmountInvalid),
        };
        if amount < 0 && self.free(cash.account, cash.asset) + i128::from(amount) < 0 {
            return Err(Reason::InsufficientFunds);
        }
        // All there is of an asset fits a number of the wire.
        let outside = -self.total(EXTERNAL, cash.asset);
        if outside + i128::from(amount) > i128::from(i64::MAX) {
            return Err(Reason::AmountOverflow);
        }
        Ok(amount)
    }

    pub(super) fn set_position_limit(&mut self, set: &SetPositionLimit) {
        let known = (1..=self.instruments.len()).contains(&(set.instrument as usize));
        let checked = self
            .check_account(set.deadline, set.account)
            .and(if known { Ok(()) } else { Err(Reason::InstrumentUnknown) })
            .and(if set.limit >= 0 { Ok(()) } else { Err(Reason::AmountInvalid) });
        if let Err(reason) = checked {
            return self.reject(set.account, reason, kind::SET_POSITION_LIMIT, "");
        }
        self.account_mut(set.account).limits.insert(set.instrument, set.limit);
        let account_sequence = self.next_account_sequence(set.account);
        let SetPositionLimit { account, instrument, limit, .. } = *set;
        self.emit(&Event::PositionLimitSet { account_sequence, account, instrument, limit });
    }
}
