//! Accounts: opened, changed, limited.

use crate::command::{ChangeAccount, OpenAccount, SetPositionLimit, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::instrument::Market;
use crate::money::account::{Standing, TIERS};
use crate::reason::Reason;
use crate::shared::{Known, Shared};

impl Engine {
    pub(crate) fn open_account<S: Sink>(&mut self, command: &OpenAccount<'_>, sink: &mut S) {
        let known = self.recognise(0, command.id, command.deadline, true);
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
        self.shared.remember(seat, 0, fingerprint);
        let Some(account) = self.shared.accounts.open(command.owner, command.group) else {
            return self.reject(0, Reason::AmountOverflow, kind::OPEN_ACCOUNT, command.id, sink);
        };
        self.divide();
        let event = Event::AccountOpened {
            account_sequence: self.shared.accounts.next_sequence(account),
            account,
            owner: command.owner,
            group: command.group,
            id: command.id,
        };
        self.shared.emit(&event, sink);
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
        for slot in self.pool.slots_of(account) {
            let order = *self.pool.order(slot);
            let quantity = markets[order.market_place()].quantity(order.leaves);
            self.accounts.count_open(account, order.instrument(), order.side(), quantity);
        }
    }
}
