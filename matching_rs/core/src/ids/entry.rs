//! One remembered id, and the chunks they are kept in.

use prefetch_index::prefetch_index;

use super::index::Key;
use crate::bits::low32;
use crate::book::pool::sequence_of;

/// Bytes of a saved id.
pub(crate) const SAVED_BYTES: usize = 36;

const CHUNK_BITS: u32 = 10;
const CHUNK: u32 = 1 << CHUNK_BITS;

/// Set in an answer that is not about an order.
const NOT_ORDER: u64 = 1 << 63;

/// What was first answered to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The order's id; 0: not an order.
    pub order_id: u64,
    /// Sequence of the first event.
    pub sequence: u64,
}

impl Answer {
    pub const fn pack(self) -> u64 {
        if self.order_id == 0 { self.sequence | NOT_ORDER } else { self.order_id }
    }

    pub const fn unpack(packed: u64) -> Self {
        if packed & NOT_ORDER == 0 {
            Self { order_id: packed, sequence: sequence_of(packed) }
        } else {
            Self { order_id: 0, sequence: packed & !NOT_ORDER }
        }
    }
}

/// One remembered id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    key: [u32; 3],
    fingerprint: [u32; 2],
    answer: [u32; 2],
}

const _: () = assert!(size_of::<Entry>() == 28);
const BLANK: Entry = Entry { key: [0; 3], fingerprint: [0; 2], answer: [0; 2] };

const fn split(value: u64) -> [u32; 2] {
    [low32(value), low32(value >> 32)]
}

pub(crate) const fn join(halves: [u32; 2]) -> u64 {
    halves[0] as u64 | (halves[1] as u64) << 32
}

impl Entry {
    /// What is remembered of an id.
    #[inline]
    pub const fn new(key: Key, fingerprint: u64, answer: Answer) -> Self {
        Self { key: key.words(), fingerprint: split(fingerprint), answer: split(answer.pack()) }
    }

    /// The id's hash.
    #[inline]
    pub const fn key(&self) -> Key {
        Key::from_words(self.key)
    }

    /// The payload's fingerprint.
    pub const fn fingerprint(&self) -> u64 {
        join(self.fingerprint)
    }

    /// What was first answered.
    pub const fn answer(&self) -> Answer {
        Answer::unpack(join(self.answer))
    }

    pub fn save(&self, end: u64) -> [u8; SAVED_BYTES] {
        let end = split(end);
        let words = [self.key.as_slice(), &self.fingerprint, &self.answer, &end];
        let mut bytes = [0; SAVED_BYTES];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words.into_iter().flatten()) {
            *place = word.to_le_bytes();
        }
        bytes
    }
}

/// Chunks of entries, numbered from 1, and apart from them what is known of their ends; 0 is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slab {
    chunks: Vec<Box<[Entry]>>,
    ends: Vec<Box<[u64]>>,
    used: u32,
    free: u32,
}

const fn place_of(entry: u32) -> (usize, usize) {
    let place = entry.wrapping_sub(1);
    ((place >> CHUNK_BITS) as usize, (place & (CHUNK - 1)) as usize)
}

impl Slab {
    #[inline]
    pub fn get(&self, entry: u32) -> &Entry {
        let (chunk, place) = place_of(entry);
        &self.chunks[chunk][place]
    }

    #[inline]
    pub fn get_mut(&mut self, entry: u32) -> &mut Entry {
        let (chunk, place) = place_of(entry);
        &mut self.chunks[chunk][place]
    }

    /// What is known of an entry's end; 0: its order is open.
    #[inline]
    pub fn end(&self, entry: u32) -> u64 {
        let (chunk, place) = place_of(entry);
        self.ends[chunk][place]
    }

    /// The same, to change.
    #[inline]
    pub fn end_mut(&mut self, entry: u32) -> &mut u64 {
        let (chunk, place) = place_of(entry);
        &mut self.ends[chunk][place]
    }

    /// Prefetch what is known of an entry's end.
    #[inline]
    pub fn foresee_end(&self, entry: u32) {
        let (chunk, place) = place_of(entry);
        if let Some(ends) = self.ends.get(chunk) {
            prefetch_index(ends, place);
        }
    }

    /// Prefetch an entry, and what is known of its end.
    #[inline]
    pub fn foresee(&self, entry: u32) {
        let (chunk, place) = place_of(entry);
        if let Some(entries) = self.chunks.get(chunk) {
            prefetch_index(entries, place);
            // Two of five entries lie in two lines.
            prefetch_index(entries, place + 1);
        }
        if let Some(ends) = self.ends.get(chunk) {
            prefetch_index(ends, place);
        }
    }

    /// A place for an entry: one given back, or behind all others. Written is there, not handed over in parts that would
    /// be read as a whole before they have arrived.
    #[inline]
    pub fn place(&mut self) -> u32 {
        if self.free != 0 {
            return self.take_back();
        }
        if self.used.is_multiple_of(CHUNK) {
            self.chunks.push(vec![BLANK; CHUNK as usize].into_boxed_slice());
            self.ends.push(vec![0; CHUNK as usize].into_boxed_slice());
        }
        self.used += 1;
        self.used
    }

    #[inline]
    fn take_back(&mut self) -> u32 {
        let place = self.free;
        self.free = self.get(place).key[0];
        place
    }

    /// A blank entry's key holds the next free one.
    #[inline]
    pub fn give(&mut self, entry: u32) {
        *self.get_mut(entry) = Entry { key: [self.free, 0, 0], ..BLANK };
        *self.end_mut(entry) = 0;
        self.free = entry;
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> usize {
        let chunk = CHUNK as usize * (size_of::<Entry>() + size_of::<u64>());
        self.chunks.len() * (chunk + 2 * size_of::<Box<[Entry]>>())
    }
}
