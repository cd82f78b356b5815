//! Assets and instruments: what they were listed with, their grid, their fees, and their book.

use crate::book::levels;
use crate::book::order_book::Book;
use crate::book::ticks::TICKS_MAX;
use crate::command::{InstrumentKind, InstrumentStatus, ListInstrument, Side};
use crate::event::InstrumentTerms;
use crate::money::account::TIERS;
use crate::money::fees::{PPM, RATE_MAX, Rates};
use crate::places::Places;
use crate::reason::Reason;
use crate::reference::{Reference, window};
use crate::view::Level;

/// The most decimals an asset or a price has.
pub const SCALE_MAX: u8 = 12;

/// The longest symbol, bytes.
pub const SYMBOL_LENGTH_MAX: usize = 32;

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// For example `USD`.
    pub symbol: Box<str>,
    /// Decimals of its smallest unit.
    pub scale: u8,
}

/// An asset's symbol is 1 to 32 capitals, digits and dots, no dot first: `USD`, `BRK.B`.
#[must_use]
pub fn asset_symbol_is_valid(symbol: &str) -> bool {
    (1..=SYMBOL_LENGTH_MAX).contains(&symbol.len())
        && !symbol.starts_with('.')
        && symbol.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'.')
}

/// An instrument's symbol is two of assets' with a hyphen between, 32 characters in all: `BRK.B-USD`.
#[must_use]
pub fn instrument_symbol_is_valid(symbol: &str) -> bool {
    symbol.len() <= SYMBOL_LENGTH_MAX
        && symbol
            .split_once('-')
            .is_some_and(|(base, quote)| asset_symbol_is_valid(base) && asset_symbol_is_valid(quote))
}

/// What of an instrument may change; in the numbers of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Trading status.
    pub status: InstrumentStatus,
    /// Smallest price step.
    pub tick_size: i64,
    /// Smallest quantity step.
    pub lot_size: i64,
    /// Smallest order.
    pub quantity_min: i64,
    /// Largest order.
    pub quantity_max: i64,
    /// Least price × quantity, quote units.
    pub notional_min: i64,
    /// Band around the reference price, ppm; 0: none.
    pub band_ppm: u32,
    /// Furthest a market order walks, ppm; 0: no cap.
    pub slippage_ppm: u32,
    /// The price the band is around: set, then moved by trades; 0: none.
    pub reference_price: i64,
}

/// What of an instrument never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `BASE-QUOTE`.
    pub symbol: Box<str>,
    /// What it is.
    pub kind: InstrumentKind,
    /// What is traded.
    pub base: u16,
    /// What it is paid with.
    pub quote: u16,
    /// Decimals of a price.
    pub price_scale: u8,
    /// Quote scale − price scale − base scale: the power of ten from price × quantity to quote units.
    pub exponent: i8,
}

/// An instrument with its book.
#[derive(Clone, Debug)]
pub struct Market {
    /// The instrument's number.
    pub number: u32,
    /// What may change.
    pub rules: Rules,
    /// Quote units of one tick times one lot.
    pub unit: i64,
    /// The reference price before it was rounded.
    pub(crate) reference: Reference,
    /// Base units of trades the reference price is the average over.
    window: i64,
    /// Its events so far.
    pub sequence: u64,
    /// Price of the last trade; 0: none.
    pub last_price: i64,
    /// Orders open in it.
    pub open_orders: u32,
    /// At least what any account's position is, base units, up to 63 bits: while it fits, so does every position.
    pub volume: i64,
    /// Its sequence when its changes were last told.
    pub told: u64,
    /// Its book.
    pub book: Book,
    /// What never changes.
    pub identity: Identity,
    /// Fees by tier; none: those of tier 0.
    fees: [Option<Rates>; TIERS as usize],
    /// The same with those of tier 0 filled in.
    rates: [Rates; TIERS as usize],
}

/// Quote units of one tick times one lot, if that is a whole number that fits.
#[must_use]
pub fn unit(tick_size: i64, lot_size: i64, exponent: i8) -> Option<i64> {
    let product = i128::from(tick_size) * i128::from(lot_size);
    let power = 10_i128.checked_pow(u32::from(exponent.unsigned_abs()))?;
    let unit = if exponent >= 0 {
        product.checked_mul(power)?
    } else if product % power == 0 {
        product / power
    } else {
        return None;
    };
    i64::try_from(unit).ok().filter(|&unit| unit > 0)
}

impl Rules {
    /// Sizes, bounds and steps make sense together; returns quote units of one tick times one lot.
    #[must_use]
    pub fn check(&self, exponent: i8) -> Option<i64> {
        let sound = self.tick_size > 0
            && self.lot_size > 0
            && self.quantity_min >= 0
            && self.quantity_max > 0
            && self.quantity_min <= self.quantity_max
            && self.notional_min >= 0
            && self.reference_price >= 0;
        if sound { unit(self.tick_size, self.lot_size, exponent) } else { None }
    }
}

impl Market {
    /// Make a market from a listing whose assets have these scales; nothing when it makes no sense.
    #[must_use]
    pub fn list(number: u32, listing: &ListInstrument<'_>, base_scale: u8, quote_scale: u8) -> Option<Self> {
        let exponent = i16::from(quote_scale) - i16::from(listing.price_scale) - i16::from(base_scale);
        let identity = Identity {
            symbol: listing.symbol.into(),
            kind: listing.kind,
            base: listing.base,
            quote: listing.quote,
            price_scale: listing.price_scale,
            exponent: i8::try_from(exponent).ok()?,
        };
        let rules = Rules {
            status: InstrumentStatus::Continuous,
            tick_size: listing.tick_size,
            lot_size: listing.lot_size,
            quantity_min: listing.quantity_min,
            quantity_max: listing.quantity_max,
            notional_min: listing.notional_min,
            band_ppm: listing.band_ppm,
            slippage_ppm: listing.slippage_ppm,
            reference_price: listing.reference_price,
        };
        let mut fees = [None; TIERS as usize];
        fees[0] = Some(Rates { maker: listing.maker_ppm, taker: listing.taker_ppm });
        Self::assemble(number, identity, rules, fees)
    }

    /// Make a market from its parts; nothing when they make no sense.
    #[must_use]
    pub fn assemble(
        number: u32,
        identity: Identity,
        rules: Rules,
        fees: [Option<Rates>; TIERS as usize],
    ) -> Option<Self> {
        let unit = rules.check(identity.exponent)?;
        let rates_are_valid = fees.iter().flatten().all(|rates| rates.highest() <= RATE_MAX);
        if !rates_are_valid
            || fees[0].is_none()
            || identity.price_scale > SCALE_MAX
            || identity.base == identity.quote
            || !instrument_symbol_is_valid(&identity.symbol)
        {
            return None;
        }
        let book = Book::default();
        let rates = [Rates::default(); TIERS as usize];
        let (reference, window) = (Reference::set(rules.reference_price), window(rules.quantity_max, rules.lot_size));
        let (sequence, last_price, open_orders, volume, told) = (0, 0, 0, 0, 0);
        #[rustfmt::skip]
        let mut market = Self {
            number, rules, unit, reference, window, sequence, last_price, open_orders, volume, told, book, identity, fees, rates,
        };
        market.fill_rates();
        Some(market)
    }

    /// Change what may change; `unit` is what `Rules::check` returned for it, `reference` a price that was set.
    pub fn set_rules(&mut self, rules: Rules, unit: i64, reference: Option<i64>) {
        (self.rules, self.unit) = (rules, unit);
        self.window = window(rules.quantity_max, rules.lot_size);
        if let Some(price) = reference {
            self.reference = Reference::set(price);
        }
    }

    /// Count a trade in the last and in the reference price.
    #[inline]
    pub fn traded(&mut self, price: i64, quantity: i64) {
        self.last_price = price;
        self.reference = self.reference.traded(price, quantity, self.window);
        self.rules.reference_price = self.reference.price();
    }

    fn fill_rates(&mut self) {
        let usual = self.fees[0].unwrap_or_default();
        self.rates = self.fees.map(|rates| rates.unwrap_or(usual));
    }

    /// Fees by tier; none: those of tier 0.
    #[must_use]
    pub const fn fees(&self) -> &[Option<Rates>; TIERS as usize] {
        &self.fees
    }

    /// Set a tier's fees.
    pub fn set_fees(&mut self, tier: u8, rates: Rates) {
        if let Some(fees) = self.fees.get_mut(usize::from(tier)) {
            *fees = Some(rates);
        }
        self.fill_rates();
    }

    /// The rates of a tier.
    #[must_use]
    #[inline]
    pub fn rates(&self, tier: u8) -> Rates {
        self.rates[usize::from(tier % TIERS)]
    }

    /// The asset an order of a side pays with.
    #[must_use]
    #[inline]
    pub const fn paying(&self, side: Side) -> u16 {
        match side {
            Side::Buy => self.identity.quote,
            Side::Sell => self.identity.base,
        }
    }

    /// Ticks of a price on the grid.
    #[inline]
    pub(crate) fn ticks(&self, price: i64) -> Result<i64, Reason> {
        let size = self.rules.tick_size;
        if size == 1 {
            return Ok(price);
        }
        if price % size == 0 { Ok(price / size) } else { Err(Reason::PriceNotOnTick) }
    }

    /// Lots of a quantity on the grid.
    #[inline]
    pub(crate) fn lots(&self, quantity: i64) -> Result<i64, Reason> {
        let size = self.rules.lot_size;
        if size == 1 {
            return Ok(quantity);
        }
        if quantity % size == 0 { Ok(quantity / size) } else { Err(Reason::QuantityNotOnLot) }
    }

    /// Price of a number of ticks.
    #[must_use]
    #[inline]
    pub const fn price(&self, ticks: i64) -> i64 {
        ticks.saturating_mul(self.rules.tick_size)
    }

    /// What rests at a price, in ticks, and these lots and base units more fit 63 bits, so that each level has a quantity.
    pub(crate) fn has_room(&self, side: Side, price: i64, lots: i128, more: i128) -> bool {
        // Where it would trade, no order of its own side can be.
        let level = self.book.level(price).filter(|_| !self.book.crosses(side, price));
        let there = level.map_or(0, |level| i128::from(level.quantity));
        (there + lots) * i128::from(self.rules.lot_size) + more.max(0) <= i128::from(i64::MAX)
    }

    /// The same for one order, looking at either side: where it says no, that is to be asked.
    #[inline]
    pub(crate) fn has_room_plainly(&self, price: i64, lots: i64) -> bool {
        let there = self.book.level(price).map_or(0, |level| level.quantity);
        there.checked_add(lots).and_then(|all| all.checked_mul(self.rules.lot_size)).is_some()
    }

    /// Quantity of a number of lots.
    #[must_use]
    #[inline]
    pub const fn quantity(&self, lots: i64) -> i64 {
        lots.saturating_mul(self.rules.lot_size)
    }

    /// Quote units of lots at a price in ticks.
    #[must_use]
    #[inline]
    pub fn notional(&self, ticks: i64, lots: i64) -> Option<i64> {
        ticks.checked_mul(self.unit)?.checked_mul(lots)
    }

    /// The furthest a market order may go from the touch it found, in ticks, rounded towards it.
    #[must_use]
    pub fn slippage_limit(&self, side: Side) -> i64 {
        let ppm = u128::from(self.rules.slippage_ppm);
        let best = u128::from(self.book.best(side.opposite()).unsigned_abs());
        let whole = u128::from(PPM);
        let furthest = match side {
            _ if ppm == 0 => return if side == Side::Buy { TICKS_MAX } else { 1 },
            Side::Buy => best * (whole + ppm) / whole,
            Side::Sell => (best * whole.saturating_sub(ppm)).div_ceil(whole).max(1),
        };
        i64::try_from(furthest).unwrap_or(TICKS_MAX).min(TICKS_MAX)
    }

    /// A moderate price is inside the band: quicker than `check_band`, but where it says no, that is to be asked.
    #[allow(clippy::needless_bitwise_bool, reason = "one branch for all: each alone would be another to guess")]
    #[inline]
    pub(crate) fn is_near(&self, price: i64) -> bool {
        let (reference, ppm) = (self.rules.reference_price, i64::from(self.rules.band_ppm));
        let (Some(distance), Some(width)) = (
            price.wrapping_sub(reference).checked_abs().and_then(|distance| distance.checked_mul(PPM.cast_signed())),
            reference.checked_mul(ppm),
        ) else {
            return false;
        };
        ppm == 0 || (reference != 0) & (distance <= width)
    }

    /// Check a price against the band around the reference price.
    pub(crate) fn check_band(&self, price: i64) -> Result<(), Reason> {
        let ppm = i128::from(self.rules.band_ppm);
        if ppm == 0 {
            return Ok(());
        }
        if self.rules.reference_price == 0 {
            return Err(Reason::NoReferencePrice);
        }
        let distance = (i128::from(price) - i128::from(self.rules.reference_price)).abs() * i128::from(PPM);
        let inside = distance <= i128::from(self.rules.reference_price) * ppm;
        if inside { Ok(()) } else { Err(Reason::PriceOutsideBand) }
    }

    /// The listing as an event tells it.
    #[must_use]
    pub fn terms(&self) -> InstrumentTerms<'_> {
        let (identity, rules, rates) = (&self.identity, &self.rules, self.rates(0));
        InstrumentTerms {
            symbol: &identity.symbol,
            kind: identity.kind,
            base: identity.base,
            quote: identity.quote,
            price_scale: identity.price_scale,
            tick_size: rules.tick_size,
            lot_size: rules.lot_size,
            quantity_min: rules.quantity_min,
            quantity_max: rules.quantity_max,
            notional_min: rules.notional_min,
            band_ppm: rules.band_ppm,
            slippage_ppm: rules.slippage_ppm,
            reference_price: rules.reference_price,
            maker_ppm: rates.maker,
            taker_ppm: rates.taker,
            status: rules.status,
        }
    }

    /// A level of its book in the numbers of the wire.
    pub fn level(&self, ticks: i64, level: &levels::Level) -> Level {
        Level { price: self.price(ticks), quantity: self.quantity(level.quantity), orders: level.orders }
    }

    /// The best level of a side.
    #[must_use]
    pub fn best_level(&self, side: Side) -> Option<Level> {
        let ticks = self.book.touch(side)?;
        self.book.level(ticks).map(|level| self.level(ticks, level))
    }

    /// Replace a list by the levels of a side that changed since last told, best first.
    #[inline]
    pub fn drain(&mut self, side: Side, prices: &mut Places, levels: &mut Vec<Level>) {
        prices.clear();
        self.book.take_changed(side, prices);
        levels.clear();
        let ticks = prices.get().iter().map(|tick| tick.cast_signed());
        let told = |ticks: i64| self.level(ticks, self.book.level_now(side, ticks).unwrap_or(&levels::EMPTY));
        match side {
            Side::Buy => levels.extend(ticks.rev().map(told)),
            Side::Sell => levels.extend(ticks.map(told)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_one_that_an_address_and_a_client_can_name() {
        let long = "A".repeat(32);
        for asset in ["USD", "A", "7", "BRK.B", "A.", &long] {
            assert!(asset_symbol_is_valid(asset), "{asset}");
        }
        for asset in ["", ".", "..", ".A", "usd", "A-B", "A B", "A/B", "A%", "\u{C4}", "A\n", &format!("{long}A")] {
            assert!(!asset_symbol_is_valid(asset), "{asset}");
        }
        let (longest, longer) = (format!("{}-USD", &long[..28]), format!("{}-USD", &long[..29]));
        for symbol in ["AAPL-USD", "A-B", "BRK.B-USD", &longest] {
            assert!(instrument_symbol_is_valid(symbol), "{symbol}");
        }
        for symbol in
            ["", "-", "A", "A-", "-A", "amzn-usd", "A-B-USD", ".-USD", "A-.", "A-B ", "A_B", "abcAAPL-USDx", &longer]
        {
            assert!(!instrument_symbol_is_valid(symbol), "{symbol}");
        }
    }

    #[test]
    fn a_unit_must_be_whole_and_fit() {
        assert_eq!(unit(1, 1, 0), Some(1));
        assert_eq!(unit(100, 100, -4), Some(1));
        assert_eq!(unit(10, 100, -4), None, "a tenth of the smallest unit");
        assert_eq!(unit(i64::MAX, i64::MAX, 0), None);
        assert_eq!(unit(1, 1, 19), None);
        assert_eq!(unit(5, 1, 12), Some(5_000_000_000_000));
    }
}
