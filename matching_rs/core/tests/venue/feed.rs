//! A client's book, kept from the public feed alone.

use std::collections::BTreeMap;

use cift_core::BookView;
use cift_core::codec::{Malformed, Reader};

/// Price → quantity, orders.
type Levels = BTreeMap<i64, (i64, u64)>;

#[derive(Debug, Default)]
pub struct Book {
    sequence: u64,
    bids: Levels,
    asks: Levels,
}

impl Book {
    /// Take one block; it must name the one before.
    pub fn update(&mut self, block: &[u8]) {
        self.read(&mut Reader::new(block)).expect("a book's block");
    }

    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), Malformed> {
        assert_eq!(r.array()?, 11);
        let (_number, _at, _instrument) = (r.unsigned()?, r.unsigned()?, r.unsigned()?);
        assert_eq!(r.unsigned()?, self.sequence, "no gap passes unseen");
        self.sequence = r.unsigned()?;
        for side in [&mut self.bids, &mut self.asks] {
            for _ in 0..r.array()? {
                assert_eq!(r.array()?, 3);
                let (price, quantity, orders) = (r.signed()?, r.signed()?, r.unsigned()?);
                assert_eq!(quantity == 0, orders == 0, "a level without orders is gone");
                if quantity == 0 {
                    side.remove(&price);
                } else {
                    side.insert(price, (quantity, orders));
                }
            }
        }
        for best in [self.bids.last_key_value(), self.asks.first_key_value()] {
            let told = r.optional(|r| {
                assert_eq!(r.array()?, 2);
                Ok((r.signed()?, r.signed()?))
            })?;
            assert_eq!(told, best.map(|(&price, &(quantity, _))| (price, quantity)), "best bid or offer");
        }
        for _ in 0..r.array()? {
            assert_eq!(r.array()?, 4);
            let (_trade_id, price, quantity, side) = (r.unsigned()?, r.signed()?, r.signed()?, r.unsigned()?);
            assert!(price > 0 && quantity > 0 && side < 2);
        }
        assert!(r.unsigned()? < 3, "a status");
        r.end()
    }

    pub fn equals(&self, view: &BookView) -> bool {
        let told = |levels: &[cift_core::Level]| -> Levels {
            levels.iter().map(|level| (level.price, (level.quantity, u64::from(level.orders)))).collect()
        };
        self.sequence == view.instrument_sequence && self.bids == told(&view.bids) && self.asks == told(&view.asks)
    }
}
