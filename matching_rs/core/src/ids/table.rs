//! The ids clients gave their commands, each remembered while its order is open and for a window after.
//!
//! An entry is 28 bytes in chunks that never move: 96 bits of the id's `SipHash` under the venue's secret key, 64 bits of
//! its payload's, and the first answer. When its order ends it queues up with its end, 8 bytes more; the oldest end leaves
//! first. A queue of its own means that ending an order does not touch an entry long out of cache.

use super::ends::Ends;
use super::entry::{Answer, Entry, SAVED_BYTES, Slab, join};
use super::index::{ENTRIES, Index, Key, Probe, Vacancy};
use super::sip::Sip;
use crate::bits::low32;

/// The most ids a table can hold.
pub(crate) const IDS_MAX: u32 = ENTRIES - 1;

/// An end is queued as its entry and, above these bits, its time.
const ENTRY_BITS: u32 = 22;
/// End times are kept in steps of 2²⁰ ns, rounded up: an id is never forgotten early.
const END_SHIFT: u32 = 20;
/// Ids forgotten for their age with each new one: more than come in, so age is no backlog; few, so none waits long.
const EVICTED_AT_ONCE: u32 = 4;

/// Where a new id is to be remembered, until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    key: Key,
    vacancy: Option<Vacancy>,
}

/// What the table says about an id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recognised {
    /// It is new; there is room for it.
    New(Seat),
    /// It was seen: the entry.
    Seen(u32),
    /// It is new, and every remembered id's order is open.
    Full,
}

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    sip: Sip,
    slab: Slab,
    index: Index,
    ends: Ends,
    count: u32,
    max: u32,
    window: u64,
}

impl Ids {
    /// Make an empty table for at most `max` ids, each kept for `window` ns after its end.
    pub fn new(max: u32, window: u64) -> Self {
        Self {
            sip: Sip::new([0; 2]),
            slab: Slab::default(),
            index: Index::default(),
            ends: Ends::default(),
            count: 0,
            max: max.min(IDS_MAX),
            window,
        }
    }

    /// Set the venue's secret key.
    pub fn set_hash_key(&mut self, key: [u8; 16]) {
        let [low @ .., _, _, _, _, _, _, _, _] = key;
        let [_, _, _, _, _, _, _, _, high @ ..] = key;
        self.sip = Sip::new([u64::from_le_bytes(low), u64::from_le_bytes(high)]);
    }

    /// The venue's secret key.
    pub fn hash_key(&self) -> [u8; 16] {
        let [low, high] = self.sip.key();
        (u128::from(low) | u128::from(high) << 64).to_le_bytes()
    }

    /// Hash an account's id.
    #[inline]
    pub fn key(&self, account: u32, id: &str) -> Key {
        let [low, high] = self.sip.hash(account, id.as_bytes());
        Key::new(low, low32(high))
    }

    /// Hash a command's payload, given as words.
    #[inline]
    pub fn fingerprint(&self, words: &[u64]) -> u64 {
        self.sip.fold(words)
    }

    /// Prefetch what recognising an id will read.
    #[inline]
    pub fn foresee(&self, key: Key) {
        self.index.foresee(key);
    }

    #[inline]
    fn probe(&self, key: Key) -> Probe {
        self.index.probe(key, |entry| self.slab.get(entry).key() == key)
    }

    /// The entry of an id, though its window may have passed.
    pub fn find(&self, key: Key) -> Option<u32> {
        match self.probe(key) {
            Probe::Found(entry) => Some(entry),
            Probe::Missing(_) => None,
        }
    }

    /// Where an id goes if it plainly is new, there is room, and no other id is to be forgotten now.
    #[inline]
    pub fn seat_plainly(&self, key: Key, at: u64) -> Option<Seat> {
        let vacancy = self.index.vacancy(key)?;
        let room = (self.count < self.max) & self.index.has_room(self.count + 1) & !self.oldest_is_past(at);
        room.then_some(Seat { key, vacancy: Some(vacancy) })
    }

    /// Look an id up at a time, and make room for it if it is new.
    #[inline]
    pub fn recognise(&mut self, key: Key, at: u64) -> Recognised {
        match self.probe(key) {
            Probe::Missing(Some(vacancy)) if self.count < self.max && !self.oldest_is_past(at) => {
                Recognised::New(Seat { key, vacancy: Some(vacancy) })
            }
            probe => self.recognise_slowly(key, at, probe),
        }
    }

    #[cold]
    fn recognise_slowly(&mut self, key: Key, at: u64, probe: Probe) -> Recognised {
        if let Probe::Found(_) = probe
            && let Some(entry) = self.recall(key, at)
        {
            return Recognised::Seen(entry);
        }
        if !self.make_room(at) {
            return Recognised::Full;
        }
        match self.probe(key) {
            Probe::Missing(vacancy) => Recognised::New(Seat { key, vacancy }),
            Probe::Found(entry) => Recognised::Seen(entry),
        }
    }

    /// The entry of an id whose window has not passed: so what has passed is forgotten first.
    pub fn recall(&mut self, key: Key, at: u64) -> Option<u32> {
        while self.oldest_is_past(at) {
            self.evict();
        }
        self.find(key)
    }

    #[inline]
    fn oldest_is_past(&self, at: u64) -> bool {
        let end = self.ends.first().map(|end| (end >> ENTRY_BITS << END_SHIFT).saturating_add(self.window));
        end.is_some_and(|end| end <= at)
    }

    /// A remembered id.
    pub fn get(&self, entry: u32) -> &Entry {
        self.slab.get(entry)
    }

    /// Forget what is past the window, a few at a time, and make room for one more; false: every id's order is open.
    fn make_room(&mut self, at: u64) -> bool {
        for _ in 0..EVICTED_AT_ONCE {
            if !self.oldest_is_past(at) {
                break;
            }
            self.evict();
        }
        while self.count >= self.max {
            if !self.evict() {
                return false;
            }
        }
        true
    }

    /// How many more ids could be taken by forgetting ended ones.
    pub fn room(&self) -> usize {
        self.max.saturating_sub(self.count) as usize + self.ends.count
    }

    /// Remember an id just recognised as new; it counts as open until `end`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn insert(&mut self, seat: Seat, fingerprint: u64, answer: Answer) -> u32 {
        let key = seat.key;
        let entry = self.slab.place();
        *self.slab.get_mut(entry) = Entry::new(key, fingerprint, answer);
        self.count += 1;
        match seat.vacancy {
            Some(vacancy) if self.index.has_room(self.count) => self.index.seat(key, entry, vacancy),
            _ => self.index.grow(self.count as usize, || self.slab.iter()),
        }
        entry
    }

    /// Start an id's window: its order has ended.
    #[inline]
    pub fn end(&mut self, entry: u32, at: u64) {
        let end = ((at >> END_SHIFT) + 1).min((1 << (64 - ENTRY_BITS)) - 1);
        self.ends.push(end << ENTRY_BITS | u64::from(entry));
    }

    /// Forget the id that ended first, if one has.
    fn evict(&mut self) -> bool {
        let Some(end) = self.ends.pop() else { return false };
        let entry = low32(end) & (ENTRIES - 1);
        self.index.unseat(entry, |entry| self.slab.get(entry).key());
        self.slab.give(entry);
        self.count -= 1;
        true
    }

    /// How many ids are remembered.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// How many of them have ended.
    pub const fn ended(&self) -> usize {
        self.ends.count
    }

    /// Ended ids as they are saved, oldest end first.
    pub fn save_ended(&self) -> impl Iterator<Item = [u8; SAVED_BYTES]> + '_ {
        self.ends.iter().map(|end| self.slab.get(low32(end) & (ENTRIES - 1)).save(end >> ENTRY_BITS))
    }

    /// An open order's id as it is saved.
    pub fn save_open(&self, entry: u32) -> [u8; SAVED_BYTES] {
        self.slab.get(entry).save(0)
    }

    /// Put a saved id back; nothing when it is there already, or not sound. Ended ones come in order of their end.
    pub fn put_back(&mut self, bytes: &[u8; SAVED_BYTES]) -> Option<u32> {
        let mut words = bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four));
        let mut next = || words.next().unwrap_or(0);
        let key = Key::from_words([next(), next(), next()]);
        let (fingerprint, answer, end) = (join([next(), next()]), join([next(), next()]), join([next(), next()]));
        let last = self.ends.last().map_or(0, |end| end >> ENTRY_BITS);
        let sound = answer != 0 && end >> (64 - ENTRY_BITS) == 0 && (end == 0 || end >= last);
        let Probe::Missing(vacancy) = self.probe(key) else { return None };
        if !sound || self.count >= IDS_MAX {
            return None;
        }
        let entry = self.insert(Seat { key, vacancy }, fingerprint, Answer::unpack(answer));
        if end != 0 {
            self.ends.push(end << ENTRY_BITS | u64::from(entry));
        }
        (self.find(key) == Some(entry)).then_some(entry)
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> u64 {
        (self.slab.bytes() + self.ends.bytes()) as u64 + self.index.bytes()
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
            let Recognised::New(seat) = ids.recognise(key, n) else { panic!("id-{n} is new") };
            let entry = ids.insert(seat, n, Answer { order_id: (n + 1) << 20, sequence: n + 1 });
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
        assert!(ids.bytes() < 100_000, "what leaves makes room for what comes");
    }

    #[test]
    fn ids_of_open_orders_stay_and_fill_the_table() {
        let mut ids = Ids::new(2, HOUR);
        for n in 0..2 {
            let key = ids.key(3, &format!("id-{n}"));
            let Recognised::New(seat) = ids.recognise(key, 0) else { panic!("there is room") };
            ids.insert(seat, 0, Answer { order_id: 1 << 20, sequence: 1 });
        }
        let third = ids.key(3, "id-2");
        assert!(matches!(ids.recognise(third, u64::MAX), Recognised::Full), "nothing may leave");
        let first = ids.find(ids.key(3, "id-0")).unwrap();
        ids.end(first, 5);
        assert!(matches!(ids.recognise(third, 6), Recognised::New(_)), "an ended one may");
        assert_eq!((order_of(&ids, 0), ids.len()), (None, 1));
    }

    #[test]
    fn an_id_counts_until_its_window_has_passed() {
        let mut ids = filled(100, IDS_MAX);
        let key = ids.key(3, "id-50");
        assert!(matches!(ids.recognise(key, 50 + HOUR), Recognised::Seen(_)));
        assert!(matches!(ids.recognise(key, 50 + HOUR + (2 << END_SHIFT)), Recognised::New(_)));
        assert!(ids.len() < 50, "those that ended before it left with it");
    }

    #[test]
    fn a_saved_id_comes_back_as_it_was() {
        let ids = filled(3_000, 1_000);
        let mut again = Ids::new(1_000, HOUR);
        again.set_hash_key(ids.hash_key());
        for saved in ids.save_ended() {
            assert!(again.put_back(&saved).is_some());
        }
        let first = ids.save_ended().next().unwrap();
        assert!(again.put_back(&first).is_none(), "twice is refused");
        assert!(ids.save_ended().eq(again.save_ended()));
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
}
