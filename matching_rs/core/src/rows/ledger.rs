//! Double entry: every movement as legs that sum to 0 for each asset.

use super::units::{Moment, Trade, Units};
use crate::command::{CashKind, Side};
use crate::event::TradeSide;
use crate::money::account::{EXTERNAL, FEES};

const KIND_TRADE: u8 = 3;
const KIND_FEE: u8 = 4;

#[derive(Clone, Copy, Debug)]
pub(super) struct LedgerRow {
    pub(super) sequence: u64,
    pub(super) leg: u8,
    pub(super) account: u32,
    pub(super) asset: u16,
    pub(super) amount: i64,
    pub(super) kind: u8,
    pub(super) created_at: u64,
}

/// The legs of a call, in their order.
#[derive(Debug, Default)]
pub(super) struct Ledger(Vec<LedgerRow>);

impl Ledger {
    pub(super) fn rows(&self) -> impl Iterator<Item = &LedgerRow> {
        self.0.iter()
    }

    pub(super) fn cash_moved(&mut self, moment: Moment, account: u32, kind: CashKind, asset: u16, amount: i64) {
        self.leg(moment, 0, account, asset, amount, kind as u8);
        self.leg(moment, 1, EXTERNAL, asset, -amount, kind as u8);
    }

    /// At most eight legs: buyer, seller, each one's fee. A leg keeps its number when another is 0.
    pub(super) fn trade(&mut self, units: &Units, moment: Moment, trade: &Trade<'_>) {
        let Trade { quantity, notional, maker, taker, .. } = *trade;
        let (buyer, seller) = match trade.taker_side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        self.leg(moment, 0, buyer.account, units.quote, -notional, KIND_TRADE);
        self.leg(moment, 1, buyer.account, units.base, quantity, KIND_TRADE);
        self.leg(moment, 2, seller.account, units.base, -quantity, KIND_TRADE);
        self.leg(moment, 3, seller.account, units.quote, notional, KIND_TRADE);
        self.fee(moment, 4, maker, units.quote);
        self.fee(moment, 6, taker, units.quote);
    }

    fn fee(&mut self, moment: Moment, leg: u8, payer: &TradeSide, quote: u16) {
        self.leg(moment, leg, payer.account, quote, -payer.fee, KIND_FEE);
        self.leg(moment, leg + 1, FEES, quote, payer.fee, KIND_FEE);
    }

    fn leg(&mut self, moment: Moment, leg: u8, account: u32, asset: u16, amount: i64, kind: u8) {
        if amount != 0 {
            let Moment { sequence, at } = moment;
            self.0.push(LedgerRow { sequence, leg, account, asset, amount, kind, created_at: at });
        }
    }
}
