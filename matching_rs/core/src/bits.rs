//! Parts of integers.

/// The low half.
#[must_use]
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
pub(crate) const fn low32(value: u64) -> u32 {
    value as u32
}

/// The low half.
#[must_use]
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
pub(crate) const fn low64(value: u128) -> u64 {
    value as u64
}
