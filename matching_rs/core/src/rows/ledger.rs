//! Double entry: every movement as legs that sum to 0 for each asset.

use super::{Moment, Rows, Units};
use crate::command::{CashKind, Side};
use crate::event::{Event, TradeSide};
use crate::frame::FrameError;
use crate::{EXTERNAL, FEES};

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

impl Rows<'_> {
    pub(super) fn cash_moved(&mut self, moment: Moment, account: u32, kind: CashKind, asset: u16, amount: i64) {
        self.leg(moment, 0, account, asset, amount, kind as u8);
        self.leg(moment, 1, EXTERNAL, asset, -amount, kind as u8);
    }

    /// Two fills, and at most eight legs: buyer, seller, each one's fee. A leg keeps its number when another is 0.
    pub(super) fn trade(&mut self, units: &Units, moment: Moment, event: &Event<'_>) -> Result<(), FrameError> {
        let Event::Trade { instrument, price, quantity, taker_side, ref maker, ref taker, .. } = *event else {
            return Err(FrameError::Events);
        };
        let notional = units.notional(price, quantity).ok_or(FrameError::Events)?;
        let (buyer, seller) = match taker_side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        self.leg(moment, 0, buyer.account, units.quote, -notional, KIND_TRADE);
        self.leg(moment, 1, buyer.account, units.base, quantity, KIND_TRADE);
        self.leg(moment, 2, seller.account, units.base, -quantity, KIND_TRADE);
        self.leg(moment, 3, seller.account, units.quote, notional, KIND_TRADE);
        self.fee(moment, 4, maker, units.quote);
        self.fee(moment, 6, taker, units.quote);
        for (side, order, liquidity) in [(taker_side.opposite(), maker, 0), (taker_side, taker, 1)] {
            self.fill(moment, instrument, side, price, quantity, notional, order, liquidity);
        }
        Ok(())
    }

    fn fee(&mut self, moment: Moment, leg: u8, payer: &TradeSide, quote: u16) {
        self.leg(moment, leg, payer.account, quote, -payer.fee, KIND_FEE);
        self.leg(moment, leg + 1, FEES, quote, payer.fee, KIND_FEE);
    }

    fn leg(&mut self, moment: Moment, leg: u8, account: u32, asset: u16, amount: i64, kind: u8) {
        if amount != 0 {
            let Moment { sequence, at } = moment;
            self.ledger.push(LedgerRow { sequence, leg, account, asset, amount, kind, created_at: at });
        }
    }
}
