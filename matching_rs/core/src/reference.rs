//! The price the band is around: the average price of the last trades, weighted by what was traded.
//!
//! A trade moves it towards its own price by its share of the window, which is a quantity: of a window of 1,000, a trade
//! of 1 moves it by a thousandth of the distance, and one of 1,000 or more to its own price. So many small trades move it
//! as one large one does, and to move it costs what trading so much costs.

/// Bits of its fraction: many small trades, each of which moves it by less than a unit, move it all the same.
const FRACTION_BITS: u32 = 32;
const ONE: u64 = 1 << FRACTION_BITS;

/// The window is this part of the largest order,
const LARGEST_ORDER_PARTS: i64 = 100;
/// and at least so many lots.
const WINDOW_LOTS_MIN: i64 = 1_000;

/// Base units of trades the average is over.
pub(crate) fn window(quantity_max: i64, lot_size: i64) -> i64 {
    (quantity_max / LARGEST_ORDER_PARTS).max(lot_size.saturating_mul(WINDOW_LOTS_MIN))
}

/// A price with 32 bits of fraction; 0: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reference(i128);

impl Reference {
    /// A price as it was set.
    pub fn set(price: i64) -> Self {
        Self(i128::from(price.max(0)) << FRACTION_BITS)
    }

    /// The price, rounded half up; 0: there is none.
    pub fn price(self) -> i64 {
        let half = i128::from(ONE / 2);
        i64::try_from((self.0 + half) >> FRACTION_BITS).unwrap_or(i64::MAX)
    }

    /// Count a trade, of which there is as much in a window as `window`; the first one there is sets the price.
    #[inline]
    #[must_use]
    pub fn traded(self, price: i64, quantity: i64, window: i64) -> Self {
        if self.0 == 0 || quantity >= window {
            return Self::set(price);
        }
        // Both are below 2⁶³, their distance below 2⁹⁵, and the share is below 2³²: no product passes 127 bits.
        let distance = (i128::from(price) << FRACTION_BITS) - self.0;
        Self(self.0 + ((distance * i128::from(share(quantity, window))) >> FRACTION_BITS))
    }

    /// As it is saved.
    pub fn save(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// A saved one; nothing when it is out of range.
    pub fn read(bytes: [u8; 16]) -> Option<Self> {
        let saved = i128::from_le_bytes(bytes);
        (0..=i128::from(i64::MAX) << FRACTION_BITS).contains(&saved).then_some(Self(saved))
    }
}

/// A part of the window, in parts of 2³², rounded down.
#[inline]
fn share(quantity: i64, window: i64) -> u64 {
    let (quantity, window) = (quantity.unsigned_abs(), window.unsigned_abs());
    if quantity < ONE {
        // The division of 64 bits is several times as quick.
        return (quantity << FRACTION_BITS) / window;
    }
    u64::try_from((u128::from(quantity) << FRACTION_BITS) / u128::from(window)).unwrap_or(ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_moves_it_by_its_share_of_the_window() {
        let before = Reference::set(1_000_000);
        assert_eq!(before.traded(1_100_000, 1, 1_000).price(), 1_000_100);
        assert_eq!(before.traded(900_000, 250, 1_000).price(), 975_000);
        assert_eq!(before.traded(1_100_000, 1_000, 1_000).price(), 1_100_000);
        assert_eq!(before.traded(1_100_000, 5_000, 1_000).price(), 1_100_000, "never past the trade's own price");
        assert_eq!(
            Reference::default().traded(70, 1, 1_000).price(),
            70,
            "where there is none, the first is the price"
        );
    }

    #[test]
    fn many_small_trades_that_each_move_it_by_less_than_a_unit_move_it() {
        let (mut reference, mut steps) = (Reference::set(100), 0);
        while reference.price() < 105 {
            reference = reference.traded(110, 1, 1_000);
            steps += 1;
        }
        // Half of what is between 100 and 110 less a rounded half: 1 − (1 − 1/1000)ⁿ = 0.45.
        assert_eq!(steps, 598);
    }

    #[test]
    fn no_price_and_no_quantity_is_too_large() {
        for price in [1, i64::MAX] {
            for quantity in [1, 1 << 31, 1 << 32, 1 << 62, i64::MAX - 1] {
                for window in [2, 1 << 33, i64::MAX] {
                    for before in [1, i64::MAX] {
                        let after = Reference::set(before).traded(price, quantity, window);
                        let (low, high) = (before.min(price), before.max(price));
                        assert!((low..=high).contains(&after.price()), "{before} {price} {quantity} {window}");
                        assert_eq!(Reference::read(after.save()), Some(after));
                    }
                }
            }
        }
        assert_eq!(window(i64::MAX, i64::MAX), i64::MAX);
    }

    #[test]
    fn the_window_is_a_hundredth_of_the_largest_order_and_at_least_a_thousand_lots() {
        assert_eq!(window(1_000_000, 1), 10_000);
        assert_eq!(window(50, 1), 1_000);
        assert_eq!(window(50_000, 100), 100_000);
    }

    #[test]
    fn what_is_saved_is_checked() {
        assert_eq!(Reference::read((-1_i128).to_le_bytes()), None);
        assert_eq!(Reference::read((i128::from(i64::MAX) << 33).to_le_bytes()), None);
    }
}
