//! Writes MessagePack values in their shortest form into one growing buffer.

use super::slot::{ROOM, Slot};

/// Marker and size of the shortest unsigned form, by the number of leading zero bits.
const FORMS: [(u8, u8); 65] = {
    let mut forms = [(0xcf, 8); 65];
    let mut zeros = 32;
    while zeros <= 64 {
        forms[zeros] = match zeros {
            32..48 => (0xce, 4),
            48..56 => (0xcd, 2),
            _ => (0xcc, 1),
        };
        zeros += 1;
    }
    forms
};

/// Marker and size of a number's shortest form.
#[inline]
pub(super) fn form(value: u64) -> (u8, u8) {
    match u8::try_from(value) {
        Ok(small) if small < 0x80 => (small, 0),
        _ => FORMS[value.leading_zeros() as usize],
    }
}

/// The same of a number below 0.
#[inline]
pub(super) const fn negative_form(value: i64) -> (u8, u8) {
    match value {
        -32.. => (value.to_le_bytes()[0], 0),
        -0x80.. => (0xd0, 1),
        -0x8000.. => (0xd1, 2),
        -0x8000_0000.. => (0xd2, 4),
        _ => (0xd3, 8),
    }
}

/// Write a marker and the `size` low bytes of `value`. All nine bytes are stored and the surplus cut off: one
/// store of a fixed size costs less than one of a size the processor has to wait for.
#[inline]
fn put(bytes: &mut Vec<u8>, marker: u8, value: u64, size: u8) {
    let mut slot = [0; 9];
    slot[0] = marker;
    let [_, tail @ ..] = &mut slot;
    *tail = value.wrapping_shl(64 - 8 * u32::from(size)).to_be_bytes();
    let end = bytes.len() + 1 + usize::from(size);
    bytes.extend_from_slice(&slot);
    bytes.truncate(end);
}

#[inline]
pub(super) fn put_str(bytes: &mut Vec<u8>, value: &str) {
    let length = value.len() as u64;
    match length {
        0..32 => bytes.push(0xa0 | value.len().to_le_bytes()[0]),
        32..0x100 => put(bytes, 0xd9, length, 1),
        0x100..0x1_0000 => put(bytes, 0xda, length, 2),
        _ => put(bytes, 0xdb, length, 4),
    }
    bytes.extend_from_slice(value.as_bytes());
}

/// A growing buffer of MessagePack values.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    room: [u8; ROOM],
}

impl Default for Writer {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl Writer {
    /// Make an empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), room: [0; ROOM] }
    }

    /// Begin an event.
    #[inline]
    pub(super) fn slot(&mut self) -> Slot<'_> {
        Slot::new(&mut self.bytes, &mut self.room)
    }

    /// What was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written, for good.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forget what was written, keep the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Write an integer of at least 0.
    #[inline]
    pub fn unsigned(&mut self, value: u64) {
        let (marker, size) = form(value);
        put(&mut self.bytes, marker, value, size);
    }

    /// Write an integer.
    #[inline]
    pub fn signed(&mut self, value: i64) {
        let (marker, size) = if value < 0 { negative_form(value) } else { form(value.cast_unsigned()) };
        put(&mut self.bytes, marker, value.cast_unsigned(), size);
    }

    /// Write true or false.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    /// Write nil.
    #[inline]
    pub fn nil(&mut self) {
        self.bytes.push(0xc0);
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
        put_str(&mut self.bytes, value);
    }

    /// Write bytes.
    pub fn bin(&mut self, value: &[u8]) {
        let length = value.len() as u64;
        match length {
            0..0x100 => put(&mut self.bytes, 0xc4, length, 1),
            0x100..0x1_0000 => put(&mut self.bytes, 0xc5, length, 2),
            _ => put(&mut self.bytes, 0xc6, length, 4),
        }
        self.bytes.extend_from_slice(value);
    }

    /// Write the head of an array of `length` values.
    #[inline]
    pub fn array(&mut self, length: usize) {
        let wide = length as u64;
        match wide {
            0..16 => self.bytes.push(0x90 | length.to_le_bytes()[0]),
            16..0x1_0000 => put(&mut self.bytes, 0xdc, wide, 2),
            _ => put(&mut self.bytes, 0xdd, wide, 4),
        }
    }

    /// Append bytes that are encoded already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Put a u32 (little endian) at `offset`, over what stands there.
    pub(crate) fn patch(&mut self, offset: usize, value: u32) {
        if let Some(slot) = self.bytes.get_mut(offset..offset + 4) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    }
}
