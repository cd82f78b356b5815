//! The engine's full state as bytes.

/// Why bytes are not a snapshot this engine can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not a snapshot, or cut short, or altered.
    Damaged,
    /// Of another version of the engine.
    Version(u32),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged => f.write_str("the snapshot is damaged"),
            Self::Version(version) => write!(f, "the snapshot is of engine version {version}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

use crate::engine::{Config, Engine};

impl Engine {
    /// The full state as bytes.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Make an engine from a snapshot.
    ///
    /// # Errors
    /// `SnapshotError` when the bytes are not a whole, valid state of this version.
    pub fn restore(_bytes: &[u8], _config: Config) -> Result<Self, SnapshotError> {
        Err(SnapshotError::Damaged)
    }

    /// Hash of the full state, queue order included.
    #[must_use]
    pub fn state_hash(&self) -> [u8; 32] {
        [0; 32]
    }

    /// Check every internal invariant.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}
