//! Bounds of a command's bytes and texts.

/// Longest command, bytes.
pub const COMMAND_BYTES_MAX: usize = 65_536;
/// Longest client id or symbol, bytes.
pub const ID_BYTES_MAX: usize = 64;
/// Most commands of a `Batch`.
pub const MEMBERS_MAX: usize = 100;
