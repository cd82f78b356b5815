//! An open order and what it is made of.

use crate::bits::low32;
use crate::command::{SelfTradePrevention, Side};
use crate::money::fees::{Rates, Traded};

/// An open order: a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
#[allow(clippy::struct_field_names, reason = "an order id is the field's name for it, and `id` is the client's")]
pub struct Order {
    /// Its id; 0: the slot is free.
    pub order_id: u64,
    /// Ticks.
    pub price: i64,
    /// Lots still open.
    pub leaves: i64,
    /// Lots it was for, last amended.
    pub quantity: i64,
    /// Notional traded.
    pub traded: Traded,
    /// Whose.
    pub account: u32,
    /// Instrument, and in the lowest bits the post-only flag and the side.
    book: u32,
    /// Entry in the id table, self-trade mode, rates.
    terms: u64,
}

const _: () = assert!(size_of::<Order>() == 64);

/// Instruments are numbered below this: an order keeps the number beside two bits.
pub const INSTRUMENTS_MAX: u32 = 1 << 30;

const RATE_BITS: u32 = 20;
const RATE_MASK: u64 = (1 << RATE_BITS) - 1;
const STP_SHIFT: u32 = 2 * RATE_BITS;
const ID_SHIFT: u32 = STP_SHIFT + 2;

impl Order {
    /// Bid or offer.
    #[must_use]
    #[inline]
    pub const fn side(&self) -> Side {
        if self.book & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    /// Of which instrument.
    #[must_use]
    #[inline]
    pub const fn instrument(&self) -> u32 {
        self.book >> 2
    }

    /// The place of its instrument among the markets.
    #[must_use]
    #[inline]
    pub const fn market_place(&self) -> usize {
        self.instrument() as usize - 1
    }

    /// It never takes.
    #[must_use]
    pub const fn post_only(&self) -> bool {
        self.book & 2 != 0
    }

    /// Its entry in the id table.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> u32 {
        low32(self.terms >> ID_SHIFT)
    }

    /// The rates it was accepted with.
    #[must_use]
    #[inline]
    pub const fn rates(&self) -> Rates {
        Rates { maker: low32(self.terms & RATE_MASK), taker: low32(self.terms >> RATE_BITS & RATE_MASK) }
    }

    /// What it does when it meets its own group.
    #[must_use]
    pub const fn stp(&self) -> SelfTradePrevention {
        match self.terms >> STP_SHIFT & 3 {
            1 => SelfTradePrevention::CancelOldest,
            2 => SelfTradePrevention::CancelBoth,
            3 => SelfTradePrevention::Decrement,
            _ => SelfTradePrevention::CancelNewest,
        }
    }
}

/// What an order is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewOrder {
    /// Its id.
    pub order_id: u64,
    /// Whose.
    pub account: u32,
    /// Of which instrument.
    pub instrument: u32,
    /// Bid or offer.
    pub side: Side,
    /// It never takes.
    pub post_only: bool,
    /// What it does when it meets its own group.
    pub stp: SelfTradePrevention,
    /// Each at most `RATE_MAX`.
    pub rates: Rates,
    /// Ticks.
    pub price: i64,
    /// Lots it is for.
    pub quantity: i64,
    /// Lots still open.
    pub leaves: i64,
    /// Notional traded.
    pub traded: Traded,
    /// Entry in the id table.
    pub id: u32,
}

impl NewOrder {
    #[inline]
    pub(crate) fn pack(&self) -> Order {
        let terms = u64::from(self.id) << ID_SHIFT
            | (self.stp as u64 - 1) << STP_SHIFT
            | u64::from(self.rates.taker) << RATE_BITS
            | u64::from(self.rates.maker);
        Order {
            order_id: self.order_id,
            price: self.price,
            leaves: self.leaves,
            quantity: self.quantity,
            traded: self.traded,
            account: self.account,
            book: self.instrument << 2 | u32::from(self.post_only) << 1 | self.side as u32,
            terms,
        }
    }
}

/// What a free slot holds.
pub(crate) const EMPTY: Order = Order {
    order_id: 0,
    price: 0,
    leaves: 0,
    quantity: 0,
    traded: Traded { filled: 0, taken: 0 },
    account: 0,
    book: 0,
    terms: 0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_survive_packing() {
        use SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement};
        let rates = Rates { maker: 1_000_000, taker: 999_999 };
        for stp in [CancelNewest, CancelOldest, CancelBoth, Decrement] {
            for (side, post_only, id) in [(Side::Buy, true, 1), (Side::Sell, false, (1 << 22) - 1)] {
                let new = NewOrder {
                    order_id: 1,
                    account: 3,
                    instrument: INSTRUMENTS_MAX - 1,
                    side,
                    post_only,
                    stp,
                    rates,
                    price: 1,
                    quantity: 1,
                    leaves: 1,
                    traded: Traded::default(),
                    id,
                };
                let order = new.pack();
                assert_eq!((order.rates(), order.post_only(), order.stp()), (rates, post_only, stp));
                assert_eq!((order.side(), order.instrument(), order.id()), (side, INSTRUMENTS_MAX - 1, id));
            }
        }
    }
}
