//! Which prices of one side have changed since last told: a bit each in the window of levels, a list of the far ones.
//!
//! A bit is set without asking whether it was, for that is as good as random; and bits come out in order without sorting.

use super::window::{WORDS, place};
use crate::places::Places;

/// Far changes kept before doubles among them are looked for.
const FAR_MIN: usize = 4_096;

/// Prices marked since the last `take`.
#[derive(Clone, Debug)]
pub struct Marks {
    summary: u64,
    words: [u64; WORDS],
    far: Vec<i64>,
    far_max: usize,
}

impl Default for Marks {
    fn default() -> Self {
        Self { summary: 0, words: [0; WORDS], far: Vec::new(), far_max: FAR_MIN }
    }
}

impl Marks {
    /// Mark a place in the window.
    #[inline]
    pub fn set(&mut self, offset: usize) {
        let word = offset / 64 % WORDS;
        self.words[word] |= 1 << (offset % 64);
        self.summary |= 1 << word;
    }

    /// Mark a price outside the window; nobody may drain, so the list stays as short as the book is wide.
    pub fn set_far(&mut self, tick: i64) {
        self.far.push(tick);
        if self.far.len() >= self.far_max {
            self.far.sort_unstable();
            self.far.dedup();
            self.far_max = FAR_MIN.max(2 * self.far.len());
        }
    }

    /// The window that began at `base` is laid anew: what was marked in it is kept as prices.
    pub fn unlay(&mut self, base: i64) {
        let mut inside = Places::default();
        self.take_window(base, &mut inside);
        self.far.extend(inside.get().iter().map(|tick| tick.cast_signed()));
    }

    #[inline]
    fn take_window(&mut self, base: i64, ticks: &mut Places) {
        while self.summary != 0 {
            let word = self.summary.trailing_zeros() as usize;
            ticks.add(std::mem::take(&mut self.words[word]), (base + place(word, 0)).cast_unsigned());
            self.summary &= self.summary - 1;
        }
    }

    /// Append what is marked, each once and ascending, and forget it; the window begins at `base`.
    #[inline]
    pub fn take(&mut self, base: i64, ticks: &mut Places) {
        if self.far.is_empty() {
            return self.take_window(base, ticks);
        }
        self.unlay(base);
        self.far.sort_unstable();
        self.far.dedup();
        for tick in self.far.drain(..) {
            ticks.push(tick.cast_unsigned());
        }
        self.far_max = FAR_MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(marks: &mut Marks, base: i64) -> Vec<i64> {
        let mut ticks = Places::default();
        marks.take(base, &mut ticks);
        ticks.get().iter().map(|tick| tick.cast_signed()).collect()
    }

    #[test]
    fn marks_come_out_once_and_in_order() {
        let mut marks = Marks::default();
        for offset in [700, 3, 64, 3, 1_023, 63] {
            marks.set(offset);
        }
        assert_eq!(taken(&mut marks, 1_000), [1_003, 1_063, 1_064, 1_700, 2_023]);
        assert!(taken(&mut marks, 1_000).is_empty());
    }

    #[test]
    fn marks_outlive_a_move_of_the_window() {
        let mut marks = Marks::default();
        marks.set(5);
        marks.set_far(9_000);
        marks.unlay(1_000);
        marks.set(1);
        marks.set_far(2);
        assert_eq!(taken(&mut marks, 8_999), [2, 1_005, 9_000]);
    }

    #[test]
    fn nobody_draining_does_not_let_the_list_grow() {
        let mut marks = Marks::default();
        for step in 0..100_000 {
            marks.set_far(step % 100);
        }
        assert!(marks.far.capacity() <= 2 * FAR_MIN);
        assert_eq!(taken(&mut marks, 0).len(), 100);
    }
}
