//! Assets, instruments, fee tiers.

use std::collections::BTreeMap;

use cift_core::command::{ChangeInstrument, InstrumentStatus, ListAsset, ListInstrument, SetFeeTier, kind};
use cift_core::event::{Event, InstrumentTerms};
use cift_core::reason::Reason;

use super::{Instrument, Naive, Rates, narrow};

fn asset_symbol_is_valid(symbol: &str) -> bool {
    let allowed = |c| matches!(c, 'A'..='Z' | '0'..='9' | '.');
    symbol.chars().all(allowed) && (1..=32).contains(&symbol.len()) && !symbol.starts_with('.')
}

fn instrument_symbol_is_valid(symbol: &str) -> bool {
    let assets: Vec<&str> = symbol.split('-').collect();
    symbol.len() <= 32 && assets.len() == 2 && assets.into_iter().all(asset_symbol_is_valid)
}

fn rates(maker_ppm: u32, taker_ppm: u32) -> Option<Rates> {
    let most = 1_000_000;
    let rates = Rates { maker: maker_ppm.into(), taker: taker_ppm.into() };
    (maker_ppm <= most && taker_ppm <= most).then_some(rates)
}

impl Instrument {
    /// Sizes make sense, and a tick of a lot is a whole number of quote units that fits.
    fn is_sound(&self) -> bool {
        let power = 10_i128.pow(self.exponent.unsigned_abs());
        let product = self.tick * self.lot;
        let unit = if self.exponent >= 0 {
            product.checked_mul(power)
        } else {
            (product % power == 0).then_some(product / power)
        };
        self.tick > 0
            && self.lot > 0
            && self.quantity_min >= 0
            && self.quantity_max > 0
            && self.quantity_min <= self.quantity_max
            && self.notional_min >= 0
            && self.reference >= 0
            && unit.is_some_and(|unit| 0 < unit && unit <= i128::from(i64::MAX))
    }
}

impl Naive {
    pub(super) fn list_asset(&mut self, asset: &ListAsset<'_>) {
        let checked = self.check_time(asset.deadline).and_then(|()| {
            if asset.scale > 12 || !asset_symbol_is_valid(asset.symbol) {
                Err(Reason::ListingInvalid)
            } else if self.assets.iter().any(|(symbol, _)| symbol == asset.symbol) {
                Err(Reason::AlreadyExists)
            } else {
                Ok(())
            }
        });
        if let Err(reason) = checked {
            return self.reject(0, reason, kind::LIST_ASSET, "");
        }
        self.assets.push((asset.symbol.to_string(), asset.scale));
        let number = u16::try_from(self.assets.len()).expect("few assets");
        self.emit(&Event::AssetListed { asset: number, symbol: asset.symbol, scale: asset.scale });
    }

    pub(super) fn list_instrument(&mut self, listing: &ListInstrument<'_>) {
        let instrument = match self.check_listing(listing) {
            Ok(instrument) => instrument,
            Err(reason) => return self.reject(0, reason, kind::LIST_INSTRUMENT, ""),
        };
        self.instruments.push(instrument);
        let number = u32::try_from(self.instruments.len()).expect("few instruments");
        let instrument_sequence = self.next_instrument_sequence(number);
        let l = listing;
        let terms = InstrumentTerms {
            symbol: l.symbol,
            kind: l.kind,
            base: l.base,
            quote: l.quote,
            price_scale: l.price_scale,
            tick_size: l.tick_size,
            lot_size: l.lot_size,
            quantity_min: l.quantity_min,
            quantity_max: l.quantity_max,
            notional_min: l.notional_min,
            band_ppm: l.band_ppm,
            slippage_ppm: l.slippage_ppm,
            reference_price: l.reference_price,
            maker_ppm: l.maker_ppm,
            taker_ppm: l.taker_ppm,
            status: InstrumentStatus::Continuous,
        };
        self.emit(&Event::InstrumentListed { instrument_sequence, instrument: number, terms });
    }

    fn check_listing(&self, listing: &ListInstrument<'_>) -> Result<Instrument, Reason> {
        self.check_time(listing.deadline)?;
        if self.instruments.iter().any(|one| one.symbol == listing.symbol) {
            return Err(Reason::AlreadyExists);
        }
        let scale = |asset: u16| match asset {
            0 => Err(Reason::AssetUnknown),
            _ => self.assets.get(usize::from(asset) - 1).map(|(_, scale)| *scale).ok_or(Reason::AssetUnknown),
        };
        let (base, quote) = (scale(listing.base)?, scale(listing.quote)?);
        let rates = rates(listing.maker_ppm, listing.taker_ppm).ok_or(Reason::ListingInvalid)?;
        let named =
            instrument_symbol_is_valid(listing.symbol) && listing.base != listing.quote && listing.price_scale <= 12;
        let instrument = Instrument {
            symbol: listing.symbol.to_string(),
            base: listing.base,
            quote: listing.quote,
            exponent: i32::from(quote) - i32::from(listing.price_scale) - i32::from(base),
            status: InstrumentStatus::Continuous,
            tick: listing.tick_size.into(),
            lot: listing.lot_size.into(),
            quantity_min: listing.quantity_min.into(),
            quantity_max: listing.quantity_max.into(),
            notional_min: listing.notional_min.into(),
            band: listing.band_ppm.into(),
            slippage: listing.slippage_ppm.into(),
            reference: i128::from(listing.reference_price) << 32,
            tiers: BTreeMap::from([(0, rates)]),
            sequence: 0,
            orders: Vec::new(),
        };
        if named && instrument.is_sound() { Ok(instrument) } else { Err(Reason::ListingInvalid) }
    }

    fn check_instrument(&self, deadline: u64, instrument: u32) -> Result<(), Reason> {
        self.check_time(deadline)?;
        let known = instrument != 0 && instrument as usize <= self.instruments.len();
        if known { Ok(()) } else { Err(Reason::InstrumentUnknown) }
    }

    pub(super) fn change_instrument(&mut self, change: &ChangeInstrument) {
        let changed = self.check_instrument(change.deadline, change.instrument).and_then(|()| {
            let old = self.instrument(change.instrument);
            let mut new = old.clone();
            let set = |field: &mut i128, value: Option<i64>| *field = value.map_or(*field, i128::from);
            new.status = change.status.unwrap_or(old.status);
            set(&mut new.tick, change.tick_size);
            set(&mut new.lot, change.lot_size);
            set(&mut new.quantity_min, change.quantity_min);
            set(&mut new.quantity_max, change.quantity_max);
            set(&mut new.notional_min, change.notional_min);
            set(&mut new.band, change.band_ppm.map(i64::from));
            set(&mut new.slippage, change.slippage_ppm.map(i64::from));
            set(&mut new.reference, change.reference_price);
            if change.reference_price.is_some() {
                new.reference <<= 32;
            }
            let regrid = (new.tick, new.lot) != (old.tick, old.lot);
            if regrid && !old.orders.is_empty() {
                return Err(Reason::OpenOrdersExist);
            }
            if new.is_sound() { Ok(new) } else { Err(Reason::ListingInvalid) }
        });
        let new = match changed {
            Ok(new) => new,
            Err(reason) => return self.reject(0, reason, kind::CHANGE_INSTRUMENT, ""),
        };
        *self.instrument_mut(change.instrument) = new.clone();
        let instrument_sequence = self.next_instrument_sequence(change.instrument);
        self.emit(&Event::InstrumentChanged {
            instrument_sequence,
            instrument: change.instrument,
            status: new.status,
            tick_size: narrow(new.tick),
            lot_size: narrow(new.lot),
            quantity_min: narrow(new.quantity_min),
            quantity_max: narrow(new.quantity_max),
            notional_min: narrow(new.notional_min),
            band_ppm: u32::try_from(new.band).expect("32 bits"),
            slippage_ppm: u32::try_from(new.slippage).expect("32 bits"),
            reference_price: narrow(new.reference_price()),
        });
    }

    pub(super) fn set_fee_tier(&mut self, set: &SetFeeTier) {
        let checked = self.check_instrument(set.deadline, set.instrument).and_then(|()| {
            let rates = rates(set.maker_ppm, set.taker_ppm).filter(|_| set.tier < 16);
            rates.ok_or(Reason::TierInvalid)
        });
        let rates = match checked {
            Ok(rates) => rates,
            Err(reason) => return self.reject(0, reason, kind::SET_FEE_TIER, ""),
        };
        self.instrument_mut(set.instrument).tiers.insert(set.tier, rates);
        let instrument_sequence = self.next_instrument_sequence(set.instrument);
        let SetFeeTier { instrument, tier, maker_ppm, taker_ppm, .. } = *set;
        self.emit(&Event::FeeTierSet { instrument_sequence, instrument, tier, maker_ppm, taker_ppm });
    }
}
