//! `Batch`: what one frame of commands came to.

use cift_core::ENGINE_VERSION;
use cift_core::journal::Applied;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

/// An applied batch: the journal's row and what is to be sent.
#[pyclass(frozen, module = "cift_matching")]
pub struct Batch {
    applied: Applied,
    commands: Py<PyBytes>,
    events: PyOnceLock<Py<PyBytes>>,
}

impl Batch {
    pub fn new(applied: Applied, commands: Py<PyBytes>) -> Self {
        Self { applied, commands, events: PyOnceLock::new() }
    }
}

#[pymethods]
impl Batch {
    #[getter]
    fn number(&self) -> u64 {
        self.applied.number
    }

    #[getter]
    fn at(&self) -> u64 {
        self.applied.at
    }

    #[getter]
    fn count(&self) -> usize {
        self.applied.count
    }

    #[getter]
    fn first_sequence(&self) -> u64 {
        self.applied.first_sequence
    }

    #[getter]
    fn last_sequence(&self) -> u64 {
        self.applied.last_sequence
    }

    #[getter]
    #[allow(clippy::unused_self, reason = "a property of the instance in Python")]
    fn engine_version(&self) -> u32 {
        ENGINE_VERSION
    }

    #[getter]
    fn commands(&self, py: Python<'_>) -> Py<PyBytes> {
        self.commands.clone_ref(py)
    }

    #[getter]
    fn events(&self, py: Python<'_>) -> Py<PyBytes> {
        self.events.get_or_init(py, || PyBytes::new(py, &self.applied.events).unbind()).clone_ref(py)
    }

    #[getter]
    fn chain<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.applied.chain)
    }

    #[getter]
    fn kill_switch(&self) -> Option<(u64, bool)> {
        self.applied.kill_switch
    }

    #[getter]
    fn is_canceling(&self) -> bool {
        self.applied.is_canceling
    }

    fn replies<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let mut replies = Vec::with_capacity(self.applied.count);
        self.applied.replies(|reply| replies.push(PyBytes::new(py, reply)));
        replies
    }

    fn accounts<'py>(&self, py: Python<'py>) -> Vec<(u32, Bound<'py, PyBytes>)> {
        let mut blocks = Vec::new();
        self.applied.accounts(|account, block| blocks.push((account, PyBytes::new(py, block))));
        blocks
    }

    fn books<'py>(&self, py: Python<'py>) -> Vec<(u32, Bound<'py, PyBytes>)> {
        let mut blocks = Vec::new();
        self.applied.books(|instrument, block| blocks.push((instrument, PyBytes::new(py, block))));
        blocks
    }
}
