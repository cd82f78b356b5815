//! The commands that end orders: one, or all that fit.

use crate::command::{CancelOrder, CancelOrders, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::ids::valid::id_is_valid;
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

    pub(crate) fn cancel_orders<S: Sink>(&mut self, command: &CancelOrders, sink: &mut S) {
        if let Err(reason) = self.check_cancel_orders(command) {
            return self.reject(command.account, reason, kind::CANCEL_ORDERS, "", sink);
        }
        let mut slots = self.shared.pool.orders_of(command.account);
        slots.retain(|&slot| self.fits(slot, command));
        let count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        for slot in slots {
            let market = &mut self.markets[self.shared.pool.order(slot).market_place()];
            self.shared.cancel_aside(market, slot, Reason::MassCancel, sink);
        }
        self.shared.emit(&Event::OrdersCanceled { account: command.account, count }, sink);
    }

    fn check_cancel_orders(&self, command: &CancelOrders) -> Result<(), Reason> {
        self.check_time(command.deadline)?;
        if command.account != 0 && self.shared.accounts.user(command.account).is_none() {
            return Err(Reason::AccountUnknown);
        }
        if command.instrument as usize > self.markets.len() {
            return Err(Reason::InstrumentUnknown);
        }
        Ok(())
    }

    fn fits(&self, slot: u32, command: &CancelOrders) -> bool {
        let order = self.shared.pool.order(slot);
        let price = self.markets[order.market_place()].price(order.price);
        (command.instrument == 0 || command.instrument == order.instrument())
            && command.side.is_none_or(|side| side == order.side())
            && command.price_min.is_none_or(|least| price >= least)
            && command.price_max.is_none_or(|most| price <= most)
    }
}
