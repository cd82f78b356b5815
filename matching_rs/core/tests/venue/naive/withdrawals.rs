//! Withdrawals: a list of what is asked for and not settled.

use cift_core::command::{RequestWithdrawal, SettleWithdrawal, WithdrawalEnd, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::accounts::Known;
use super::{EXTERNAL, FEES, Naive};

#[derive(Clone, Debug)]
pub(super) struct Withdrawal {
    account: u32,
    id: String,
    asset: u16,
    amount: i64,
    sequence: u64,
}

impl Naive {
    /// Look a money command's id up; false: it is answered.
    pub(super) fn admit_money(&mut self, account: u32, id: &str, deadline: u64, kind: u8, payload: String) -> bool {
        let exists = self.opened && account == FEES || self.is_user(account);
        match self.recognise_by(deadline, exists, (account, id), &payload) {
            Err(reason) => self.reject(account, reason, kind, id),
            Ok(Known::Repeated { .. }) => {}
            Ok(Known::New) => {
                self.remember(account, id, payload);
                return true;
            }
        }
        false
    }

    pub(super) fn request_withdrawal(&mut self, request: &RequestWithdrawal<'_>) {
        let RequestWithdrawal { account, id, deadline, asset, amount } = *request;
        let payload = format!("request {asset} {amount}");
        if !self.admit_money(account, id, deadline, kind::REQUEST_WITHDRAWAL, payload) {
            return;
        }
        let open = self.withdrawals.iter().any(|one| one.account == account && one.id == id);
        let refusal = if asset == 0 || usize::from(asset) > self.assets.len() {
            Some(Reason::AssetUnknown)
        } else if amount < 1 {
            Some(Reason::AmountInvalid)
        } else if open {
            Some(Reason::AlreadyExists)
        } else if self.free(account, asset) < i128::from(amount) {
            Some(Reason::InsufficientFunds)
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.reject(account, reason, kind::REQUEST_WITHDRAWAL, id);
        }
        let sequence = self.sequence + 1;
        self.withdrawals.push(Withdrawal { account, id: id.to_string(), asset, amount, sequence });
        self.touch(account, asset);
        let account_sequence = self.next_account_sequence(account);
        self.emit(&Event::WithdrawalRequested { account_sequence, account, id, asset, amount });
    }

    pub(super) fn settle_withdrawal(&mut self, settle: &SettleWithdrawal<'_>) {
        let SettleWithdrawal { account, id, deadline, request, end } = *settle;
        let payload = format!("settle {request} {end:?}");
        if !self.admit_money(account, id, deadline, kind::SETTLE_WITHDRAWAL, payload) {
            return;
        }
        let Some(place) = self.withdrawals.iter().position(|one| one.account == account && one.id == request) else {
            return self.reject(account, Reason::WithdrawalUnknown, kind::SETTLE_WITHDRAWAL, id);
        };
        let Withdrawal { asset, amount, sequence, .. } = self.withdrawals.remove(place);
        self.touch(account, asset);
        if end == WithdrawalEnd::Booked {
            self.book(account, asset, -i128::from(amount));
            self.book(EXTERNAL, asset, amount.into());
        }
        let (account_sequence, request_sequence) = (self.next_account_sequence(account), sequence);
        self.emit(&Event::WithdrawalSettled {
            account_sequence,
            account,
            id,
            request,
            request_sequence,
            end,
            asset,
            amount,
        });
    }

    /// What an account has asked to withdraw of an asset.
    pub(super) fn requested(&self, account: u32, asset: u16) -> i128 {
        let own = self.withdrawals.iter().filter(|one| one.account == account && one.asset == asset);
        own.map(|one| i128::from(one.amount)).sum()
    }

    /// Account and id of one that is open, by its place in the order they came.
    pub fn withdrawal(&self, place: usize) -> Option<(u32, &str)> {
        let place = place.checked_rem(self.withdrawals.len())?;
        self.withdrawals.get(place).map(|one| (one.account, one.id.as_str()))
    }
}
