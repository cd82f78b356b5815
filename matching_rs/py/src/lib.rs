//! The Python module `cift_matching`: a thin door to `cift-core`, bytes in, bytes out.
//!
//! All work on an engine goes through `door`, which frees the interpreter once per call, and so once per batch.
//! What the functions take and give is described in `python/cift_matching/__init__.pyi`.

mod batch;
mod door;
mod engine;
mod errors;
mod projector;

use cift_core::frame::{FrameError as BadFrame, Parts};
use cift_core::journal::chain_hash;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use errors::Failure;

/// Cut a journal row's events into its sections, the batch's own last.
#[pyfunction]
fn sections<'py>(py: Python<'py>, events: &Bound<'py, PyBytes>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let cut: Result<Vec<_>, BadFrame> = Parts::new(events.as_bytes()).collect();
    Ok(cut.map_err(Failure::from)?.into_iter().map(|section| PyBytes::new(py, section)).collect())
}

/// Work out the chain hash a journal row must carry.
#[pyfunction]
#[pyo3(signature = (previous, number, at, engine_version, commands, events))]
fn verify_chain<'py>(
    py: Python<'py>,
    previous: [u8; 32],
    number: u64,
    at: u64,
    engine_version: u32,
    commands: &Bound<'py, PyBytes>,
    events: &Bound<'py, PyBytes>,
) -> PyResult<Bound<'py, PyBytes>> {
    let (commands, events) = (commands.as_bytes(), events.as_bytes());
    let hash = door::alone(py, || Ok(chain_hash(&previous, number, at, engine_version, commands, events)))?;
    Ok(PyBytes::new(py, &hash))
}

/// The matching and risk engine of CIFT Markets: bytes in, bytes out.
#[pymodule]
mod _cift_matching {
    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::errors::{EngineError, FrameError, SnapshotError};
    #[pymodule_export]
    use super::projector::Projector;
    #[pymodule_export]
    use super::{sections, verify_chain};

    #[pymodule_export]
    const ENGINE_VERSION: u32 = cift_core::ENGINE_VERSION;
}
