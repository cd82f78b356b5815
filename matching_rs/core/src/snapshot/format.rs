//! What both who writes and who reads a snapshot must know.

/// First bytes of a snapshot.
pub(super) const MAGIC: [u8; 8] = *b"CIFTSTAT";

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
