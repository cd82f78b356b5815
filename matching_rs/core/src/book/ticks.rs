//! Prices in ticks: their bound, and what stands for none.

/// Prices are at most this many ticks, so that arithmetic on them has room.
pub const TICKS_MAX: i64 = 1 << 61;

/// Stands for no ask: above every price.
pub const NO_ASK: i64 = i64::MAX;

/// Stands for no bid: below every price.
pub const NO_BID: i64 = 0;
