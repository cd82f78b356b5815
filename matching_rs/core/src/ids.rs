//! The ids clients gave their commands, each remembered while its order is open and for a window after.
//!
//! An id is kept as 96 bits of a `SipHash` keyed by the venue's secret, with 64 bits of its payload's. Entries are 36
//! bytes in chunks that never move; an index of 4-byte cells finds them: entry, distance from home and four more bits
//! of the hash. Cells nearer home give way to those further (robin hood), so a search ends early, and removal shifts
//! the followers back instead of leaving a tombstone. Ended ids queue up in order of their end; the oldest leaves first.

use std::hash::Hasher;

use siphasher::{sip::SipHasher13, sip128};

use crate::pool::low32;

/// The most ids a table can hold: an index cell has 22 bits for the entry, and 0 is "none".
pub const IDS_MAX: u32 = (1 << 22) - 1;

/// The longest id, bytes.
pub const ID_LENGTH_MAX: usize = 64;

const CHUNK_BITS: u32 = 10;
const CHUNK: u32 = 1 << CHUNK_BITS;
const LINK_BITS: u32 = 22;
const LINK_MASK: u64 = (1 << LINK_BITS) - 1;
const END_MAX: u64 = (1 << (64 - LINK_BITS)) - 1;
/// End times are kept in steps of 2²⁰ ns, rounded up: an id is never forgotten early.
const END_SHIFT: u32 = 20;
const DISTANCE_SHIFT: u32 = 22;
const DISTANCE_MAX: u32 = 63;
const TAG_SHIFT: u32 = 28;
const INDEX_MIN: usize = 1_024;

/// Set in an answer that is not about an order.
const NOT_ORDER: u64 = 1 << 63;

/// An id with its account, hashed under the venue's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u32; 3]);

/// What was first answered to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The order's id; 0: not an order.
    pub order_id: u64,
    /// Sequence of the first event.
    pub sequence: u64,
}

/// One remembered id, as it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    key: [u32; 3],
    fingerprint: [u32; 2],
    answer: [u32; 2],
    /// End time above, link to the next ended or free entry below.
    link: [u32; 2],
}

const _: () = assert!(size_of::<Entry>() == 36);
const BLANK: Entry = Entry { key: [0; 3], fingerprint: [0; 2], answer: [0; 2], link: [0; 2] };

const fn split(value: u64) -> [u32; 2] {
    [low32(value), low32(value >> 32)]
}

const fn join(halves: [u32; 2]) -> u64 {
    halves[0] as u64 | (halves[1] as u64) << 32
}

impl Entry {
    /// The payload's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        join(self.fingerprint)
    }

    /// What was first answered.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        let answer = join(self.answer);
        if answer & NOT_ORDER == 0 {
            Answer { order_id: answer, sequence: answer >> 20 }
        } else {
            Answer { order_id: 0, sequence: answer & !NOT_ORDER }
        }
    }

    const fn end(&self) -> u64 {
        join(self.link) >> LINK_BITS
    }

    const fn next(&self) -> u32 {
        low32(join(self.link) & LINK_MASK)
    }

    fn set_link(&mut self, end: u64, next: u32) {
        self.link = split(end << LINK_BITS | u64::from(next));
    }

    /// The entry as it is saved: its link, which is this table's own, left out.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 36] {
        let link = split(self.end() << LINK_BITS);
        let words = [self.key.as_slice(), &self.fingerprint, &self.answer, &link];
        let mut bytes = [0; 36];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words.into_iter().flatten()) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Its order is still open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.end() == 0
    }
}

/// Chunks of entries, numbered from 1; 0 is none.
#[derive(Clone, Debug, Default)]
struct Slab {
    chunks: Vec<Box<[Entry]>>,
    used: u32,
    free: u32,
}

impl Slab {
    #[inline]
    fn get(&self, entry: u32) -> &Entry {
        let place = entry - 1;
        &self.chunks[(place >> CHUNK_BITS) as usize][(place & (CHUNK - 1)) as usize]
    }

    #[inline]
    fn get_mut(&mut self, entry: u32) -> &mut Entry {
        let place = entry - 1;
        &mut self.chunks[(place >> CHUNK_BITS) as usize][(place & (CHUNK - 1)) as usize]
    }

    fn take(&mut self) -> u32 {
        if self.free != 0 {
            let entry = self.free;
            self.free = self.get(entry).next();
            return entry;
        }
        if self.used.is_multiple_of(CHUNK) {
            self.chunks.push(vec![BLANK; CHUNK as usize].into_boxed_slice());
        }
        self.used += 1;
        self.used
    }

    fn give(&mut self, entry: u32) {
        let free = self.free;
        let blank = self.get_mut(entry);
        *blank = BLANK;
        blank.set_link(0, free);
        self.free = entry;
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct Ids {
    keys: [u64; 2],
    slab: Slab,
    index: Vec<u32>,
    oldest: u32,
    newest: u32,
    count: u32,
    ended: u32,
    max: u32,
    window: u64,
}

impl Ids {
    /// Make an empty table for at most `max` ids, each kept for `window` ns after its end.
    #[must_use]
    pub fn new(max: u32, window: u64) -> Self {
        Self {
            keys: [0; 2],
            slab: Slab::default(),
            index: vec![0; INDEX_MIN],
            oldest: 0,
            newest: 0,
            count: 0,
            ended: 0,
            max: max.min(IDS_MAX),
            window,
        }
    }

    /// Set the venue's secret key.
    pub fn set_hash_key(&mut self, key: [u8; 16]) {
        let [low @ .., _, _, _, _, _, _, _, _] = key;
        let [_, _, _, _, _, _, _, _, high @ ..] = key;
        self.keys = [u64::from_le_bytes(low), u64::from_le_bytes(high)];
    }

    /// The venue's secret key.
    #[must_use]
    pub fn hash_key(&self) -> [u8; 16] {
        (u128::from(self.keys[0]) | u128::from(self.keys[1]) << 64).to_le_bytes()
    }

    /// Hash an account's id (1 to 64 bytes; a longer one is cut, so check before).
    #[must_use]
    #[inline]
    pub fn key(&self, account: u32, id: &str) -> Key {
        let mut bytes = [0; 4 + ID_LENGTH_MAX];
        let length = id.len().min(ID_LENGTH_MAX);
        bytes[..4].copy_from_slice(&account.to_le_bytes());
        bytes[4..4 + length].copy_from_slice(&id.as_bytes()[..length]);
        let hash = sip128::SipHasher13::new_with_keys(self.keys[0], self.keys[1]).hash(&bytes[..4 + length]);
        Key([low32(hash.h1), low32(hash.h1 >> 32), low32(hash.h2)])
    }

    /// Hash a command's payload, given as words.
    #[must_use]
    #[inline]
    pub fn fingerprint(&self, words: &[u64]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.keys[0], self.keys[1]);
        for word in words {
            hasher.write_u64(*word);
        }
        hasher.finish()
    }

    /// The entry of an id, expired or not.
    #[must_use]
    #[inline]
    pub fn find(&self, key: Key) -> Option<u32> {
        let mask = self.index.len() - 1;
        let mut place = home(key, mask);
        let tag = tag(key) >> DISTANCE_SHIFT;
        for away in 0..=DISTANCE_MAX {
            let cell = self.index[place];
            if cell == 0 || distance(cell) < away {
                return None;
            }
            if cell >> DISTANCE_SHIFT == tag | away {
                let entry = cell & low32(LINK_MASK);
                if self.slab.get(entry).key == key.0 {
                    return Some(entry);
                }
            }
            place = (place + 1) & mask;
        }
        None
    }

    /// The entry of an id that still counts at a time.
    #[inline]
    pub fn find_live(&mut self, key: Key, at: u64) -> Option<u32> {
        let entry = self.find(key)?;
        if !self.expired(entry, at) {
            return Some(entry);
        }
        // Ends queue in order of time, so all before it are past the window too.
        while self.find(key).is_some() && self.oldest != 0 {
            self.evict();
        }
        None
    }

    fn expired(&self, entry: u32, at: u64) -> bool {
        let end = self.slab.get(entry).end();
        end != 0 && (end << END_SHIFT).saturating_add(self.window) <= at
    }

    /// A remembered id.
    #[must_use]
    pub fn get(&self, entry: u32) -> &Entry {
        self.slab.get(entry)
    }

    /// Forget what is past the window, a few at a time, and make room for one more; false: every id's order is open.
    #[inline]
    pub fn make_room(&mut self, at: u64) -> bool {
        for _ in 0..4 {
            if self.oldest == 0 || !self.expired(self.oldest, at) {
                break;
            }
            self.evict();
        }
        while self.count >= self.max {
            if self.oldest == 0 {
                return false;
            }
            self.evict();
        }
        true
    }

    /// How many more ids could be taken by forgetting ended ones.
    #[must_use]
    pub fn room(&self) -> u32 {
        self.max.saturating_sub(self.count) + self.ended
    }

    /// Remember an id; it counts as open until `end`.
    #[inline]
    pub fn insert(&mut self, key: Key, fingerprint: u64, answer: Answer) -> u32 {
        let entry = self.slab.take();
        let packed = if answer.order_id == 0 { answer.sequence | NOT_ORDER } else { answer.order_id };
        *self.slab.get_mut(entry) =
            Entry { key: key.0, fingerprint: split(fingerprint), answer: split(packed), link: [0; 2] };
        self.count += 1;
        // Grown at four fifths; 64 bits, so that no size overflows.
        if u64::from(self.count) * 5 > self.index.len() as u64 * 4 {
            self.grow();
        } else {
            self.seat(key, entry);
        }
        entry
    }

    #[inline]
    fn seat(&mut self, key: Key, entry: u32) {
        if !seat(&mut self.index, key, entry) {
            self.grow();
        }
    }

    /// Double the index until every entry has a seat near its home.
    #[cold]
    fn grow(&mut self) {
        let mut size = self.index.len() * 2;
        // Further doubling would not help: it would take more than 63 ids with one 32-bit hash.
        let size_max = (self.slab.used as usize * 16).next_power_of_two();
        while size <= size_max {
            let mut index = vec![0; size];
            let all = (1..=self.slab.used).all(|entry| {
                let found = self.slab.get(entry);
                join(found.answer) == 0 || seat(&mut index, Key(found.key), entry)
            });
            if all {
                self.index = index;
                return;
            }
            size *= 2;
        }
    }

    /// Start an id's window: its order has ended.
    #[inline]
    pub fn end(&mut self, entry: u32, at: u64) {
        let end = ((at >> END_SHIFT) + 1).min(END_MAX);
        self.append(entry, end);
    }

    fn append(&mut self, entry: u32, end: u64) {
        self.slab.get_mut(entry).set_link(end, 0);
        if self.newest == 0 {
            self.oldest = entry;
        } else {
            let before = self.slab.get_mut(self.newest);
            let end = before.end();
            before.set_link(end, entry);
        }
        self.newest = entry;
        self.ended += 1;
    }

    fn evict(&mut self) {
        let entry = self.oldest;
        self.oldest = self.slab.get(entry).next();
        if self.oldest == 0 {
            self.newest = 0;
        }
        unseat(&mut self.index, Key(self.slab.get(entry).key), entry);
        self.slab.give(entry);
        self.count -= 1;
        self.ended -= 1;
    }

    /// Ended ids, oldest end first.
    pub fn ended(&self) -> impl Iterator<Item = &Entry> + '_ {
        let mut entry = self.oldest;
        (0..self.ended).map(move |_| {
            let this = self.slab.get(entry);
            entry = this.next();
            this
        })
    }

    /// Put a saved id back, behind those put back before; nothing when it is there already or not sound.
    pub fn put_back(&mut self, bytes: &[u8; 36]) -> Option<u32> {
        let mut words = bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let mut next = || words.next().unwrap_or(0);
        let key = Key([next(), next(), next()]);
        let (fingerprint, answer, link) = ([next(), next()], [next(), next()], [next(), next()]);
        let saved = Entry { key: key.0, fingerprint, answer, link };
        if join(answer) == 0 || self.count >= IDS_MAX || self.find(key).is_some() {
            return None;
        }
        let entry = self.insert(key, saved.fingerprint(), saved.answer());
        if !saved.is_open() {
            if saved.end() < self.newest_end() {
                return None;
            }
            self.append(entry, saved.end());
        }
        (self.find(key) == Some(entry)).then_some(entry)
    }

    fn newest_end(&self) -> u64 {
        if self.newest == 0 { 0 } else { self.slab.get(self.newest).end() }
    }

    /// How many ids are remembered.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// None is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes taken from the allocator.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let chunks = self.slab.chunks.len() * (CHUNK as usize * size_of::<Entry>() + size_of::<Box<[Entry]>>());
        (chunks + self.index.len() * size_of::<u32>()) as u64
    }
}

const fn home(key: Key, mask: usize) -> usize {
    key.0[0] as usize & mask
}

const fn tag(key: Key) -> u32 {
    key.0[1] << TAG_SHIFT
}

const fn distance(cell: u32) -> u32 {
    cell >> DISTANCE_SHIFT & DISTANCE_MAX
}

/// Give an entry a cell; false when one would come to lie too far from its home and lost it.
#[inline]
fn seat(index: &mut [u32], key: Key, entry: u32) -> bool {
    let mask = index.len() - 1;
    let mut place = home(key, mask);
    let mut cell = tag(key) | entry;
    loop {
        let there = index[place];
        if there == 0 {
            index[place] = cell;
            return true;
        }
        if distance(there) < distance(cell) {
            index[place] = cell;
            cell = there;
        }
        if distance(cell) == DISTANCE_MAX {
            return false;
        }
        cell += 1 << DISTANCE_SHIFT;
        place = (place + 1) & mask;
    }
}

/// Take an entry's cell away and shift those behind it nearer to their homes.
fn unseat(index: &mut [u32], key: Key, entry: u32) {
    let mask = index.len() - 1;
    let mut place = home(key, mask);
    for _ in 0..=DISTANCE_MAX {
        if index[place] & low32(LINK_MASK) == entry {
            break;
        }
        place = (place + 1) & mask;
    }
    if index[place] & low32(LINK_MASK) != entry {
        return;
    }
    loop {
        let behind = (place + 1) & mask;
        let cell = index[behind];
        if cell == 0 || distance(cell) == 0 {
            index[place] = 0;
            return;
        }
        index[place] = cell - (1 << DISTANCE_SHIFT);
        place = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;

    fn filled(count: u64, max: u32) -> Ids {
        let mut ids = Ids::new(max, HOUR);
        ids.set_hash_key([7; 16]);
        for n in 0..count {
            let key = ids.key(3, &format!("id-{n}"));
            assert!(ids.find_live(key, n).is_none() && ids.make_room(n));
            let entry = ids.insert(key, n, Answer { order_id: (n + 1) << 20, sequence: n + 1 });
            ids.end(entry, n);
        }
        ids
    }

    fn order_of(ids: &Ids, n: u64) -> Option<u64> {
        ids.find(ids.key(3, &format!("id-{n}"))).map(|entry| ids.get(entry).answer().sequence - 1)
    }

    #[test]
    fn every_remembered_id_is_found_and_no_other() {
        let ids = filled(20_000, IDS_MAX);
        for n in 0..20_000 {
            assert_eq!(order_of(&ids, n), Some(n));
        }
        assert_eq!(order_of(&ids, 20_000), None);
        assert_ne!(ids.key(3, "id-1"), ids.key(4, "id-1"), "ids are an account's own");
    }

    #[test]
    fn at_the_bound_the_oldest_end_leaves_first() {
        let ids = filled(5_000, 1_000);
        assert_eq!(ids.len(), 1_000);
        for n in 0..5_000 {
            assert_eq!(order_of(&ids, n), (n >= 4_000).then_some(n), "id {n}");
        }
    }

    #[test]
    fn ids_of_open_orders_stay_and_fill_the_table() {
        let mut ids = Ids::new(2, HOUR);
        for n in 0..2 {
            assert!(ids.make_room(0));
            let key = ids.key(3, &format!("id-{n}"));
            ids.insert(key, 0, Answer { order_id: 1 << 20, sequence: 1 });
        }
        assert!(!ids.make_room(u64::MAX), "nothing may leave");
        let first = ids.find(ids.key(3, "id-0")).unwrap();
        ids.end(first, 5);
        assert!(ids.make_room(6), "an ended one may");
        assert_eq!((order_of(&ids, 0), ids.len()), (None, 1));
    }

    #[test]
    fn an_id_counts_until_its_window_has_passed() {
        let mut ids = filled(100, IDS_MAX);
        let key = ids.key(3, "id-50");
        assert!(ids.find_live(key, 50 + HOUR).is_some());
        assert!(ids.find_live(key, 50 + HOUR + (2 << END_SHIFT)).is_none());
        assert!(ids.len() < 50, "those that ended before it left with it");
    }

    #[test]
    fn a_saved_id_comes_back_as_it_was() {
        let ids = filled(3_000, 1_000);
        let mut again = Ids::new(1_000, HOUR);
        again.set_hash_key(ids.hash_key());
        for entry in ids.ended() {
            assert!(again.put_back(&entry.to_bytes()).is_some());
        }
        assert!(again.put_back(&ids.ended().next().unwrap().to_bytes()).is_none(), "twice is refused");
        let bytes = |ids: &Ids| ids.ended().map(|entry| entry.to_bytes()).collect::<Vec<_>>();
        assert_eq!(bytes(&ids), bytes(&again));
        for n in 0..3_000 {
            assert_eq!(order_of(&ids, n), order_of(&again, n));
        }
    }

    #[test]
    fn a_remembered_id_takes_at_most_48_bytes() {
        for count in [13_108, 20_000, 26_215, 52_430, 104_858, 150_000] {
            let ids = filled(count, IDS_MAX);
            assert!(ids.bytes() <= 48 * count, "{count} ids: {} bytes each", ids.bytes() / count);
        }
    }

    #[test]
    fn ids_that_share_a_hash_do_no_harm() {
        let mut ids = Ids::new(IDS_MAX, HOUR);
        for n in 0..200 {
            ids.insert(Key([1, 2, n]), 0, Answer { order_id: 1 << 20, sequence: 1 });
        }
        assert!(ids.find(Key([9, 2, 0])).is_none());
        assert!(ids.index.len() <= 1 << 20, "the index does not grow without bound");
    }
}
