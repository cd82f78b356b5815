//! The venue itself: opened, a new epoch begun, stopped by its kill switch.

use crate::command::kind;
use crate::engine::{ENGINE_VERSION, Engine};
use crate::event::{Event, Sink};
use crate::reason::Reason;

impl Engine {
    pub(crate) fn open_venue<S: Sink>(&mut self, hash_key: [u8; 16], sink: &mut S) {
        if !self.shared.accounts.is_empty() {
            return self.reject(0, Reason::AlreadyExists, kind::OPEN_VENUE, "", sink);
        }
        self.shared.ids.set_hash_key(hash_key);
        for _ in 0..2 {
            self.shared.accounts.open(0, 0);
        }
        self.divide();
        self.shared.emit(&Event::VenueOpened, sink);
    }

    pub(crate) fn open_epoch<S: Sink>(&mut self, epoch: u64, sink: &mut S) {
        if epoch <= self.epoch {
            return self.reject(0, Reason::EpochStale, kind::OPEN_EPOCH, "", sink);
        }
        self.epoch = epoch;
        self.shared.emit(&Event::EpochOpened { epoch, engine_version: ENGINE_VERSION }, sink);
    }

    pub(crate) fn set_kill_switch<S: Sink>(&mut self, deadline: u64, on: bool, sink: &mut S) {
        if let Err(reason) = self.check_time(deadline) {
            return self.reject(0, reason, kind::SET_KILL_SWITCH, "", sink);
        }
        self.killed = on;
        self.shared.emit(&Event::KillSwitchSet { on }, sink);
    }
}
