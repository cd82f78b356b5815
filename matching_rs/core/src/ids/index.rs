//! Finds an id's entry by its hash: buckets of 16 cells of 4 bytes, a cache line each.
//!
//! A cell is the entry's number and ten more bits of its hash. A bucket is looked at whole, without a branch a cell, for a
//! search that misses the cache and then guesses a branch wrong pays twice. Cells of a bucket are packed from its front; a
//! full bucket flows over into the next, and what flowed over is taken back when a cell is freed: no tombstones.
//!
//! There are as many buckets from the start as all entries need: growing would stop everything for as long as moving them
//! takes. Their memory comes zeroed from the system, so what is never touched is never there.

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
const LINE_BYTES: usize = CELLS * size_of::<u32>();
const BUCKETS_MIN: usize = 64;
/// Buckets there are for so many entries: half of a bucket's cells are used then, and one bucket in a hundred flows over.
const BUCKETS: usize = 15;
const FOR_ENTRIES: usize = 128;
/// Buckets a search goes through at most: more than chance ever fills in a row.
const REACH: usize = 32;

type Bucket = [u32; CELLS];

#[inline]
fn used(bucket: &Bucket) -> usize {
    bucket.iter().fold(0_u32, |used, &cell| used + u32::from(cell != 0)) as usize
}

#[inline]
fn has(bucket: &Bucket, tag: u32) -> bool {
    bucket.iter().fold(0, |any, &cell| any | u32::from(cell & !ENTRY_MASK == tag)) != 0
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

impl Vacancy {
    /// It is as it was after an entry was unseated: `changed` is what that returned.
    #[inline]
    pub fn stays(self, changed: Option<usize>) -> bool {
        changed.is_some_and(|bucket| bucket != self.bucket)
    }
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
#[derive(Debug)]
pub(crate) struct Index {
    cells: Vec<u32>,
    /// Cells before the first that begins a cache line.
    skipped: usize,
    buckets: usize,
}

impl Clone for Index {
    fn clone(&self) -> Self {
        let mut copy = Self::with_buckets(self.buckets);
        let (from, to) = (self.skipped, copy.skipped);
        let count = self.buckets * CELLS;
        copy.cells[to..to + count].copy_from_slice(&self.cells[from..from + count]);
        copy
    }
}

impl Index {
    /// Make an index for at most so many entries.
    pub fn new(entries: u32) -> Self {
        Self::with_buckets((entries as usize * BUCKETS / FOR_ENTRIES + 1).max(BUCKETS_MIN))
    }

    fn with_buckets(buckets: usize) -> Self {
        // Memory asked for by the line would be cleared at once; so a line more is asked for than is needed.
        let cells = vec![0; (buckets + 1) * CELLS];
        let skipped = cells.as_ptr().align_offset(LINE_BYTES).min(CELLS - 1);
        Self { cells, skipped, buckets }
    }

    #[inline]
    fn home(&self, key: Key) -> usize {
        let [low, ..] = key.words();
        ((u64::from(low) * self.buckets as u64) >> 32) as usize
    }

    #[inline]
    const fn start(&self, at: usize) -> usize {
        self.skipped + at * CELLS
    }

    #[inline]
    fn bucket(&self, at: usize) -> &Bucket {
        self.cells[self.start(at)..].first_chunk().expect("a whole line")
    }

    #[inline]
    fn bucket_mut(&mut self, at: usize) -> &mut Bucket {
        let start = self.start(at);
        self.cells[start..].first_chunk_mut().expect("a whole line")
    }

    #[inline]
    const fn behind(&self, at: usize) -> usize {
        if at + 1 == self.buckets { 0 } else { at + 1 }
    }

    /// How many buckets behind another one is.
    const fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.buckets - from }
    }

    /// Prefetch the cache line a search for the key begins in.
    #[inline]
    pub fn foresee(&self, key: Key) {
        prefetch_index(&self.cells, self.start(self.home(key)));
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
        let bucket = self.bucket(at);
        let cell = used(bucket);
        (!has(bucket, tag(key)) && cell < CELLS).then_some(Vacancy { bucket: at, cell })
    }

    #[cold]
    fn probe_slowly(&self, key: Key, is_it: impl Fn(u32) -> bool) -> Probe {
        let tag = tag(key);
        let mut at = self.home(key);
        for _ in 0..REACH {
            let bucket = self.bucket(at);
            if has(bucket, tag) {
                let mut alike = bucket.iter().filter(|&&cell| cell & !ENTRY_MASK == tag && cell != 0);
                if let Some(cell) = alike.find(|&&cell| is_it(cell & ENTRY_MASK)) {
                    return Probe::Found(cell & ENTRY_MASK);
                }
            }
            let cell = used(bucket);
            if cell < CELLS {
                return Probe::Missing(Some(Vacancy { bucket: at, cell }));
            }
            at = self.behind(at);
        }
        Probe::Missing(None)
    }

    /// Put an entry into the cell its key's search found.
    #[inline]
    pub fn seat(&mut self, key: Key, entry: u32, vacancy: Vacancy) {
        self.bucket_mut(vacancy.bucket)[vacancy.cell] = tag(key) | entry;
    }

    /// Take an entry's cell away; `key_of` returns the key of any entry. Vacancies found before stay true, unless they are in
    /// the bucket that is returned; nothing: none does.
    #[inline]
    pub fn unseat(&mut self, entry: u32, key_of: impl Fn(u32) -> Key) -> Option<usize> {
        let home = self.home(key_of(entry));
        let bucket = self.bucket_mut(home);
        // Where it is among the cells is random, so all are looked at without a branch.
        let alike = |at: usize| u32::from(bucket[at] & ENTRY_MASK == entry) << at;
        let place = (0..CELLS).fold(0, |places, at| places | alike(at)).trailing_zeros() as usize;
        let cells = used(bucket);
        if place < CELLS && cells < CELLS {
            bucket[place] = bucket[cells - 1];
            bucket[cells - 1] = 0;
            return Some(home);
        }
        self.unseat_slowly(home, entry, key_of);
        None
    }

    /// The same where the bucket is full, or was.
    #[cold]
    fn unseat_slowly(&mut self, home: usize, entry: u32, key_of: impl Fn(u32) -> Key) {
        let mut at = home;
        let mut found = None;
        for _ in 0..REACH {
            found = self.bucket(at).iter().position(|cell| cell & ENTRY_MASK == entry);
            if found.is_some() {
                break;
            }
            at = self.behind(at);
        }
        let Some(mut place) = found else { return };
        let mut behind = at;
        while used(self.bucket(behind)) == CELLS {
            // What flowed over past the freed cell is taken back, nearest first; its own cell is then the free one.
            behind = self.behind(behind);
            let strayed = |cell: u32| {
                let home = self.home(key_of(cell & ENTRY_MASK));
                self.distance(home, behind) >= self.distance(at, behind)
            };
            if let Some(next) = self.bucket(behind).iter().rposition(|&cell| cell != 0 && strayed(cell)) {
                self.bucket_mut(at)[place] = self.bucket(behind)[next];
                (at, place) = (behind, next);
            }
        }
        let bucket = self.bucket_mut(at);
        let last = used(bucket) - 1;
        bucket[place] = bucket[last];
        bucket[last] = 0;
    }

    /// Bytes taken from the allocator.
    pub const fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Few homes, so that buckets flow over.
    fn key(n: u32) -> Key {
        let mixed = (u64::from(n) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Key::from_words([low32(mixed >> 32) & !(3 << 23), low32(mixed), n])
    }

    fn find(index: &Index, n: u32) -> bool {
        index.probe(key(n), |entry| entry == n + 1) == Probe::Found(n + 1)
    }

    #[test]
    fn entries_are_found_while_others_come_and_go() {
        let (mut index, mut there) = (Index::new(6_000), BTreeSet::new());
        let mut flowed = 0;
        for n in 0..6_000_u32 {
            let Probe::Missing(Some(vacancy)) = index.probe(key(n), |entry| entry == n + 1) else {
                panic!("{n} is there already, or there is no room")
            };
            flowed += u32::from(vacancy.bucket != index.home(key(n)));
            index.seat(key(n), n + 1, vacancy);
            there.insert(n);
            if n % 3 != 0 && there.remove(&(n / 2)) {
                index.unseat(n / 2 + 1, |entry| key(entry - 1));
            }
            for probe in [n, n / 2, n / 3, n + 1] {
                assert_eq!(find(&index, probe), there.contains(&probe), "step {n}: {probe}");
            }
        }
        assert!(flowed > 100, "only {flowed} flowed over: the test tests nothing");
        let copy = index.clone();
        assert!((0..6_000).all(|n| find(&index, n) == there.contains(&n) && find(&copy, n) == there.contains(&n)));
        let taken: usize = (0..index.buckets).map(|at| used(index.bucket(at))).sum();
        assert_eq!(taken, there.len(), "no tombstones");
    }

    #[test]
    fn a_bucket_is_a_cache_line_and_half_full_at_most() {
        for entries in [1, 12, 3_000, ENTRIES - 1] {
            let index = Index::new(entries);
            assert_eq!(index.bucket(0).as_ptr().align_offset(LINE_BYTES), 0, "{entries}");
            assert!(index.buckets * CELLS >= entries as usize * 15 / 8, "{entries}");
        }
    }

    #[test]
    fn keys_that_share_a_hash_find_no_more_room_within_reach() {
        let mut index = Index::new(2_000);
        let same = |n| Key::from_words([1, 2, n]);
        let seated = (1..=2_000).take_while(|&n| match index.probe(same(n), |entry| entry == n) {
            Probe::Missing(Some(vacancy)) => {
                index.seat(same(n), n, vacancy);
                true
            }
            _ => false,
        });
        assert_eq!(seated.count(), REACH * CELLS);
        assert_eq!(index.probe(Key::from_words([1, 2, 0]), |_| false), Probe::Missing(None));
    }
}
