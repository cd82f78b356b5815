//! From Rust's errors to Python's: one exhaustive match.

use cift_core::SnapshotError as BadSnapshot;
use cift_core::frame::FrameError as BadFrame;
use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, create_exception};

create_exception!(cift_matching, EngineError, PyValueError, "The engine cannot go on, or cannot begin.");
create_exception!(
    cift_matching,
    FrameError,
    EngineError,
    "The bytes are no frame, or do not follow; nothing happened."
);
create_exception!(cift_matching, SnapshotError, EngineError, "The bytes are no snapshot this engine can take.");

/// Everything that can go wrong behind the door.
#[derive(Debug)]
pub enum Failure {
    /// The bytes given are bad; the engine is as it was.
    Frame(BadFrame),
    /// The snapshot is bad; there is no engine.
    Snapshot(BadSnapshot),
    /// A bound the engine cannot be built with.
    Config(&'static str),
    /// The engine panicked: a fault of ours. Its state is not to be trusted.
    Panic(String),
    /// The engine panicked before.
    Lost,
}

impl From<BadFrame> for Failure {
    fn from(error: BadFrame) -> Self {
        Self::Frame(error)
    }
}

impl From<BadSnapshot> for Failure {
    fn from(error: BadSnapshot) -> Self {
        Self::Snapshot(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Frame(error) => FrameError::new_err(error.to_string()),
            Failure::Snapshot(error) => SnapshotError::new_err(error.to_string()),
            Failure::Config(what) => EngineError::new_err(what),
            Failure::Panic(what) => EngineError::new_err(format!("the engine failed: {what}")),
            Failure::Lost => EngineError::new_err("the engine failed before; make a new one from the journal"),
        }
    }
}
