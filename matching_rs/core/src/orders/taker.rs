//! The incoming order while it walks the book.

use crate::command::{SelfTradePrevention, Side};
use crate::money::fees::{Rates, Traded, lots_affordable};
use crate::reason::Reason;

/// What, besides its lots, ends an incoming order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Nothing.
    Lots,
    /// Quote units it may spend, fees included: a market buy by quantity.
    Budget(i64),
    /// Quote units it is for: spent with fees by a buy, taken in before fees by a sell.
    Quote(i64),
}

/// Why the walk stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing is left of the order.
    Done,
    /// Nobody is left on the other side within its limit.
    Uncrossed,
    /// The order must end.
    End(Reason),
}

/// An order that takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub order_id: u64,
    pub account: u32,
    /// The account's self-trade group; 0: itself alone.
    pub group: u32,
    pub side: Side,
    pub stp: SelfTradePrevention,
    /// Worst price, ticks.
    pub limit: i64,
    /// Lots left; by quote amount: the most it can still get or give.
    pub leaves: i64,
    pub bound: Bound,
    /// Why an order by quote amount ends when `leaves` does.
    pub leaves_reason: Reason,
    /// Lots traded.
    pub filled: i64,
    pub traded: Traded,
    pub rates: Rates,
    /// Fee charged so far, quote units.
    pub fee_total: i64,
    /// What its trades moved and is not settled yet: base units, quote units, fees of both sides.
    pub moved: Moved,
}

/// What trades move of the one who takes; settled in one when the walk stops.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    pub base: i64,
    pub quote: i64,
    pub fees: i64,
}

impl Taker {
    /// Nothing is left to do.
    #[inline]
    pub fn is_done(&self) -> bool {
        match self.bound {
            Bound::Quote(left) => left == 0,
            Bound::Lots | Bound::Budget(_) => self.leaves == 0,
        }
    }

    /// What is left, in the units the order was given in; `lot_size` base units a lot.
    #[inline]
    pub fn left(&self, lot_size: i64) -> i64 {
        match self.bound {
            Bound::Quote(left) => left,
            Bound::Lots | Bound::Budget(_) => self.leaves.saturating_mul(lot_size),
        }
    }

    /// Lots it takes of `most` at `lot_price` quote units a lot; an error says why none.
    #[inline]
    pub fn wanted(&self, most: i64, lot_price: i64) -> Result<i64, Reason> {
        let most = most.min(self.leaves);
        let lots = match (self.bound, self.side) {
            (Bound::Lots, _) => return Ok(most),
            (Bound::Quote(_), _) if most == 0 => return Err(self.leaves_reason),
            (Bound::Budget(left) | Bound::Quote(left), Side::Buy) => {
                lots_affordable(left, lot_price, most, self.traded, self.rates)
            }
            (Bound::Budget(left) | Bound::Quote(left), Side::Sell) => most.min(left / lot_price.max(1)),
        };
        if lots > 0 {
            return Ok(lots);
        }
        Err(match self.bound {
            Bound::Quote(_) if self.filled > 0 => Reason::QuoteRemainder,
            // The whole amount was free when the order was accepted: it is the amount that buys or takes in no lot.
            Bound::Quote(_) => Reason::QuantityBelowLot,
            Bound::Budget(_) | Bound::Lots => Reason::FundsExhausted,
        })
    }

    /// Count a fill; nothing, and no change, when a sum would pass 63 bits. Returns the fee of the fill.
    #[inline]
    pub fn fill(&mut self, lots: i64, notional: i64) -> Option<i64> {
        let traded = self.traded.plus(notional, true)?;
        let fee_total = traded.fee(self.rates);
        let fee = fee_total - self.fee_total;
        self.traded = traded;
        self.fee_total = fee_total;
        self.filled += lots;
        self.leaves -= lots;
        let spent = if self.side == Side::Buy { notional + fee } else { notional };
        match &mut self.bound {
            Bound::Lots => {}
            Bound::Budget(left) | Bound::Quote(left) => *left -= spent,
        }
        Some(fee)
    }
}
