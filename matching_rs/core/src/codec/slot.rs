//! Where an event's numbers are put together: room for all of them, so that no write asks whether there is any.

use super::writer::{form, negative_form};

/// No event has more than 21 numbers of nine bytes each.
const NUMBERS_BYTES_MAX: usize = 256;

/// A write stores nine bytes, from any place within the first 256.
pub(super) const ROOM: usize = NUMBERS_BYTES_MAX + 9;

/// A fixed buffer in front of a growing one.
///
/// Its length is a number of its own, not a vector's: it stays in a register from one write to the next, which
/// halves the time an event takes.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    bytes: &'a mut Vec<u8>,
    room: &'a mut [u8; ROOM],
    length: usize,
}

#[allow(clippy::inline_always, reason = "a call would put the length back into memory")]
impl<'a> Slot<'a> {
    #[inline(always)]
    pub(super) const fn new(bytes: &'a mut Vec<u8>, room: &'a mut [u8; ROOM]) -> Self {
        Self { bytes, room, length: 0 }
    }

    /// Move what was put together behind what was there before.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.bytes.extend_from_slice(&self.room[..self.length.min(ROOM)]);
        self.length = 0;
    }

    #[inline(always)]
    fn put(&mut self, marker: u8, value: u64, size: u8) {
        // The mask says what is so anyhow; told it, the compiler leaves its own check out.
        let at = self.length & (NUMBERS_BYTES_MAX - 1);
        self.room[at] = marker;
        self.room[at + 1..at + 9].copy_from_slice(&value.wrapping_shl(64 - 8 * u32::from(size)).to_be_bytes());
        self.length += 1 + usize::from(size);
    }

    #[inline(always)]
    pub(super) fn unsigned(&mut self, value: u64) {
        let (marker, size) = form(value);
        self.put(marker, value, size);
    }

    #[inline(always)]
    pub(super) fn signed(&mut self, value: i64) {
        let (marker, size) = if value < 0 { negative_form(value) } else { form(value.cast_unsigned()) };
        self.put(marker, value.cast_unsigned(), size);
    }

    #[inline(always)]
    pub(super) fn bool(&mut self, value: bool) {
        self.put(if value { 0xc3 } else { 0xc2 }, 0, 0);
    }

    /// Write the head of an array of less than 256 values.
    #[inline(always)]
    pub(super) fn array(&mut self, length: u8) {
        if length < 16 {
            self.put(0x90 | length, 0, 0);
        } else {
            self.put(0xdc, length.into(), 2);
        }
    }

    /// Write a string of any length, past the fixed buffer.
    #[inline(always)]
    pub(super) fn str(&mut self, value: &str) {
        self.flush();
        super::writer::put_str(self.bytes, value);
    }
}
