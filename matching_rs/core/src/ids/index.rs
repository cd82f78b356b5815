//! Finds an id's entry by its hash: buckets of 16 cells of 4 bytes, a cache line each.
//!
//! A cell is the entry's number and ten more bits of its hash. A bucket is looked at whole, without a branch a cell, for a
//! search that misses the cache and then guesses a branch wrong pays twice. Cells of a bucket are packed from its front; a
//! full bucket flows over into the next, and what flowed over is taken back when a cell is freed: no tombstones.

use prefetch_index::prefetch_index;

use crate::bits::low32;

/// An id with its account, hashed under the venue's key: 96 bits, as two numbers, which stay in registers where parts
/// written by fours and read by eights would wait for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    low: u64,
    high: u32,
}

impl Key {
    /// Put a key together.
    #[inline]
    pub const fn new(low: u64, high: u32) -> Self {
        Self { low, high }
    }

    /// The lower two words.
    #[inline]
    pub const fn low(self) -> u64 {
        self.low
    }

    /// The upper word.
    #[inline]
    pub const fn high(self) -> u32 {
        self.high
    }

    /// The same, lowest word first.
    #[inline]
    pub const fn words(self) -> [u32; 3] {
        [low32(self.low), low32(self.low >> 32), self.high]
    }

    /// A key from its words.
    #[inline]
    pub const fn from_words([low, middle, high]: [u32; 3]) -> Self {
        Self { low: low as u64 | (middle as u64) << 32, high }
    }
}

/// Entries are numbered below this, from 1.
pub(crate) const ENTRIES: u32 = 1 << TAG_SHIFT;

const ENTRY_MASK: u32 = ENTRIES - 1;
const TAG_SHIFT: u32 = 22;
const CELLS: usize = 16;
const BUCKETS_MIN: usize = 64;
/// Buckets a search goes through at most: more than chance ever fills in a row.
const REACH: usize = 32;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket([u32; CELLS]);

impl Bucket {
    #[inline]
    fn used(&self) -> usize {
        self.0.iter().fold(0_u32, |used, &cell| used + u32::from(cell != 0)) as usize
    }

    #[inline]
    fn has(&self, tag: u32) -> bool {
        self.0.iter().fold(0, |any, &cell| any | u32::from(cell & !ENTRY_MASK == tag)) != 0
    }

    /// Take a cell out and close the gap with the last one.
    fn take(&mut self, place: usize) {
        let last = self.used() - 1;
        self.0[place] = self.0[last];
        self.0[last] = 0;
    }
}

const fn tag(key: Key) -> u32 {
    key.words()[1] << TAG_SHIFT
}

/// Where a new key's cell goes, until the index changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vacancy {
    bucket: usize,
    cell: usize,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The key's entry.
    Found(u32),
    /// The key is not there; if there is a vacancy near enough, here.
    Missing(Option<Vacancy>),
}

/// The buckets.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    buckets: Vec<Bucket>,
}

impl Default for Index {
    fn default() -> Self {
        Self { buckets: vec![Bucket::default(); BUCKETS_MIN] }
    }
}

impl Index {
    #[inline]
    fn home(&self, key: Key) -> usize {
        key.words()[0] as usize & (self.buckets.len() - 1)
    }

    /// Prefetch the cache line a search for the key begins in.
    #[inline]
    pub fn foresee(&self, key: Key) {
        prefetch_index(&self.buckets, self.home(key));
    }

    /// Look for a key; `is_it` says whether an entry has that very key.
    #[inline]
    pub fn probe(&self, key: Key, is_it: impl Fn(u32) -> bool) -> Probe {
        match self.vacancy(key) {
            Some(vacancy) => Probe::Missing(Some(vacancy)),
            None => self.probe_slowly(key, is_it),
        }
    }

    /// Where a new key goes, in the nearly usual case: nothing alike in its bucket, and room in it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn vacancy(&self, key: Key) -> Option<Vacancy> {
        let at = self.home(key);
        let bucket = &self.buckets[at];
        let cell = bucket.used();
        (!bucket.has(tag(key)) && cell < CELLS).then_some(Vacancy { bucket: at, cell })
    }

    #[cold]
    fn probe_slowly(&self, key: Key, is_it: impl Fn(u32) -> bool) -> Probe {
        let tag = tag(key);
        let mut at = self.home(key);
        for _ in 0..REACH {
            let bucket = &self.buckets[at];
            if bucket.has(tag) {
                let mut alike = bucket.0.iter().filter(|&&cell| cell & !ENTRY_MASK == tag && cell != 0);
                if let Some(cell) = alike.find(|&&cell| is_it(cell & ENTRY_MASK)) {
                    return Probe::Found(cell & ENTRY_MASK);
                }
            }
            let cell = bucket.used();
            if cell < CELLS {
                return Probe::Missing(Some(Vacancy { bucket: at, cell }));
            }
            at = (at + 1) & (self.buckets.len() - 1);
        }
        Probe::Missing(None)
    }

    /// Put an entry into the cell its key's search found.
    #[inline]
    pub fn seat(&mut self, key: Key, entry: u32, vacancy: Vacancy) {
        self.buckets[vacancy.bucket].0[vacancy.cell] = tag(key) | entry;
    }

    /// Take an entry's cell away; `key_of` returns the key of any entry.
    pub fn unseat(&mut self, entry: u32, key_of: impl Fn(u32) -> Key) {
        let mask = self.buckets.len() - 1;
        let home = self.home(key_of(entry));
        let place_in = |bucket: &Bucket| bucket.0.iter().position(|cell| cell & ENTRY_MASK == entry);
        let found = (home..home + REACH).find_map(|at| Some((at & mask, place_in(&self.buckets[at & mask])?)));
        let Some((mut at, mut place)) = found else { return };
        let mut behind = at;
        while self.buckets[behind].used() == CELLS {
            // What flowed over past the freed cell is taken back, nearest first; its own cell is then the free one.
            behind = (behind + 1) & mask;
            let strayed = |cell: u32| {
                let home = self.home(key_of(cell & ENTRY_MASK));
                behind.wrapping_sub(home) & mask >= behind.wrapping_sub(at) & mask
            };
            if let Some(next) = self.buckets[behind].0.iter().rposition(|&cell| cell != 0 && strayed(cell)) {
                self.buckets[at].0[place] = self.buckets[behind].0[next];
                (at, place) = (behind, next);
            }
        }
        self.buckets[at].take(place);
    }

    /// There is room for this many entries: at most three cells of four are used.
    #[inline]
    pub fn has_room(&self, entries: u32) -> bool {
        entries as usize * 4 <= self.buckets.len() * CELLS * 3
    }

    /// Double until every entry has a cell near its home.
    #[cold]
    pub fn grow<I: Iterator<Item = (Key, u32)>>(&mut self, count: usize, entries: impl Fn() -> I) {
        // Further doubling would not help: it would take hundreds of ids with one 32-bit hash.
        let buckets_max = (count / CELLS * 16 + BUCKETS_MIN).next_power_of_two();
        let mut buckets = self.buckets.len() * 2;
        while buckets <= buckets_max {
            let mut larger = Self { buckets: vec![Bucket::default(); buckets] };
            let mut used = vec![0_u8; buckets];
            let mut seated = true;
            // Every one is tried, for going on costs less than asking each time whether to.
            entries().for_each(|(key, entry)| seated &= larger.fill(&mut used, key, entry));
            if seated {
                *self = larger;
                return;
            }
            buckets *= 2;
        }
    }

    /// Seat an entry known to be new; how many cells are used is counted apart, which is quicker than looking.
    #[inline]
    fn fill(&mut self, used: &mut [u8], key: Key, entry: u32) -> bool {
        let mut at = self.home(key);
        for _ in 0..REACH {
            let cell = usize::from(used[at]);
            if cell < CELLS {
                used[at] += 1;
                self.buckets[at].0[cell] = tag(key) | entry;
                return true;
            }
            at = (at + 1) & (self.buckets.len() - 1);
        }
        false
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> u64 {
        self.buckets.len() as u64 * size_of::<Bucket>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Few homes, so that buckets flow over.
    fn key(n: u32) -> Key {
        let mixed = (u64::from(n) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Key::from_words([low32(mixed >> 32) & !6, low32(mixed), n])
    }

    fn find(index: &Index, n: u32) -> bool {
        index.probe(key(n), |entry| entry == n + 1) == Probe::Found(n + 1)
    }

    fn insert(index: &mut Index, there: &mut BTreeSet<u32>, n: u32) {
        there.insert(n);
        match index.probe(key(n), |entry| entry == n + 1) {
            Probe::Missing(Some(vacancy)) if index.has_room(u32::try_from(there.len()).unwrap()) => {
                index.seat(key(n), n + 1, vacancy);
            }
            Probe::Missing(_) => index.grow(there.len(), || there.iter().map(|&n| (key(n), n + 1))),
            Probe::Found(_) => panic!("{n} is there already"),
        }
    }

    #[test]
    fn entries_are_found_while_others_come_and_go() {
        let (mut index, mut there) = (Index::default(), BTreeSet::new());
        for n in 0..6_000_u32 {
            insert(&mut index, &mut there, n);
            if n % 3 != 0 && there.remove(&(n / 2)) {
                index.unseat(n / 2 + 1, |entry| key(entry - 1));
            }
            for probe in [n, n / 2, n / 3, n + 1] {
                assert_eq!(find(&index, probe), there.contains(&probe), "step {n}: {probe}");
            }
        }
        assert!((0..6_000).all(|n| find(&index, n) == there.contains(&n)));
        let used: usize = index.buckets.iter().map(Bucket::used).sum();
        assert_eq!(used, there.len(), "no tombstones");
        let full = index.buckets.iter().filter(|bucket| bucket.used() == CELLS).count();
        assert!(full > 10, "only {full} buckets flowed over: the test tests nothing");
    }

    #[test]
    fn keys_that_share_a_hash_do_not_make_it_grow_without_bound() {
        let mut index = Index::default();
        let same = |n| Key::from_words([1, 2, n]);
        let seated = (1..=2_000).take_while(|&n| match index.probe(same(n), |entry| entry == n) {
            Probe::Missing(Some(vacancy)) => {
                index.seat(same(n), n, vacancy);
                true
            }
            _ => false,
        });
        assert_eq!(seated.count(), REACH * CELLS);
        index.grow(2_000, || (1..=2_000).map(|n| (same(n), n)));
        assert!(index.bytes() <= 64 * 4_096);
        assert_eq!(index.probe(Key::from_words([1, 2, 0]), |_| false), Probe::Missing(None));
    }
}
