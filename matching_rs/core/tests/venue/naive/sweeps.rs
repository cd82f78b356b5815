//! Many orders canceled, so many at once: the rest is gone on with command by command, slot by slot.

use cift_core::command::{CancelOrders, kind};
use cift_core::event::Event;
use cift_core::reason::Reason;

use super::{Naive, Order};

/// Of different scopes an account may have so many under way.
const MOST: usize = 4;
/// Orders looked at for each that may be canceled.
const LOOKS: usize = 16;

/// A mass cancel that is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    command: CancelOrders,
    /// Later orders stay.
    until: u64,
    high: u64,
    /// Slots it goes through from here on, wrapping behind `high`.
    next: u64,
    left: u64,
}

impl Naive {
    pub(super) fn cancel_many(&mut self, cancel: &CancelOrders) {
        let command = CancelOrders { deadline: 0, ..*cancel };
        let under_way = self.sweeps.iter().filter(|one| one.command.account == cancel.account).count();
        let same = self.sweeps.iter().position(|one| one.command == command);
        let checked = self.check_time(cancel.deadline).and_then(|()| {
            if cancel.account != 0 && !self.is_user(cancel.account) {
                Err(Reason::AccountUnknown)
            } else if cancel.instrument as usize > self.instruments.len() {
                Err(Reason::InstrumentUnknown)
            } else if under_way >= MOST && same.is_none() {
                Err(Reason::MassCancelsLimit)
            } else {
                Ok(())
            }
        });
        if let Err(reason) = checked {
            return self.reject(cancel.account, reason, kind::CANCEL_ORDERS, "");
        }
        let (until, high) = (self.sequence, self.slots.high());
        if let Some(place) = same {
            let Sweep { next, .. } = self.sweeps[place];
            self.sweeps[place] = Sweep { command, until, high, next, left: high };
            return self.emit(&Event::OrdersCanceled { account: cancel.account, count: 0, more: true });
        }
        self.sweep(Sweep { command, until, high, next: 0, left: high });
    }

    pub(super) fn continue_cancels(&mut self) {
        if self.sweeps.is_empty() {
            return self.emit(&Event::OrdersCanceled { account: 0, count: 0, more: false });
        }
        let first = self.sweeps.remove(0);
        self.sweep(first);
    }

    fn sweep(&mut self, mut sweep: Sweep) {
        let cancel = sweep.command;
        let numbered = (1..).zip(&self.instruments);
        let own: Vec<(u32, &Order)> = numbered
            .flat_map(|(number, instrument)| instrument.orders.iter().map(move |order| (number, order)))
            .filter(|(_, order)| cancel.account == 0 || cancel.account == order.account)
            .collect();
        let whole = sweep.left == sweep.high;
        let (mut chosen, mut looked) = (Vec::new(), 0);
        while sweep.left > 0 && chosen.len() < self.mass_cancel_slice && looked < LOOKS * self.mass_cancel_slice {
            if whole && looked == own.len() {
                break;
            }
            let slot = sweep.next;
            sweep.next = (slot + 1) % sweep.high;
            sweep.left -= 1;
            let Some((number, order)) = own.iter().find(|(_, order)| order.id & 0xF_FFFF == slot) else { continue };
            looked += 1;
            let fits = order.id >> 20 <= sweep.until
                && (cancel.instrument == 0 || cancel.instrument == *number)
                && cancel.side.is_none_or(|side| side == order.side)
                && cancel.price_min.is_none_or(|least| order.price >= least.into())
                && cancel.price_max.is_none_or(|most| order.price <= most.into());
            if fits {
                chosen.push((order.account, order.id, *number));
            }
        }
        if whole && looked == own.len() {
            sweep.left = 0;
        }
        // By account, each one's oldest first.
        chosen.sort_unstable();
        for &(_, id, number) in &chosen {
            self.cancel(number, id, Reason::MassCancel);
        }
        let more = sweep.left > 0;
        if more {
            self.sweeps.push(sweep);
        }
        let count = u32::try_from(chosen.len()).expect("few orders");
        self.emit(&Event::OrdersCanceled { account: cancel.account, count, more });
    }
}
