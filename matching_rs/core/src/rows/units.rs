//! When an event happened, and what its prices and quantities come to.

use crate::command::Side;
use crate::event::{Event, TradeSide};

/// When an event happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) sequence: u64,
    pub(super) at: u64,
}

/// A trade and what it came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trade<'a> {
    pub(super) instrument: u32,
    pub(super) price: i64,
    pub(super) quantity: i64,
    /// Quote units.
    pub(super) notional: i64,
    pub(super) taker_side: Side,
    pub(super) maker: &'a TradeSide,
    pub(super) taker: &'a TradeSide,
}

/// How an instrument's notional is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) base: u16,
    pub(super) quote: u16,
    pub(super) multiplier: i128,
    pub(super) divisor: i128,
}

impl Units {
    /// Work out a trade; nothing if the event is none, or its notional is no whole number of units.
    pub(super) fn trade<'a>(&self, event: &'a Event<'_>) -> Option<Trade<'a>> {
        let Event::Trade { instrument, price, quantity, taker_side, ref maker, ref taker, .. } = *event else {
            return None;
        };
        let notional = self.notional(price, quantity)?;
        Some(Trade { instrument, price, quantity, notional, taker_side, maker, taker })
    }

    fn notional(&self, price: i64, quantity: i64) -> Option<i64> {
        let raw = i128::from(price).checked_mul(quantity.into())?.checked_mul(self.multiplier)?;
        if raw % self.divisor == 0 { i64::try_from(raw / self.divisor).ok() } else { None }
    }
}
