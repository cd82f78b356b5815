//! The rows of one call, event by event.

use std::collections::BTreeMap;

use super::ledger::Ledger;
use super::listings::Listings;
use super::orders::Orders;
use super::units::{Moment, Trade, Units};
use super::withdrawals::{Asked, Settled, Withdrawals};
use crate::command::{CashKind, SelfTradePrevention, WithdrawalEnd};
use crate::event::Event;
use crate::money::account::{EXTERNAL, FEES};

/// An account's settings as they stand after the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) status: u64,
    pub(super) killed: bool,
    pub(super) fee_tier: u8,
    pub(super) open_orders_max: u32,
    pub(super) stp: SelfTradePrevention,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AccountRow {
    /// Owner, group and time of opening, of an account opened within the call.
    pub(super) opened: Option<(u64, u32, u64)>,
    pub(super) settings: Option<Settings>,
    pub(super) sequence: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PositionRow {
    pub(super) quantity: i64,
    pub(super) cost: i64,
    pub(super) realised: i64,
    pub(super) fees: i64,
    pub(super) sequence: u64,
}

/// The rows of one call.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) orders: Orders<'a>,
    pub(super) ledger: Ledger,
    pub(super) balances: BTreeMap<(u32, u16), (i64, i64, u64)>,
    pub(super) positions: BTreeMap<(u32, u32), PositionRow>,
    pub(super) accounts: BTreeMap<u32, AccountRow>,
    pub(super) listings: Listings<'a>,
    pub(super) position_limits: BTreeMap<(u32, u32), i64>,
    pub(super) withdrawals: Withdrawals<'a>,
    pub(super) killed: Option<bool>,
    pub(super) last: Option<(u64, u64, u64)>,
}

impl<'a> Rows<'a> {
    /// Take any event that needs no units.
    pub(super) fn take(&mut self, moment: Moment, event: &Event<'a>) {
        let Moment { sequence, at } = moment;
        match *event {
            Event::VenueOpened => {
                for account in [FEES, EXTERNAL] {
                    self.account_opened(account, 0, 0, moment);
                }
                self.killed = Some(false);
            }
            Event::AccountOpened { account, owner, group, .. } => self.account_opened(account, owner, group, moment),
            Event::AccountChanged { account, status, killed, fee_tier, open_orders_max, stp, .. } => {
                let settings = Settings { status: status as u64, killed, fee_tier, open_orders_max, stp };
                let opened = self.accounts.get(&account).and_then(|row| row.opened);
                self.accounts.insert(account, AccountRow { opened, settings: Some(settings), sequence });
            }
            Event::CashMoved { account, kind, asset, amount, .. } => {
                self.ledger.cash_moved(moment, account, kind, asset, amount);
            }
            Event::WithdrawalRequested { account, id, asset, amount, .. } => {
                self.withdrawals.request(sequence, Asked { account, id, asset, amount, at });
            }
            Event::WithdrawalSettled { account, request_sequence, end, asset, amount, .. } => {
                self.withdrawals.settle(request_sequence, Settled { end, sequence, at });
                if end == WithdrawalEnd::Booked {
                    self.ledger.cash_moved(moment, account, CashKind::Withdrawal, asset, -amount);
                }
            }
            Event::BalanceChanged { account, asset, total, held, .. } => {
                self.balances.insert((account, asset), (total, held, sequence));
            }
            Event::PositionChanged { account, instrument, quantity, cost, realised, fees, .. } => {
                self.positions.insert((account, instrument), PositionRow { quantity, cost, realised, fees, sequence });
            }
            Event::PositionLimitSet { account, instrument, limit, .. } => {
                self.position_limits.insert((account, instrument), limit);
            }
            Event::KillSwitchSet { on } => self.killed = Some(on),
            Event::InstrumentChanged { .. } | Event::FeeTierSet { .. } => self.listings.take(event),
            _ => self.orders.take(sequence, at, event),
        }
    }

    /// Take a trade: its fills, what they did to both orders, and its legs.
    pub(super) fn trade(&mut self, units: &Units, moment: Moment, trade: &Trade<'_>) {
        self.ledger.trade(units, moment, trade);
        self.orders.trade(moment, trade);
    }

    fn account_opened(&mut self, account: u32, owner: u64, group: u32, moment: Moment) {
        let opened = Some((owner, group, moment.at));
        self.accounts.insert(account, AccountRow { opened, settings: None, sequence: moment.sequence });
    }
}
