//! What a trade costs and what an order holds: checked integers, rounding as the rulebook says.
//!
//! An order's whole fee is its fee numerator (notional × rate, in millionths) rounded half up; a fill is charged
//! the whole fee so far less what was charged before, so many small fills cost what one large one does.
//! A hold rounds up, and carries what rounding half up has already taken or still owes: so a fill never takes
//! more from the total than its hold gives back, to the last unit.

/// Rates are parts of this.
pub const PPM: u64 = 1_000_000;

/// Below this a notional times a rate, twice, fits 64 bits: the usual case, kept free of 128-bit division.
const SMALL: u64 = 1 << 43;

/// The highest fee rate, ppm.
pub const RATE_MAX: u32 = 1_000_000;

/// Fee rates of one order, fixed when it is accepted, in ppm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// For what it adds.
    pub maker: u32,
    /// For what it takes.
    pub taker: u32,
}

impl Rates {
    /// The higher one: what a hold must cover.
    #[must_use]
    pub const fn highest(self) -> u32 {
        if self.maker > self.taker { self.maker } else { self.taker }
    }
}

/// What one order has traded so far, quote units; neither is negative, `taken` ≤ `filled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    /// Notional of all fills.
    pub filled: i64,
    /// Of this, as taker.
    pub taken: i64,
}

impl Traded {
    /// The fee of the order so far, rounded half up.
    #[must_use]
    #[inline]
    pub fn fee(self, rates: Rates) -> i64 {
        let filled = self.filled.unsigned_abs();
        let taken = self.taken.unsigned_abs().min(filled);
        if filled == 0 {
            return 0;
        }
        if filled < SMALL {
            let numerator = taken * u64::from(rates.taker) + (filled - taken) * u64::from(rates.maker);
            return ((numerator + PPM / 2) / PPM).cast_signed();
        }
        let numerator = wide_numerator(filled, taken, rates);
        narrow((numerator + u128::from(PPM / 2)) / u128::from(PPM))
    }

    /// What a buy holds for `notional` still open, or nothing if it passes 63 bits.
    #[must_use]
    #[inline]
    pub fn hold(self, notional: i64, rates: Rates) -> Option<i64> {
        let (open, filled) = (notional.unsigned_abs(), self.filled.unsigned_abs());
        let highest = u64::from(rates.highest());
        if filled == 0 && open < SMALL {
            return Some((open + (open * highest).div_ceil(PPM)).cast_signed());
        }
        self.hold_of_traded(open, rates)
    }

    fn hold_of_traded(self, open: u64, rates: Rates) -> Option<i64> {
        // What has ended holds nothing, whichever way its fees were rounded.
        if open == 0 {
            return Some(0);
        }
        let filled = self.filled.unsigned_abs();
        let taken = self.taken.unsigned_abs().min(filled);
        let highest = u64::from(rates.highest());
        if open < SMALL && filled < SMALL {
            let numerator = taken * u64::from(rates.taker) + (filled - taken) * u64::from(rates.maker);
            let charged = (numerator + PPM / 2) / PPM;
            let whole = (numerator + open * highest).div_ceil(PPM);
            return Some((open + whole).cast_signed() - charged.cast_signed());
        }
        let numerator = wide_numerator(filled, taken, rates);
        let charged = (numerator + u128::from(PPM / 2)) / u128::from(PPM);
        let whole = (numerator + u128::from(open) * u128::from(highest)).div_ceil(u128::from(PPM));
        i64::try_from((u128::from(open) + whole).checked_sub(charged)?).ok()
    }

    /// The same after one more fill, or nothing if the sum passes 63 bits.
    #[must_use]
    #[inline]
    pub fn plus(self, notional: i64, as_taker: bool) -> Option<Self> {
        let filled = self.filled.checked_add(notional)?;
        let taken = if as_taker { self.taken.checked_add(notional)? } else { self.taken };
        Some(Self { filled, taken })
    }
}

fn wide_numerator(filled: u64, taken: u64, rates: Rates) -> u128 {
    u128::from(taken) * u128::from(rates.taker) + u128::from(filled - taken) * u128::from(rates.maker)
}

fn narrow(value: u128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The most lots a buyer can pay from `amount`, fee included, at `lot_price` quote units a lot; at most `most`.
///
/// `most × lot_price` must fit 63 bits. The fee is that of the fill: it depends on what was traded before.
#[must_use]
pub fn lots_affordable(amount: i64, lot_price: i64, most: i64, traded: Traded, rates: Rates) -> i64 {
    if amount <= 0 || lot_price <= 0 || most <= 0 {
        return 0;
    }
    let most = most.min((i64::MAX - traded.filled) / lot_price);
    let cost = |lots: i64| -> Option<i64> {
        let notional = lots.checked_mul(lot_price)?;
        let fee = traded.plus(notional, true)?.fee(rates) - traded.fee(rates);
        notional.checked_add(fee)
    };
    let fits = |lots: i64| cost(lots).is_some_and(|cost| cost <= amount);
    if fits(most) {
        return most;
    }
    let unit = i128::from(lot_price) * (i128::from(PPM) + i128::from(rates.taker));
    let estimate = i128::from(amount) * i128::from(PPM) / unit;
    let mut lots = i64::try_from(estimate).unwrap_or(most).min(most);
    // The estimate ignores the rounding of the fee, so it is off by a lot or two at most.
    while lots > 0 && !fits(lots) {
        lots -= 1;
    }
    while lots < most && fits(lots + 1) {
        lots += 1;
    }
    lots
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates { maker: 1_000, taker: 2_500 };

    #[test]
    fn many_small_fills_cost_what_one_large_one_does() {
        let mut traded = Traded::default();
        let mut charged = 0;
        for _ in 0..1_000 {
            let next = traded.plus(7, true).unwrap();
            charged += next.fee(RATES) - traded.fee(RATES);
            traded = next;
        }
        assert_eq!(charged, Traded { filled: 7_000, taken: 7_000 }.fee(RATES));
        assert_eq!(charged, 18, "17.5 rounds half up");
    }

    #[test]
    fn a_fill_never_takes_more_than_its_hold_gives_back() {
        for rate in [1, 500, 250_000, 333_333, 500_000, 999_999, 1_000_000] {
            let rates = Rates { maker: rate, taker: rate };
            let (mut traded, mut open) = (Traded::default(), 20);
            let mut purse = traded.hold(open, rates).unwrap();
            while open > 0 {
                let next = traded.plus(1, false).unwrap();
                purse -= 1 + next.fee(rates) - traded.fee(rates);
                traded = next;
                open -= 1;
                assert!(purse >= traded.hold(open, rates).unwrap(), "rate {rate}, {open} open");
            }
            assert!(purse >= 0);
        }
    }

    #[test]
    fn an_order_filled_to_the_end_holds_nothing() {
        for filled in 1..3_000 {
            assert_eq!(Traded { filled, taken: 0 }.hold(0, RATES), Some(0));
        }
    }

    #[test]
    fn the_wide_and_the_narrow_way_agree() {
        for filled in [SMALL - 1, SMALL, SMALL + 1] {
            let traded = Traded { filled: filled.cast_signed(), taken: 12_345 };
            let numerator = wide_numerator(filled, 12_345, RATES);
            let fee = i64::try_from((numerator + 500_000) / 1_000_000).unwrap();
            assert_eq!(traded.fee(RATES), fee);
            let hold = 777 + i64::try_from((numerator + 777 * 2_500).div_ceil(1_000_000)).unwrap() - fee;
            assert_eq!(traded.hold(777, RATES), Some(hold));
        }
    }

    #[test]
    fn a_hold_past_63_bits_is_refused() {
        assert_eq!(Traded::default().hold(i64::MAX, RATES), None);
        assert_eq!(Traded::default().hold(i64::MAX, Rates::default()), Some(i64::MAX));
    }

    #[test]
    fn the_affordable_lots_are_the_most_that_fit() {
        for amount in 0..400 {
            for lot_price in [1, 3, 10, 97] {
                for rate in [0, 1, 2_500, 500_000, 1_000_000] {
                    let rates = Rates { maker: 0, taker: rate };
                    let traded = Traded { filled: 201, taken: 201 };
                    let cost = |lots: i64| {
                        let next = traded.plus(lots * lot_price, true).unwrap();
                        lots * lot_price + next.fee(rates) - traded.fee(rates)
                    };
                    let lots = lots_affordable(amount, lot_price, 1_000, traded, rates);
                    assert!(lots == 0 || cost(lots) <= amount);
                    assert!(lots == 1_000 || cost(lots + 1) > amount);
                }
            }
        }
    }
}
