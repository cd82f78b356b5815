//! The engine's door: one command in, its events out.

use crate::command::Command;
use crate::engine::Engine;
use crate::event::Sink;
use crate::orders::prefetch::Foreseen;
use crate::reason::Reason;

impl Engine {
    /// Execute a command at a time (ns since the epoch, UTC; never before the last one's); at least one event follows.
    pub fn execute<S: Sink>(&mut self, command: &Command<'_>, at: u64, sink: &mut S) {
        self.execute_foreseen(command, Foreseen::default(), at, sink);
    }

    /// Execute a command that was prefetched; `foreseen` is what `foresee` returned for this very command.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "where a caller knows the kind of command, nothing is left to look up")]
    pub fn execute_foreseen<S: Sink>(&mut self, command: &Command<'_>, foreseen: Foreseen, at: u64, sink: &mut S) {
        self.shared.now = at;
        match command {
            Command::SubmitOrder(order) => drop(self.submit_order(order, foreseen.key(), sink)),
            Command::CancelOrder(cancel) => drop(self.cancel_order(cancel, sink)),
            Command::AmendOrder(amend) => drop(self.amend_order(amend, sink)),
            Command::CancelOrders(cancel) => self.cancel_orders(cancel, sink),
            Command::Batch(batch) => self.execute_batch(batch, sink),
            Command::ContinueCancels => self.continue_cancels(sink),
            Command::OpenVenue { hash_key } => self.open_venue(*hash_key, sink),
            Command::OpenEpoch { epoch } => self.open_epoch(*epoch, sink),
            Command::OpenAccount(open) => self.open_account(open, sink),
            Command::ChangeAccount(change) => self.change_account(change, sink),
            Command::MoveCash(cash) => self.move_cash(cash, sink),
            Command::RequestWithdrawal(request) => self.request_withdrawal(request, sink),
            Command::SettleWithdrawal(settle) => self.settle_withdrawal(settle, sink),
            Command::SetPositionLimit(limit) => self.set_position_limit(limit, sink),
            Command::ListAsset(asset) => self.list_asset(asset, sink),
            Command::ListInstrument(listing) => self.list_instrument(listing, sink),
            Command::ChangeInstrument(change) => self.change_instrument(change, sink),
            Command::SetFeeTier(tier) => self.set_fee_tier(tier, sink),
            Command::SetKillSwitch { deadline, on } => self.set_kill_switch(*deadline, *on, sink),
        }
    }

    /// Answer bytes that are no command.
    pub fn refuse<S: Sink>(&mut self, reason: Reason, kind: u8, sink: &mut S) {
        self.reject(0, reason, kind, "", sink);
    }
}
