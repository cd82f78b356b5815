//! Finds an id's entry by its hash, in 4 bytes a cell: the entry's number, its distance from home and four more bits.
//!
//! Linear probing where a cell nearer home gives way to one further (robin hood), so a search ends early; removal shifts the
//! followers back instead of leaving a tombstone. The distance says which home a cell has, so most cells that are not the one
//! sought are told apart without looking at their entry.

/// An id with its account, hashed under the venue's key: 96 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub [u32; 3]);

/// Entries are numbered below this, from 1.
pub(crate) const ENTRIES: u32 = 1 << DISTANCE_SHIFT;

const ENTRY_MASK: u32 = ENTRIES - 1;
const DISTANCE_SHIFT: u32 = 22;
const DISTANCE_MAX: u32 = 63;
const STEP: u32 = 1 << DISTANCE_SHIFT;
const TAG_SHIFT: u32 = 28;
const CELLS_MIN: usize = 1_024;

const fn home(key: Key, mask: usize) -> usize {
    key.0[0] as usize & mask
}

const fn tag(key: Key) -> u32 {
    key.0[1] << TAG_SHIFT
}

const fn distance(cell: u32) -> u32 {
    cell >> DISTANCE_SHIFT & DISTANCE_MAX
}

/// The cells; 0 is an empty one.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    cells: Vec<u32>,
}

impl Default for Index {
    fn default() -> Self {
        Self { cells: vec![0; CELLS_MIN] }
    }
}

impl Index {
    /// The entry of a key; `is_it` tells whether an entry has that very key.
    #[inline]
    pub fn find(&self, key: Key, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.cells.len() - 1;
        let mut place = home(key, mask);
        let mut wanted = tag(key);
        loop {
            let cell = self.cells[place & mask];
            // An empty cell has distance 0, so it ends every search but one that begins at it.
            if cell & !ENTRY_MASK == wanted && cell != 0 && is_it(cell & ENTRY_MASK) {
                return Some(cell & ENTRY_MASK);
            }
            if cell == 0 || distance(cell) < distance(wanted) || distance(wanted) == DISTANCE_MAX {
                return None;
            }
            place += 1;
            wanted += STEP;
        }
    }

    /// Give an entry a cell; false when a cell would come to lie too far from its home and was lost.
    #[inline]
    pub fn seat(&mut self, key: Key, entry: u32) -> bool {
        let mask = self.cells.len() - 1;
        let mut place = home(key, mask);
        let mut cell = tag(key) | entry;
        loop {
            let there = &mut self.cells[place & mask];
            if *there == 0 {
                *there = cell;
                return true;
            }
            if distance(*there) < distance(cell) {
                std::mem::swap(there, &mut cell);
            }
            if distance(cell) == DISTANCE_MAX {
                return false;
            }
            cell += STEP;
            place += 1;
        }
    }

    /// Take an entry's cell away and shift those behind it nearer to their homes.
    pub fn unseat(&mut self, key: Key, entry: u32) {
        let mask = self.cells.len() - 1;
        let from = home(key, mask);
        let Some(mut place) =
            (from..=from + DISTANCE_MAX as usize).find(|place| self.cells[place & mask] & ENTRY_MASK == entry)
        else {
            return;
        };
        loop {
            let behind = self.cells[(place + 1) & mask];
            if behind == 0 || distance(behind) == 0 {
                self.cells[place & mask] = 0;
                return;
            }
            self.cells[place & mask] = behind - STEP;
            place += 1;
        }
    }

    /// There is room for this many entries: at most four cells of five are used.
    #[inline]
    pub fn has_room(&self, entries: u32) -> bool {
        u64::from(entries) * 5 <= self.cells.len() as u64 * 4
    }

    /// Double until every entry has a cell near its home.
    #[cold]
    pub fn grow<I: Iterator<Item = (Key, u32)>>(&mut self, entries: impl Fn() -> I) {
        // Further doubling would not help: it would take more than 63 ids with one 32-bit hash.
        let cells_max = (entries().count() * 16).next_power_of_two();
        let mut cells = self.cells.len() * 2;
        while cells <= cells_max {
            let mut larger = Self { cells: vec![0; cells] };
            if entries().all(|(key, entry)| larger.seat(key, entry)) {
                *self = larger;
                return;
            }
            cells *= 2;
        }
    }

    /// Bytes taken from the allocator.
    pub fn bytes(&self) -> u64 {
        self.cells.len() as u64 * size_of::<u32>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        let mixed = (u64::from(n) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let [a, b, c, d, e, f, g, h] = mixed.to_le_bytes();
        Key([u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([a, b, c, d]), n])
    }

    #[test]
    fn entries_are_found_while_others_come_and_go() {
        let mut index = Index::default();
        let mut there = std::collections::BTreeSet::new();
        let find = |index: &Index, n: u32| index.find(key(n), |entry| entry == n + 1);
        for n in 0..6_000_u32 {
            if !index.has_room(u32::try_from(there.len()).unwrap() + 1) {
                index.grow(|| there.iter().map(|&n| (key(n), n + 1)));
            }
            assert!(index.seat(key(n), n + 1));
            there.insert(n);
            if n % 3 != 0 {
                let gone = n / 2;
                index.unseat(key(gone), gone + 1);
                there.remove(&gone);
            }
            for probe in [n, n / 2, n / 3, n + 1] {
                assert_eq!(find(&index, probe), there.contains(&probe).then_some(probe + 1), "step {n}: {probe}");
            }
        }
        for n in 0..6_000 {
            assert_eq!(find(&index, n).is_some(), there.contains(&n));
        }
        let used = index.cells.iter().filter(|&&cell| cell != 0).count();
        assert_eq!(used, there.len(), "no tombstones");
    }

    #[test]
    fn keys_that_share_a_hash_do_not_make_it_grow_without_bound() {
        let mut index = Index::default();
        let same = |n| Key([1, 2, n]);
        let seated = (1..=200).take_while(|&n| index.seat(same(n), n)).count();
        assert_eq!(seated, DISTANCE_MAX as usize + 1);
        index.grow(|| (1..=200).map(|n| (same(n), n)));
        assert!(index.bytes() <= 4 * 4_096);
        assert_eq!(index.find(Key([9, 2, 0]), |_| true), None);
    }
}
