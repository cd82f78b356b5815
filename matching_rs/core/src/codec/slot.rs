//! Where an event's values are put together: room for all of them, so that no write asks whether there is any.
#![allow(clippy::inline_always, reason = "a call would put the length back into memory")]

use super::forms::{Form, form, signed_form};
use crate::command::ID_BYTES_MAX;

/// No event begins a value further in: none has more than 21 numbers of nine bytes each, and one string.
const VALUES_FROM_MAX: usize = 256;

/// What an event has ahead of it: any value from any of these places.
pub(super) const ROOM: usize = 2 * VALUES_FROM_MAX;

/// The room behind what a writer wrote, and how much of it is taken.
///
/// The latter is a number of its own, not the writer's: it stays in a register from one value to the next, which halves
/// the time an event takes.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    room: &'a mut [u8; ROOM],
    length: usize,
    written: &'a mut usize,
}

impl<'a> Slot<'a> {
    #[inline(always)]
    pub(super) const fn new(room: &'a mut [u8; ROOM], written: &'a mut usize) -> Self {
        Self { room, length: 0, written }
    }

    /// Count what was put together as written.
    #[inline(always)]
    pub(super) const fn flush(&mut self) {
        *self.written += self.length;
        self.length = 0;
    }

    /// The place of the next value. The mask says what is so anyhow; told it, the compiler leaves its own check out.
    #[inline(always)]
    const fn place(&self) -> usize {
        self.length & (VALUES_FROM_MAX - 1)
    }

    #[inline(always)]
    fn put(&mut self, form: Form, value: u64) {
        let at = self.place();
        self.room[at] = form.marker(value);
        self.room[at + 1..at + 9].copy_from_slice(&form.tail(value));
        self.length += usize::from(form.bytes);
    }

    /// Write bytes that are encoded already, a few.
    #[inline(always)]
    pub(super) fn raw<const N: usize>(&mut self, bytes: [u8; N]) {
        let at = self.place();
        self.room[at..at + N].copy_from_slice(&bytes);
        self.length += N;
    }

    #[inline(always)]
    pub(super) fn unsigned(&mut self, value: u64) {
        self.put(form(value), value);
    }

    #[inline(always)]
    pub(super) fn signed(&mut self, value: i64) {
        self.put(signed_form(value), value.cast_unsigned());
    }

    #[inline(always)]
    pub(super) fn bool(&mut self, value: bool) {
        self.raw([if value { 0xc3 } else { 0xc2 }]);
    }

    /// Write the head of an array of less than 256 values.
    #[inline(always)]
    pub(super) fn array(&mut self, length: u8) {
        if length < 16 {
            self.raw([0x90 | length]);
        } else {
            self.raw([0xdc, 0, length]);
        }
    }

    /// Write a string. Ids and symbols are bounded where they are read; what is longer here is cut.
    #[inline(always)]
    pub(super) fn str(&mut self, value: &str) {
        let length = value.len().min(ID_BYTES_MAX);
        let shown = length.to_le_bytes()[0];
        if length < 32 {
            self.raw([0xa0 | shown]);
        } else {
            self.raw([0xd9, shown]);
        }
        let at = self.place();
        copy(&mut self.room[at..at + ID_BYTES_MAX], &value.as_bytes()[..length]);
        self.length += length;
    }
}

/// Copy a few bytes, eight at a time, the last eight twice where there are any: a call would cost more than the work.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    let to = &mut to[..from.len()];
    if let (Some(last), Some(place)) = (from.last_chunk::<8>(), to.last_chunk_mut::<8>()) {
        *place = *last;
        for (place, word) in to.as_chunks_mut::<8>().0.iter_mut().zip(from.as_chunks::<8>().0) {
            *place = *word;
        }
    } else {
        for (place, byte) in to.iter_mut().zip(from) {
            *place = *byte;
        }
    }
}
