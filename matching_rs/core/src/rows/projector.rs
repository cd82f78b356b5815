//! Journal batches in, rows out; remembers the units of assets and instruments.

use std::collections::HashMap;

use super::collected::Rows;
use super::pack::pack;
use super::units::{Moment, Units};
use crate::codec::{Malformed, Reader, decode_event};
use crate::event::Event;
use crate::frame::{FrameError, Parts};

/// One batch of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalBatch<'a> {
    /// Its number.
    pub number: u64,
    /// Its time, ns since the epoch, UTC.
    pub at: u64,
    /// Its sections of events.
    pub events: &'a [u8],
}

/// Turns journal batches into rows.
#[derive(Clone, Debug, Default)]
pub struct Projector {
    scales: HashMap<u16, u8>,
    units: HashMap<u32, Units>,
}

impl Projector {
    /// Make a projector that knows no instrument.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learn an asset listed before, and its decimals.
    pub fn learn_asset(&mut self, asset: u16, scale: u8) {
        self.scales.insert(asset, scale);
    }

    /// Learn an instrument listed before; its assets are known.
    ///
    /// # Errors
    /// `FrameError::Events` when one of its assets is not.
    pub fn learn_instrument(
        &mut self,
        instrument: u32,
        base: u16,
        quote: u16,
        price_scale: u8,
    ) -> Result<(), FrameError> {
        let scale = |asset| self.scales.get(&asset).copied().map(i32::from).ok_or(FrameError::Events);
        let exponent = scale(quote)? - i32::from(price_scale) - scale(base)?;
        let power = |exponent: i32| u32::try_from(exponent).ok().map_or(Some(1), |e| 10_i128.checked_pow(e));
        let multiplier = power(exponent).ok_or(FrameError::Events)?;
        let divisor = power(-exponent).ok_or(FrameError::Events)?;
        self.units.insert(instrument, Units { base, quote, multiplier, divisor });
        Ok(())
    }

    /// Return the rows of some batches as MessagePack; the layout stands at `pack`.
    ///
    /// # Errors
    /// `FrameError::Events` when the bytes are not events, or name an instrument that is not known.
    pub fn pack(&mut self, batches: &[JournalBatch<'_>]) -> Result<Vec<u8>, FrameError> {
        let mut rows = Rows::default();
        for batch in batches {
            rows.last = Some((batch.number, rows.last.map_or(0, |last| last.1), batch.at));
            for section in Parts::new(batch.events) {
                let mut reader = Reader::new(section.map_err(|_| FrameError::Events)?);
                while !reader.rest().is_empty() {
                    let (sequence, event) = decode_event(&mut reader).map_err(|Malformed| FrameError::Events)?;
                    rows.last = Some((batch.number, sequence, batch.at));
                    self.take(&mut rows, Moment { sequence, at: batch.at }, &event)?;
                }
            }
        }
        Ok(pack(&rows))
    }

    fn take<'a>(&mut self, rows: &mut Rows<'a>, moment: Moment, event: &Event<'a>) -> Result<(), FrameError> {
        match *event {
            Event::Trade { instrument, .. } => {
                let units = *self.units.get(&instrument).ok_or(FrameError::Events)?;
                rows.trade(&units, moment, &units.trade(event).ok_or(FrameError::Events)?);
                Ok(())
            }
            Event::AssetListed { asset, scale, .. } => {
                self.learn_asset(asset, scale);
                rows.listings.take(event);
                Ok(())
            }
            Event::InstrumentListed { instrument, ref terms, .. } => {
                self.learn_instrument(instrument, terms.base, terms.quote, terms.price_scale)?;
                rows.listings.take(event);
                Ok(())
            }
            _ => {
                rows.take(moment, event);
                Ok(())
            }
        }
    }
}
