//! A row of cells an account, and which of them have changed since last told.
//!
//! All rows lie in one list, each as long as its last cell in use asks, in powers of two: so a cell takes its own
//! size and a bit, and what has changed is found by rows, in order, without looking at a cell.

use prefetch_index::prefetch_index;

use crate::bits::low32;
use crate::places::Places;
use crate::touched::{Touched, bits};

/// Cells in the shortest row.
const ROW_MIN: u32 = 4;

/// How many changes before one is told its cell is asked for.
const AHEAD: usize = 8;

/// Where a row lies; kept by its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    at: u32,
    length: u32,
}

impl Row {
    /// The place of a column, if the row is that long.
    #[inline]
    pub const fn place(self, column: u32) -> Option<u32> {
        if column < self.length { Some(self.at + column) } else { None }
    }

    /// The column of a place in the row.
    #[inline]
    pub const fn column(self, place: u32) -> u32 {
        place - self.at
    }
}

/// The rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet<T> {
    cells: Vec<T>,
    /// A bit for each cell that has changed.
    marks: Vec<u64>,
    /// Owners of rows with such cells.
    owners: Touched,
    /// Rows given up, by the power of two they are long.
    given: Vec<Vec<u32>>,
    /// For telling changes, empty between.
    found: Places,
}

impl<T: Copy + Default> Sheet<T> {
    /// Make room for an owner's marks.
    pub fn reserve(&mut self, owner: u32) {
        self.owners.reserve(owner);
    }

    /// A cell, if its row is that long.
    #[inline]
    pub fn get(&self, row: Row, column: u32) -> Option<&T> {
        self.cells.get(row.place(column)? as usize)
    }

    /// A cell to change without telling.
    #[inline]
    pub fn get_mut(&mut self, row: Row, column: u32) -> Option<&mut T> {
        self.cells.get_mut(row.place(column)? as usize)
    }

    /// A cell to change: it will be told. No branch on whether it is the first change, for that is as good as random.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn touch(&mut self, owner: u32, row: Row, column: u32) -> Option<&mut T> {
        let place = row.place(column)?;
        let cell = self.cells.get_mut(place as usize)?;
        if let Some(word) = self.marks.get_mut((place / 64) as usize) {
            *word |= 1 << (place % 64);
        }
        self.owners.insert(owner);
        Some(cell)
    }

    /// Ask for the cache line of a cell.
    #[inline]
    pub fn foresee(&self, row: Row, column: u32) {
        prefetch_index(&self.cells, (row.at + column) as usize);
    }

    /// The cells of a row.
    pub fn row(&self, row: Row) -> &[T] {
        self.cells.get(row.at as usize..(row.at + row.length) as usize).unwrap_or_default()
    }

    /// Move a row to where it has room for a column.
    #[cold]
    pub fn widen(&mut self, row: Row, column: u32) -> Row {
        let length = (column + 1).next_power_of_two().max(ROW_MIN);
        let wider = Row { at: self.take(length), length };
        for column in 0..row.length {
            let (from, to) = (row.at + column, wider.at + column);
            self.cells[to as usize] = std::mem::take(&mut self.cells[from as usize]);
            let mark = &mut self.marks[(from / 64) as usize];
            let bit = *mark >> (from % 64) & 1;
            *mark &= !(1 << (from % 64));
            self.marks[(to / 64) as usize] |= bit << (to % 64);
        }
        if row.length > 0 {
            self.given[row.length.ilog2() as usize].push(row.at);
        }
        wider
    }

    /// Find blank cells for a row; none lies across two words of marks that fits one.
    fn take(&mut self, length: u32) -> u32 {
        self.given.resize_with(32, Vec::new);
        if let Some(at) = self.given[length.ilog2() as usize].pop() {
            return at;
        }
        let at = self.cells.len().next_multiple_of(length.min(64) as usize);
        let end = at + length as usize;
        self.cells.resize(end, T::default());
        self.marks.resize(end.div_ceil(64), 0);
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Find every cell changed since the last call, by owner and column, for `tell_changes`.
    #[inline]
    pub fn find_changes(&mut self, row_of: impl Fn(u32) -> Row) {
        let Self { marks, owners, found, .. } = self;
        owners.drain(|first, word| {
            for owner in bits(word).map(|bit| first | bit) {
                let row = row_of(owner);
                let (mut at, end) = (row.at, row.at + row.length);
                let own = u64::MAX >> (64 - row.length.clamp(1, 64));
                while at < end {
                    if let Some(word) = marks.get_mut((at / 64) as usize) {
                        let changed = *word & own << (at % 64);
                        *word ^= changed;
                        found.add(changed >> (at % 64), u64::from(owner) << 32 | u64::from(at));
                    }
                    at += 64;
                }
            }
        });
    }

    /// Tell what was found: a cell's owner, its place, and what it holds.
    #[inline]
    pub fn tell_changes(&mut self, mut tell: impl FnMut(u32, u32, &T)) {
        let found = self.found.get();
        for (number, &one) in found.iter().enumerate() {
            if let Some(&later) = found.get(number + AHEAD) {
                prefetch_index(&self.cells, low32(later) as usize);
            }
            let place = low32(one);
            tell(low32(one >> 32), place, &self.cells[place as usize]);
        }
        self.found.clear();
    }

    /// Take all cells as told.
    pub fn forget_changes(&mut self) {
        self.marks.fill(0);
        self.owners.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sheet and where its rows lie.
    #[derive(Default)]
    struct Fixture {
        sheet: Sheet<i64>,
        rows: Vec<Row>,
    }

    impl Fixture {
        fn add(&mut self, owner: u32, column: u32, value: i64) {
            self.sheet.reserve(owner);
            self.rows.resize(self.rows.len().max(owner as usize + 1), Row::default());
            let row = &mut self.rows[owner as usize];
            if row.place(column).is_none() {
                *row = self.sheet.widen(*row, column);
            }
            *self.sheet.touch(owner, *row, column).expect("the row is that long") += value;
        }

        fn drain(&mut self) -> Vec<(u32, u32, i64)> {
            let (rows, mut told) = (&self.rows, Vec::new());
            let row_of = |owner: u32| rows[owner as usize];
            self.sheet.find_changes(row_of);
            self.sheet.tell_changes(|owner, place, &value| told.push((owner, row_of(owner).column(place), value)));
            told
        }
    }

    #[test]
    fn changes_come_out_once_by_owner_and_column() {
        let mut f = Fixture::default();
        for (owner, column, value) in [(70, 3, 1), (2, 200, 2), (2, 0, 3), (70, 3, 4), (2, 63, 5), (2, 64, 6)] {
            f.add(owner, column, value);
        }
        assert_eq!(f.drain(), [(2, 0, 3), (2, 63, 5), (2, 64, 6), (2, 200, 2), (70, 3, 5)]);
        assert!(f.drain().is_empty());
        f.add(70, 2, 1);
        f.sheet.forget_changes();
        assert!(f.drain().is_empty());
    }

    #[test]
    fn a_row_that_grows_takes_its_cells_and_marks_with_it() {
        let mut f = Fixture::default();
        let mut state = 1_u32;
        let mut expected = std::collections::BTreeMap::new();
        for value in 0..3_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (owner, column) = (state >> 8 & 15, (state >> 16) % (1 + (state >> 12 & 255)));
            f.add(owner, column, value);
            *expected.entry((owner, column)).or_insert(0) += value;
            if value == 1_000 {
                f.drain();
                expected.clear();
                f.rows.iter().for_each(|row| f.sheet.cells[row.at as usize..(row.at + row.length) as usize].fill(0));
            }
        }
        let told: Vec<_> = expected.into_iter().map(|((owner, column), value)| (owner, column, value)).collect();
        assert_eq!(f.drain(), told);
        let used: u32 = f.rows.iter().map(|row| row.length).sum();
        assert!(f.sheet.cells.len() <= 2 * used as usize, "rows given up are used again");
    }
}
