//! `Engine`: a shard behind bytes.

use std::sync::Mutex;

use cift_core::Config;
use cift_core::journal::{JournalRow, Runner};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::batch::Batch;
use crate::door;
use crate::errors::Failure;

/// A row of the journal: number, epoch, first and last sequence, time, engine version, commands, events, chain hash.
type Row = (u64, u64, u64, u64, u64, u32, PyBackedBytes, PyBackedBytes, PyBackedBytes);

/// The matching and risk engine of one shard.
#[pyclass(frozen, module = "cift_matching")]
pub struct Engine {
    runner: Mutex<Runner>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, open_orders_max = 1_048_575, ids_max = 4_194_303, ids_window_ns = 86_400_000_000_000))]
    fn new(py: Python<'_>, open_orders_max: u32, ids_max: u32, ids_window_ns: u64) -> PyResult<Self> {
        // What the layout of ids has room for, and what a core left to itself takes.
        let most = Config::default();
        let config = Config { open_orders_max, ids_max, ids_window_ns, ..most };
        let runner = door::alone(py, || {
            if !(1..=most.open_orders_max).contains(&open_orders_max) {
                return Err(Failure::Config("open_orders_max is 1 to 1,048,575"));
            }
            if !(1..=most.ids_max).contains(&ids_max) {
                return Err(Failure::Config("ids_max is 1 to 4,194,303"));
            }
            Ok(Runner::new(config))
        })?;
        Ok(Self { runner: Mutex::new(runner) })
    }

    #[pyo3(signature = (commands, *, number, at))]
    fn apply(&self, py: Python<'_>, commands: Bound<'_, PyBytes>, number: u64, at: u64) -> PyResult<Batch> {
        let bytes = commands.as_bytes();
        let applied = door::through(py, &self.runner, |runner| Ok(runner.apply(bytes, number, at)?))?;
        Ok(Batch::new(applied, commands.unbind()))
    }

    fn retrace(&self, py: Python<'_>, rows: Vec<Bound<'_, PyAny>>) -> PyResult<Option<(u64, String)>> {
        let read: Vec<Option<Row>> = rows.into_iter().map(|row| row.extract().ok()).collect();
        door::through(py, &self.runner, |runner| {
            for row in &read {
                let expected = runner.number() + 1;
                let Some(row) = row else { return Ok(Some((expected, "its columns are of other types".to_owned()))) };
                let (number, epoch, first_sequence, last_sequence, at, engine_version, commands, events, chain) = row;
                let row = JournalRow {
                    number: *number,
                    epoch: *epoch,
                    first_sequence: *first_sequence,
                    last_sequence: *last_sequence,
                    at: *at,
                    engine_version: *engine_version,
                    commands,
                    events,
                    chain,
                };
                if let Err(why) = runner.retrace(&row) {
                    return Ok(Some((expected, why.to_string())));
                }
            }
            Ok(None)
        })
    }

    fn query<'py>(&self, py: Python<'py>, query: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = query.as_bytes();
        let answer = door::through(py, &self.runner, |runner| Ok(runner.query(bytes)?))?;
        Ok(PyBytes::new(py, &answer))
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = door::through(py, &self.runner, |runner| Ok(runner.snapshot()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    #[staticmethod]
    fn restore(py: Python<'_>, snapshot: &Bound<'_, PyBytes>) -> PyResult<Self> {
        let bytes = snapshot.as_bytes();
        let runner = door::alone(py, || Ok(Runner::restore(bytes)?))?;
        Ok(Self { runner: Mutex::new(runner) })
    }

    fn state_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let hash = door::through(py, &self.runner, |runner| Ok(runner.engine().state_hash()))?;
        Ok(PyBytes::new(py, &hash))
    }

    fn validate(&self, py: Python<'_>) -> PyResult<Option<String>> {
        door::through(py, &self.runner, |runner| Ok(runner.engine().validate().err()))
    }

    #[getter]
    fn number(&self, py: Python<'_>) -> PyResult<u64> {
        door::through(py, &self.runner, |runner| Ok(runner.number()))
    }

    #[getter]
    fn at(&self, py: Python<'_>) -> PyResult<u64> {
        door::through(py, &self.runner, |runner| Ok(runner.at()))
    }

    #[getter]
    fn sequence(&self, py: Python<'_>) -> PyResult<u64> {
        door::through(py, &self.runner, |runner| Ok(runner.engine().sequence()))
    }

    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        door::through(py, &self.runner, |runner| Ok(runner.engine().epoch()))
    }

    #[getter]
    fn chain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let chain = door::through(py, &self.runner, |runner| Ok(runner.chain()))?;
        Ok(PyBytes::new(py, &chain))
    }
}
