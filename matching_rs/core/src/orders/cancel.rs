//! The commands that end orders: one, or all that fit.
//!
//! Of those that fit, one command ends a slice. What is left is part of the state: `ContinueCancels`, which the writer
//! sends as long as there is something left, ends the next slice, and others get their turn between. So a mass cancel
//! that was begun is done, whatever becomes of the writer. It takes the orders that are open when it is asked for;
//! until their slice they may trade or be changed as ever.

use crate::command::{CancelOrder, CancelOrders, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::ids::valid::id_is_valid;
use crate::mass_cancel::{MASS_CANCELS_MAX, MassCancel, Scope};
use crate::reason::Reason;
use crate::shared::Outcome;

impl Engine {
    pub(crate) fn cancel_order<S: Sink>(&mut self, command: &CancelOrder<'_>, sink: &mut S) -> Outcome {
        let found = self
            .check_account(command.deadline, command.account)
            .and_then(|()| self.find_order(command).ok_or(Reason::OrderUnknown));
        match found {
            Ok(slot) => {
                let market = &mut self.markets[self.shared.pool.order(slot).market_place()];
                self.shared.cancel(market, slot, Reason::UserRequested, sink);
                Outcome::Applied
            }
            Err(reason) => {
                self.reject(command.account, reason, kind::CANCEL_ORDER, command.id, sink);
                Outcome::Refused
            }
        }
    }

    /// The open order a cancel means, if it is the account's.
    #[inline]
    pub(crate) fn find_order(&self, command: &CancelOrder<'_>) -> Option<u32> {
        let order_id = if command.order_id != 0 {
            command.order_id
        } else if id_is_valid(command.id) {
            let ids = &self.shared.ids;
            ids.get(ids.find(ids.key(command.account, command.id))?).answer().order_id
        } else {
            return None;
        };
        self.shared.own_order(command.account, order_id)
    }

    /// Begin a mass cancel with its first slice. One that is under way already is begun anew, and waits for its turn.
    pub(crate) fn cancel_orders<S: Sink>(&mut self, command: &CancelOrders, sink: &mut S) {
        let scope = Scope::of(command);
        if let Err(reason) = self.check_cancel_orders(command, scope) {
            return self.reject(command.account, reason, kind::CANCEL_ORDERS, "", sink);
        }
        let (until, high) = (self.shared.sequence, self.shared.pool.high());
        if let Some(same) = self.mass_cancels.iter_mut().find(|one| one.scope == scope) {
            same.renew(until, high);
            return self.shared.emit(&Event::OrdersCanceled { account: scope.account, count: 0, more: true }, sink);
        }
        self.cancel_slice(MassCancel::new(scope, until, high), sink);
    }

    /// Go on with the mass cancel whose turn it is.
    pub(crate) fn continue_cancels<S: Sink>(&mut self, sink: &mut S) {
        match self.mass_cancels.pop_front() {
            Some(cancel) => self.cancel_slice(cancel, sink),
            None => self.shared.emit(&Event::OrdersCanceled { account: 0, count: 0, more: false }, sink),
        }
    }

    /// Cancel the next slice; what is left waits for its turn.
    fn cancel_slice<S: Sink>(&mut self, mut cancel: MassCancel, sink: &mut S) {
        let account = cancel.scope.account;
        let open = match account {
            0 => self.shared.pool.taken(),
            _ => self.shared.accounts.at(account).open_orders,
        };
        let most = self.config.mass_cancel_slice as usize;
        let slots = cancel.slice(&self.shared.pool, &self.markets, open as usize, most);
        let count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        for slot in slots {
            let market = &mut self.markets[self.shared.pool.order(slot).market_place()];
            self.shared.cancel_aside(market, slot, Reason::MassCancel, sink);
        }
        let more = cancel.left > 0;
        if more {
            self.mass_cancels.push_back(cancel);
        }
        self.shared.emit(&Event::OrdersCanceled { account, count, more }, sink);
    }

    fn check_cancel_orders(&self, command: &CancelOrders, scope: Scope) -> Result<(), Reason> {
        self.check_time(command.deadline)?;
        if command.account != 0 && self.shared.accounts.user(command.account).is_none() {
            return Err(Reason::AccountUnknown);
        }
        if command.instrument as usize > self.markets.len() {
            return Err(Reason::InstrumentUnknown);
        }
        let own = || self.mass_cancels.iter().filter(|one| one.scope.account == scope.account);
        if own().count() >= MASS_CANCELS_MAX && own().all(|one| one.scope != scope) {
            return Err(Reason::MassCancelsLimit);
        }
        Ok(())
    }
}
