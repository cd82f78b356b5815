//! Writes `MessagePack` values in their shortest form into one growing buffer.

use super::slot::{ROOM, Slot};

/// How a number is written: its marker, which of its own low bits the marker takes in, how many bytes marker and number
/// take together, and how far the number is shifted up to stand behind its marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    marker: u8,
    own: u8,
    pub(super) bytes: u8,
    shift: u8,
}

impl Form {
    const fn wide(marker: u8, size: u8) -> Self {
        Self { marker, own: 0, bytes: 1 + size, shift: 64 - 8 * size }
    }

    /// The number is its marker.
    const fn small(own: u8) -> Self {
        Self { marker: 0, own, bytes: 1, shift: 0 }
    }

    /// The marker's byte.
    #[inline]
    pub(super) const fn marker(self, value: u64) -> u8 {
        self.marker | (value.to_le_bytes()[0] & self.own)
    }

    /// The bytes behind it; what is past `bytes` means nothing.
    #[inline]
    pub(super) const fn tail(self, value: u64) -> [u8; 8] {
        value.wrapping_shl(self.shift as u32).to_be_bytes()
    }
}

/// So many numbers of leading bits there are: 0 to 64.
const BELOW: usize = 65;

/// The shortest form of a number of at least 0, by its leading zero bits, and `BELOW` further on of one below 0, by its
/// leading ones.
const FORMS: [Form; 2 * BELOW] = {
    let mut forms = [Form::wide(0xcf, 8); 2 * BELOW];
    let mut bits = 0;
    while bits <= 64 {
        forms[bits] = match bits {
            0..32 => Form::wide(0xcf, 8),
            32..48 => Form::wide(0xce, 4),
            48..56 => Form::wide(0xcd, 2),
            56 => Form::wide(0xcc, 1),
            _ => Form::small(0x7f),
        };
        forms[BELOW + bits] = match bits {
            0..33 => Form::wide(0xd3, 8),
            33..49 => Form::wide(0xd2, 4),
            49..57 => Form::wide(0xd1, 2),
            57 | 58 => Form::wide(0xd0, 1),
            _ => Form::small(0xff),
        };
        bits += 1;
    }
    forms
};

/// The shortest form of a number of at least 0.
#[inline]
pub(super) fn form(value: u64) -> Form {
    FORMS[value.leading_zeros() as usize]
}

/// The shortest form of any number; no branch on its sign, which of many numbers is as good as random.
#[inline]
pub(super) fn signed_form(value: i64) -> Form {
    let below = (value >> 63).cast_unsigned();
    let bits = (value.cast_unsigned() ^ below).leading_zeros() as usize;
    // Told that there are no more, the compiler leaves its own check out.
    FORMS[(bits + usize::from(value < 0) * BELOW).min(FORMS.len() - 1)]
}

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
