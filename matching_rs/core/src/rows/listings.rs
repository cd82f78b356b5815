//! Assets, instruments and fee tiers.

use std::collections::BTreeMap;

use crate::command::InstrumentStatus;
use crate::event::{Event, InstrumentTerms};

/// New values of an instrument listed before the call; `None` is as it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) terms: Option<ChangedTerms>,
    pub(super) fees: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ChangedTerms {
    pub(super) status: InstrumentStatus,
    pub(super) tick_size: i64,
    pub(super) lot_size: i64,
    pub(super) quantity_min: i64,
    pub(super) quantity_max: i64,
    pub(super) notional_min: i64,
    pub(super) band_ppm: u32,
    pub(super) slippage_ppm: u32,
    pub(super) reference_price: i64,
}

#[derive(Debug, Default)]
pub(super) struct Listings<'a> {
    pub(super) assets: BTreeMap<u16, (&'a str, u8)>,
    pub(super) listed: BTreeMap<u32, InstrumentTerms<'a>>,
    pub(super) changed: BTreeMap<u32, Change>,
    pub(super) fee_tiers: BTreeMap<(u32, u8), (u32, u32)>,
}

impl<'a> Listings<'a> {
    pub(super) fn take(&mut self, event: &Event<'a>) {
        match *event {
            Event::AssetListed { asset, symbol, scale } => {
                self.assets.insert(asset, (symbol, scale));
            }
            Event::InstrumentListed { instrument, terms, .. } => {
                self.listed.insert(instrument, terms);
                self.fee_tiers.insert((instrument, 0), (terms.maker_ppm, terms.taker_ppm));
            }
            Event::InstrumentChanged {
                instrument,
                status,
                tick_size,
                lot_size,
                quantity_min,
                quantity_max,
                notional_min,
                band_ppm,
                slippage_ppm,
                reference_price,
                ..
            } => {
                let terms = ChangedTerms {
                    status,
                    tick_size,
                    lot_size,
                    quantity_min,
                    quantity_max,
                    notional_min,
                    band_ppm,
                    slippage_ppm,
                    reference_price,
                };
                self.change(instrument, terms);
            }
            Event::FeeTierSet { instrument, tier, maker_ppm, taker_ppm, .. } => {
                self.fee_tiers.insert((instrument, tier), (maker_ppm, taker_ppm));
                if tier == 0 {
                    self.change_fees(instrument, maker_ppm, taker_ppm);
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, instrument: u32, changed: ChangedTerms) {
        if let Some(terms) = self.listed.get_mut(&instrument) {
            terms.status = changed.status;
            terms.tick_size = changed.tick_size;
            terms.lot_size = changed.lot_size;
            terms.quantity_min = changed.quantity_min;
            terms.quantity_max = changed.quantity_max;
            terms.notional_min = changed.notional_min;
            terms.band_ppm = changed.band_ppm;
            terms.slippage_ppm = changed.slippage_ppm;
            terms.reference_price = changed.reference_price;
        } else {
            self.changed.entry(instrument).or_default().terms = Some(changed);
        }
    }

    /// An instrument's own row shows the rates of tier 0.
    fn change_fees(&mut self, instrument: u32, maker_ppm: u32, taker_ppm: u32) {
        if let Some(terms) = self.listed.get_mut(&instrument) {
            terms.maker_ppm = maker_ppm;
            terms.taker_ppm = taker_ppm;
        } else {
            self.changed.entry(instrument).or_default().fees = Some((maker_ppm, taker_ppm));
        }
    }
}
