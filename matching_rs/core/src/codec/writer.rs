//! Writes `MessagePack` values in their shortest form into one growing buffer.

use super::forms::{Form, form, signed_form};
use super::slot::{ROOM, Slot};

/// A growing buffer of `MessagePack` values.
///
/// Behind what was written there are always some bytes of room, so that most writes are of a fixed size.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// What was written, and the room behind it.
    bytes: Vec<u8>,
    length: usize,
}

impl Writer {
    /// Make an empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity], length: 0 }
    }

    /// The room for the next event.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call would put the length back into memory")]
    pub(super) fn slot(&mut self) -> Slot<'_> {
        Slot::new(room(&mut self.bytes, self.length), &mut self.length)
    }

    /// What was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// What was written, for good.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.length);
        self.bytes
    }

    /// How many bytes were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forget what was written, keep the room.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Forget what was written from `length` on.
    pub(crate) fn cut(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    #[inline]
    fn put(&mut self, form: Form, value: u64) {
        let room: &mut [u8; 9] = room(&mut self.bytes, self.length);
        let [marker, tail @ ..] = room;
        *marker = form.marker(value);
        *tail = form.tail(value);
        self.length += usize::from(form.bytes);
    }

    #[inline]
    fn byte(&mut self, value: u8) {
        *room(&mut self.bytes, self.length) = [value];
        self.length += 1;
    }

    /// Write an integer of at least 0.
    #[inline]
    pub fn unsigned(&mut self, value: u64) {
        self.put(form(value), value);
    }

    /// Write an integer.
    #[inline]
    pub fn signed(&mut self, value: i64) {
        self.put(signed_form(value), value.cast_unsigned());
    }

    /// Write true or false.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.byte(if value { 0xc3 } else { 0xc2 });
    }

    /// Write nil.
    #[inline]
    pub fn nil(&mut self) {
        self.byte(0xc0);
    }

    /// Write nil for none, anything else by `write`.
    pub fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.nil(),
        }
    }

    /// Write a string.
    #[inline]
    pub fn str(&mut self, value: &str) {
        let length = value.len() as u64;
        match length {
            0..32 => self.byte(0xa0 | value.len().to_le_bytes()[0]),
            32..0x100 => self.put(Form::wide(0xd9, 1), length),
            0x100..0x1_0000 => self.put(Form::wide(0xda, 2), length),
            _ => self.put(Form::wide(0xdb, 4), length),
        }
        self.raw(value.as_bytes());
    }

    /// Write bytes.
    pub fn bin(&mut self, value: &[u8]) {
        let length = value.len() as u64;
        match length {
            0..0x100 => self.put(Form::wide(0xc4, 1), length),
            0x100..0x1_0000 => self.put(Form::wide(0xc5, 2), length),
            _ => self.put(Form::wide(0xc6, 4), length),
        }
        self.raw(value);
    }

    /// Write the head of an array of `length` values.
    #[inline]
    pub fn array(&mut self, length: usize) {
        let wide = length as u64;
        match wide {
            0..16 => self.byte(0x90 | length.to_le_bytes()[0]),
            16..0x1_0000 => self.put(Form::wide(0xdc, 2), wide),
            _ => self.put(Form::wide(0xdd, 4), wide),
        }
    }

    /// Append bytes that are encoded already.
    pub fn raw(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if end > self.bytes.len() {
            lengthen(&mut self.bytes, end);
        }
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Put a u32 (little endian) at `offset`, over what stands there.
    #[inline]
    pub(crate) fn patch(&mut self, offset: usize, value: u32) {
        if let Some(slot) = self.bytes.get_mut(offset..).and_then(<[u8]>::first_chunk_mut) {
            *slot = value.to_le_bytes();
        }
    }
}

/// The `N` bytes from `length` on, made if they are not there.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as of `slot`")]
fn room<const N: usize>(bytes: &mut Vec<u8>, length: usize) -> &mut [u8; N] {
    if bytes.len() < length + N {
        lengthen(bytes, length + N.max(ROOM));
    }
    match bytes[length..].first_chunk_mut() {
        Some(room) => room,
        None => unreachable!("just made"),
    }
}

/// At least twice as long, so that this is rare.
#[cold]
fn lengthen(bytes: &mut Vec<u8>, least: usize) {
    bytes.resize(least.max(2 * bytes.len()), 0);
}
