//! `Projector`: the journal's events as rows.

use std::sync::Mutex;

use cift_core::rows::{JournalBatch, Projector as Core};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door;

/// Turns journal batches into rows for the tables.
#[pyclass(frozen, module = "cift_matching")]
pub struct Projector {
    core: Mutex<Core>,
}

#[pymethods]
impl Projector {
    #[new]
    fn new() -> Self {
        Self { core: Mutex::new(Core::new()) }
    }

    #[pyo3(signature = (*, assets, instruments))]
    fn seed(&self, py: Python<'_>, assets: Vec<(u16, u8)>, instruments: Vec<(u32, u16, u16, u8)>) -> PyResult<()> {
        door::through(py, &self.core, |core| {
            for (asset, scale) in assets {
                core.learn_asset(asset, scale);
            }
            for (instrument, base, quote, price_scale) in instruments {
                core.learn_instrument(instrument, base, quote, price_scale)?;
            }
            Ok(())
        })
    }

    #[allow(clippy::needless_pass_by_value, reason = "what is taken out of a Python list is owned")]
    fn pack<'py>(
        &self,
        py: Python<'py>,
        batches: Vec<(u64, u64, Bound<'py, PyBytes>)>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let batches: Vec<JournalBatch<'_>> = batches
            .iter()
            .map(|(number, at, events)| JournalBatch { number: *number, at: *at, events: events.as_bytes() })
            .collect();
        let rows = door::through(py, &self.core, |core| Ok(core.pack(&batches)?))?;
        Ok(PyBytes::new(py, &rows))
    }
}
