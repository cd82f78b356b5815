//! The journal's events as rows for the tables: what to insert, what to change.
//!
//! One call takes batches in their order and gives the net change: a row per order, balance or position however
//! often it was touched. Rows of an order that was entered within the call are whole; of an earlier one, they
//! carry increments and new values, and nil for what stays, so no earlier state is needed here. All the projector
//! remembers are the units of assets and instruments, which it learns from their listing or is told at its start.

mod ledger;
mod listings;
mod orders;
mod pack;
mod withdrawals;

use std::collections::{BTreeMap, HashMap};

use crate::codec::{Malformed, Reader, decode_event};
use crate::command::SelfTradePrevention;
use crate::event::Event;
use crate::frame::{FrameError, Parts};
use crate::{EXTERNAL, FEES};

use ledger::LedgerRow;
use listings::Listings;
use orders::{FillRow, Orders};
use withdrawals::Withdrawals;

/// One batch of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalBatch<'a> {
    /// Its number.
    pub number: u64,
    /// Its time, ns since the epoch, UTC.
    pub at: u64,
    /// Its sections of events.
    pub events: &'a [u8],
}

/// How an instrument's notional is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Units {
    base: u16,
    quote: u16,
    multiplier: i128,
    divisor: i128,
}

impl Units {
    fn notional(&self, price: i64, quantity: i64) -> Option<i64> {
        let raw = i128::from(price).checked_mul(quantity.into())?.checked_mul(self.multiplier)?;
        if raw % self.divisor == 0 { i64::try_from(raw / self.divisor).ok() } else { None }
    }
}

/// Turns journal batches into rows.
#[derive(Clone, Debug, Default)]
pub struct Projector {
    scales: HashMap<u16, u8>,
    units: HashMap<u32, Units>,
}

impl Projector {
    /// Make a projector that knows no instrument.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tell an asset listed before: its decimals.
    pub fn learn_asset(&mut self, asset: u16, scale: u8) {
        self.scales.insert(asset, scale);
    }

    /// Tell an instrument listed before; its assets are known.
    ///
    /// # Errors
    /// `FrameError::Events` when one of its assets is not.
    pub fn learn_instrument(
        &mut self,
        instrument: u32,
        base: u16,
        quote: u16,
        price_scale: u8,
    ) -> Result<(), FrameError> {
        let scale = |asset| self.scales.get(&asset).copied().map(i32::from).ok_or(FrameError::Events);
        let exponent = scale(quote)? - i32::from(price_scale) - scale(base)?;
        let power = |exponent: i32| u32::try_from(exponent).ok().map_or(Some(1), |e| 10_i128.checked_pow(e));
        let multiplier = power(exponent).ok_or(FrameError::Events)?;
        let divisor = power(-exponent).ok_or(FrameError::Events)?;
        self.units.insert(instrument, Units { base, quote, multiplier, divisor });
        Ok(())
    }

    /// Give the rows of some batches as MessagePack; the layout stands at `Rows::pack`.
    ///
    /// # Errors
    /// `FrameError::Events` when the bytes are not events, or name an instrument that is not known.
    pub fn pack(&mut self, batches: &[JournalBatch<'_>]) -> Result<Vec<u8>, FrameError> {
        let mut rows = Rows::default();
        for batch in batches {
            rows.last = Some((batch.number, rows.last.map_or(0, |last| last.1), batch.at));
            for section in Parts::new(batch.events) {
                let mut reader = Reader::new(section.map_err(|_| FrameError::Events)?);
                while !reader.rest().is_empty() {
                    let (sequence, event) = decode_event(&mut reader).map_err(|Malformed| FrameError::Events)?;
                    rows.last = Some((batch.number, sequence, batch.at));
                    self.take(&mut rows, Moment { sequence, at: batch.at }, &event)?;
                }
            }
        }
        Ok(rows.pack())
    }

    fn take<'a>(&mut self, rows: &mut Rows<'a>, moment: Moment, event: &Event<'a>) -> Result<(), FrameError> {
        match *event {
            Event::Trade { instrument, .. } => {
                let units = *self.units.get(&instrument).ok_or(FrameError::Events)?;
                rows.trade(&units, moment, event)
            }
            Event::AssetListed { asset, scale, .. } => {
                self.learn_asset(asset, scale);
                rows.listings.take(event);
                Ok(())
            }
            Event::InstrumentListed { instrument, ref terms, .. } => {
                self.learn_instrument(instrument, terms.base, terms.quote, terms.price_scale)?;
                rows.listings.take(event);
                Ok(())
            }
            _ => {
                rows.take(moment, event);
                Ok(())
            }
        }
    }
}

/// When an event happened.
#[derive(Clone, Copy, Debug)]
struct Moment {
    sequence: u64,
    at: u64,
}

/// An account's settings as they stand after the call.
#[derive(Clone, Copy, Debug)]
struct Settings {
    status: u64,
    killed: bool,
    fee_tier: u8,
    open_orders_max: u32,
    stp: SelfTradePrevention,
}

#[derive(Clone, Copy, Debug)]
struct AccountRow {
    /// Owner, group and time of opening, of an account opened within the call.
    opened: Option<(u64, u32, u64)>,
    settings: Option<Settings>,
    sequence: u64,
}

#[derive(Clone, Copy, Debug)]
struct PositionRow {
    quantity: i64,
    cost: i64,
    realised: i64,
    fees: i64,
    sequence: u64,
}

/// The rows of one call.
#[derive(Debug, Default)]
struct Rows<'a> {
    orders: Orders<'a>,
    fills: Vec<FillRow>,
    ledger: Vec<LedgerRow>,
    balances: BTreeMap<(u32, u16), (i64, i64, u64)>,
    positions: BTreeMap<(u32, u32), PositionRow>,
    accounts: BTreeMap<u32, AccountRow>,
    listings: Listings<'a>,
    position_limits: BTreeMap<(u32, u32), i64>,
    withdrawals: Withdrawals<'a>,
    killed: Option<bool>,
    last: Option<(u64, u64, u64)>,
}

impl<'a> Rows<'a> {
    /// Take any event that needs no units.
    fn take(&mut self, moment: Moment, event: &Event<'a>) {
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
                self.cash_moved(moment, account, kind, asset, amount);
            }
            Event::WithdrawalRequested { .. } | Event::WithdrawalSettled { .. } => self.withdrawal(moment, event),
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

    fn account_opened(&mut self, account: u32, owner: u64, group: u32, moment: Moment) {
        let opened = Some((owner, group, moment.at));
        self.accounts.insert(account, AccountRow { opened, settings: None, sequence: moment.sequence });
    }
}
