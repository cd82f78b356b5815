//! Assets, instruments and their fees: listed and changed by command.

use crate::book::order::INSTRUMENTS_MAX;
use crate::command::{ChangeInstrument, ListAsset, ListInstrument, SetFeeTier, kind};
use crate::engine::Engine;
use crate::event::{Event, Sink};
use crate::instrument::{Asset, Market, Rules, SCALE_MAX, asset_symbol_is_valid};
use crate::money::account::TIERS;
use crate::money::fees::{RATE_MAX, Rates};
use crate::reason::Reason;

impl Engine {
    pub(crate) fn list_asset<S: Sink>(&mut self, command: &ListAsset<'_>, sink: &mut S) {
        let asset = match self.check_asset(command) {
            Ok(asset) => asset,
            Err(reason) => return self.reject(0, reason, kind::LIST_ASSET, "", sink),
        };
        self.assets.push(Asset { symbol: command.symbol.into(), scale: command.scale });
        self.shared.emit(&Event::AssetListed { asset, symbol: command.symbol, scale: command.scale }, sink);
    }

    fn check_asset(&self, command: &ListAsset<'_>) -> Result<u16, Reason> {
        self.check_time(command.deadline)?;
        if command.scale > SCALE_MAX || !asset_symbol_is_valid(command.symbol) {
            return Err(Reason::ListingInvalid);
        }
        if self.assets.iter().any(|asset| *asset.symbol == *command.symbol) {
            return Err(Reason::AlreadyExists);
        }
        u16::try_from(self.assets.len() + 1).map_err(|_| Reason::ListingInvalid)
    }

    pub(crate) fn list_instrument<S: Sink>(&mut self, command: &ListInstrument<'_>, sink: &mut S) {
        let market = match self.check_listing(command) {
            Ok(market) => market,
            Err(reason) => return self.reject(0, reason, kind::LIST_INSTRUMENT, "", sink),
        };
        let mut market = market;
        let instrument_sequence = self.shared.instrument_sequence(&mut market);
        let event = Event::InstrumentListed { instrument_sequence, instrument: market.number, terms: market.terms() };
        self.shared.emit(&event, sink);
        self.markets.push(market);
    }

    fn check_listing(&self, command: &ListInstrument<'_>) -> Result<Market, Reason> {
        self.check_time(command.deadline)?;
        if self.markets.iter().any(|market| *market.identity.symbol == *command.symbol) {
            return Err(Reason::AlreadyExists);
        }
        let scale = |asset: u16| {
            let place = usize::from(asset).checked_sub(1).ok_or(Reason::AssetUnknown)?;
            self.assets.get(place).map(|asset| asset.scale).ok_or(Reason::AssetUnknown)
        };
        let (base, quote) = (scale(command.base)?, scale(command.quote)?);
        let number = u32::try_from(self.markets.len() + 1).ok().filter(|&number| number < INSTRUMENTS_MAX);
        number.and_then(|number| Market::list(number, command, base, quote)).ok_or(Reason::ListingInvalid)
    }

    pub(crate) fn change_instrument<S: Sink>(&mut self, command: &ChangeInstrument, sink: &mut S) {
        let (place, rules, unit) = match self.check_change(command) {
            Ok(checked) => checked,
            Err(reason) => return self.reject(0, reason, kind::CHANGE_INSTRUMENT, "", sink),
        };
        let market = &mut self.markets[place];
        market.set_rules(rules, unit, command.reference_price);
        let event = Event::InstrumentChanged {
            instrument_sequence: self.shared.instrument_sequence(&mut self.markets[place]),
            instrument: command.instrument,
            status: rules.status,
            tick_size: rules.tick_size,
            lot_size: rules.lot_size,
            quantity_min: rules.quantity_min,
            quantity_max: rules.quantity_max,
            notional_min: rules.notional_min,
            band_ppm: rules.band_ppm,
            slippage_ppm: rules.slippage_ppm,
            reference_price: rules.reference_price,
        };
        self.shared.emit(&event, sink);
    }

    fn check_change(&self, command: &ChangeInstrument) -> Result<(usize, Rules, i64), Reason> {
        let place = self.check_instrument(command.deadline, command.instrument)?;
        let market = &self.markets[place];
        let old = market.rules;
        let new = Rules {
            status: command.status.unwrap_or(old.status),
            tick_size: command.tick_size.unwrap_or(old.tick_size),
            lot_size: command.lot_size.unwrap_or(old.lot_size),
            quantity_min: command.quantity_min.unwrap_or(old.quantity_min),
            quantity_max: command.quantity_max.unwrap_or(old.quantity_max),
            notional_min: command.notional_min.unwrap_or(old.notional_min),
            band_ppm: command.band_ppm.unwrap_or(old.band_ppm),
            slippage_ppm: command.slippage_ppm.unwrap_or(old.slippage_ppm),
            reference_price: command.reference_price.unwrap_or(old.reference_price),
        };
        // Resting orders are kept in ticks and lots, so these cannot change under them.
        let grid_changes = (new.tick_size, new.lot_size) != (old.tick_size, old.lot_size);
        if grid_changes && market.open_orders > 0 {
            return Err(Reason::OpenOrdersExist);
        }
        let unit = new.check(market.identity.exponent).ok_or(Reason::ListingInvalid)?;
        Ok((place, new, unit))
    }

    fn check_instrument(&self, deadline: u64, instrument: u32) -> Result<usize, Reason> {
        self.check_time(deadline)?;
        let place = (instrument as usize).checked_sub(1).filter(|&place| place < self.markets.len());
        place.ok_or(Reason::InstrumentUnknown)
    }

    pub(crate) fn set_fee_tier<S: Sink>(&mut self, command: &SetFeeTier, sink: &mut S) {
        let checked = self.check_instrument(command.deadline, command.instrument).and_then(|place| {
            let known = command.tier < TIERS && command.maker_ppm.max(command.taker_ppm) <= RATE_MAX;
            if known { Ok(place) } else { Err(Reason::TierInvalid) }
        });
        let place = match checked {
            Ok(place) => place,
            Err(reason) => return self.reject(0, reason, kind::SET_FEE_TIER, "", sink),
        };
        let rates = Rates { maker: command.maker_ppm, taker: command.taker_ppm };
        self.markets[place].set_fees(command.tier, rates);
        let event = Event::FeeTierSet {
            instrument_sequence: self.shared.instrument_sequence(&mut self.markets[place]),
            instrument: command.instrument,
            tier: command.tier,
            maker_ppm: command.maker_ppm,
            taker_ppm: command.taker_ppm,
        };
        self.shared.emit(&event, sink);
    }
}
