//! The window of levels near the touch, as words of a bitmap.

/// Levels in the window: sixteen words of the bitmap.
pub const WINDOW: usize = 1_024;
/// Words of the bitmap.
pub const WORDS: usize = WINDOW / 64;

/// The offset in the window of a bit of a word.
#[inline]
pub fn place(word: usize, bit: u32) -> i64 {
    i64::try_from(word * 64).unwrap_or(0) + i64::from(bit)
}
