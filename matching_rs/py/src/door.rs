//! The one door: releases the interpreter's lock, takes the engine's, turns a panic into an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard};

use pyo3::{PyResult, Python};

use crate::errors::Failure;

/// Run `work` on what `guarded` holds, with the interpreter free for other threads.
///
/// A panic inside poisons the lock, so every later call is refused: the state may be half changed.
pub fn through<G: Send, T: Send>(
    py: Python<'_>,
    guarded: &Mutex<G>,
    work: impl FnOnce(&mut G) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    Ok(py.detach(|| {
        catching(|| {
            let mut held: MutexGuard<'_, G> = guarded.lock().map_err(|_| Failure::Lost)?;
            work(&mut held)
        })
    })?)
}

/// Run `work`, which needs no engine, in the same way.
pub fn alone<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Failure> + Send) -> PyResult<T> {
    Ok(py.detach(|| catching(work))?)
}

fn catching<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        Err(Failure::Panic(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()))
    })
}
