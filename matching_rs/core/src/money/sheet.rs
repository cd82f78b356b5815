//! A row of cells an account, and which of them have changed since last told.
//!
//! All rows lie in one list, each as long as its last cell in use asks, in powers of two; a cell has a bit among the marks.
//! While the rows lie in their owners' order, so do the marks, and what has changed comes out in order by itself. A row
//! that outgrows its place is moved behind the others; until all are laid in order again, what is found is sorted.

use prefetch_index::prefetch_index;

use super::touched::Touched;
use crate::bits::low32;
use crate::places::Places;

/// Cells in the shortest row.
const ROW_MIN: u32 = 4;

/// How many changes ahead of its turn a cell is prefetched.
const AHEAD: usize = 8;

/// Laying one cell anew costs about this part of sorting one.
const SORTING: usize = 8;

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
    /// Places of cells that have changed.
    marks: Touched,
    /// Whose cells they are, by as many of them as the shortest row has.
    owners: Vec<u32>,
    /// Rows given up, by the power of two they are long.
    given: Vec<Vec<u32>>,
    /// A row lies behind one of a higher owner.
    disordered: bool,
    /// Changes sorted since the rows were last laid in order.
    sorted: usize,
    /// Places that have changed, above them their owners where they are sorted; empty between.
    found: Places,
}

impl<T: Copy + Default> Sheet<T> {
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
    pub fn touch(&mut self, row: Row, column: u32) -> Option<&mut T> {
        let place = row.place(column)?;
        self.marks.insert(place);
        self.cells.get_mut(place as usize)
    }

    /// Prefetch the cache line of a cell.
    #[inline]
    pub fn foresee(&self, row: Row, column: u32) {
        prefetch_index(&self.cells, (row.at + column) as usize);
    }

    /// The cells of a row.
    pub fn row(&self, row: Row) -> &[T] {
        self.cells.get(row.at as usize..(row.at + row.length) as usize).unwrap_or_default()
    }

    /// Move an owner's row to where it has room for a column.
    #[cold]
    pub fn widen(&mut self, owner: u32, row: Row, column: u32) -> Row {
        let length = (column + 1).next_power_of_two().max(ROW_MIN);
        let wider = Row { at: self.take(owner, length), length };
        for column in 0..row.length {
            let (from, to) = (row.at + column, wider.at + column);
            self.cells[to as usize] = std::mem::take(&mut self.cells[from as usize]);
            if self.marks.remove(from) {
                self.marks.insert(to);
            }
        }
        if row.length > 0 {
            self.given[row.length.ilog2() as usize].push(row.at);
        }
        wider
    }

    /// Find blank cells for an owner's row.
    fn take(&mut self, owner: u32, length: u32) -> u32 {
        self.given.resize_with(32, Vec::new);
        let at = if let Some(at) = self.given[length.ilog2() as usize].pop() {
            self.disordered = true;
            at as usize
        } else {
            self.disordered |= self.owners.last().is_some_and(|&last| last > owner);
            self.cells.len()
        };
        let end = at + length as usize;
        self.cells.resize(self.cells.len().max(end), T::default());
        self.owners.resize(self.cells.len() / ROW_MIN as usize, owner);
        self.owners[at / ROW_MIN as usize..end / ROW_MIN as usize].fill(owner);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.marks.reserve(at + length);
        at
    }

    /// Drain every cell changed since the last call, by owner and column: its owner, its place, and what it holds.
    #[inline]
    pub fn drain(&mut self, mut tell: impl FnMut(u32, u32, &T)) {
        let Self { cells, marks, owners, found, .. } = self;
        marks.drain(|first, word| found.add(word, first.into()));
        if self.disordered {
            self.sorted += found.get().len();
            found.sort_by(|place| owners[(low32(place) / ROW_MIN) as usize]);
        }
        for (number, &place) in found.get().iter().enumerate() {
            if let Some(&later) = found.get().get(number + AHEAD) {
                prefetch_index(&*cells, low32(later) as usize);
            }
            let place = low32(place);
            tell(owners[(place / ROW_MIN) as usize], place, &cells[place as usize]);
        }
        found.clear();
    }

    /// So many changes had to be sorted that laying the rows in order pays.
    #[inline]
    pub const fn is_untidy(&self) -> bool {
        self.sorted * SORTING > self.cells.len()
    }

    /// Lay the rows in order; given are all of them, by owner from 0, and no cell has changed since last told.
    #[cold]
    pub fn tidy<'a>(&mut self, rows: impl Iterator<Item = &'a mut Row>) {
        let mut tidy = Self::default();
        for (owner, row) in (0..).zip(rows).filter(|(_, row)| row.length > 0) {
            let at = tidy.take(owner, row.length);
            tidy.cells[at as usize..(at + row.length) as usize].copy_from_slice(self.row(*row));
            row.at = at;
        }
        *self = tidy;
    }

    /// Take all cells as told.
    pub fn forget_changes(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A sheet and where its rows lie.
    #[derive(Default)]
    struct Fixture {
        sheet: Sheet<i64>,
        rows: Vec<Row>,
    }

    impl Fixture {
        fn add(&mut self, owner: u32, column: u32, value: i64) {
            self.rows.resize(self.rows.len().max(owner as usize + 1), Row::default());
            let row = &mut self.rows[owner as usize];
            if row.place(column).is_none() {
                *row = self.sheet.widen(owner, *row, column);
            }
            *self.sheet.touch(*row, column).expect("the row is that long") += value;
        }

        fn drain(&mut self) -> Vec<(u32, u32, i64)> {
            let (rows, mut told) = (&self.rows, Vec::new());
            self.sheet.drain(|owner, place, &value| told.push((owner, rows[owner as usize].column(place), value)));
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
    fn rows_that_grow_take_their_cells_and_marks_with_them_and_are_laid_in_order_again() {
        let mut f = Fixture::default();
        let mut state = 1_u32;
        let (mut all, mut changed) = (BTreeMap::new(), BTreeMap::new());
        let mut tidied = 0;
        for value in 1..=5_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (owner, column) = (state >> 8 & 15, (state >> 16) % (1 + (state >> 12 & 255)));
            f.add(owner, column, value);
            let sum = all.entry((owner, column)).or_insert(0);
            *sum += value;
            changed.insert((owner, column), *sum);
            if value % 50 == 0 {
                let told: Vec<_> = std::mem::take(&mut changed).into_iter().map(|((o, c), sum)| (o, c, sum)).collect();
                assert_eq!(f.drain(), told);
                if f.sheet.is_untidy() {
                    f.sheet.tidy(f.rows.iter_mut());
                    tidied += 1;
                    assert!(!f.sheet.is_untidy() && !f.sheet.disordered);
                }
            }
        }
        let used: u32 = f.rows.iter().map(|row| row.length).sum();
        assert!(f.sheet.cells.len() <= 2 * used as usize, "rows given up are used again");
        assert!((1..20).contains(&tidied), "laid in order {tidied} times");
        for (&(owner, column), &sum) in &all {
            assert_eq!(f.sheet.get(f.rows[owner as usize], column), Some(&sum));
        }
    }
}
