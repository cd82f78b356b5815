//! Price levels of one book: a window of them in an array, with a bitmap of those in use, and the far ones in a map.
//!
//! Bids are below asks, so one array serves both sides: what lies at or below the best bid is a bid. The window
//! follows the touch: when enough work falls outside it, it is laid anew around the touch, so moving it costs each
//! far operation a small constant.

use std::collections::BTreeMap;

use prefetch_index::prefetch_index;

use super::marks::Marks;
use super::ticks::{NO_ASK, NO_BID};
use super::window::{WINDOW, WORDS, place};
use crate::command::Side;
use crate::places::Places;

const SPAN: i64 = 1_024;

/// Far operations that pay for laying the window anew.
const PATIENCE: u32 = 256;

/// One price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Lots open.
    pub quantity: i64,
    /// First in the queue; meaningless when empty.
    pub head: u32,
    /// Last in the queue; meaningless when empty.
    pub tail: u32,
    /// Orders open; 0: empty.
    pub orders: u32,
}

/// A price without orders.
pub const EMPTY: Level = Level { quantity: 0, head: 0, tail: 0, orders: 0 };

/// The levels by tick.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    base: i64,
    summary: u64,
    words: [u64; WORDS],
    window: Box<[Level]>,
    far: BTreeMap<i64, Level>,
    far_uses: u32,
    /// What has changed since last told, by side.
    marks: [Marks; 2],
}

impl Levels {
    #[inline]
    fn offset(&self, tick: i64) -> Option<usize> {
        let offset = tick.wrapping_sub(self.base).cast_unsigned();
        (offset < self.window.len() as u64).then(|| usize::try_from(offset).unwrap_or(0))
    }

    /// The level of a tick, if orders are there.
    #[must_use]
    #[inline]
    pub fn get(&self, tick: i64) -> Option<&Level> {
        match self.offset(tick) {
            Some(offset) => self.window.get(offset).filter(|level| level.orders > 0),
            None => self.far.get(&tick),
        }
    }

    /// The level of a tick where orders of a side are, to change.
    #[inline]
    pub fn change(&mut self, side: Side, tick: i64) -> Option<&mut Level> {
        if let Some(offset) = self.offset(tick) {
            self.marks[side as usize].set(offset);
            return self.window.get_mut(offset);
        }
        self.marks[side as usize].set_far(tick);
        self.far.get_mut(&tick)
    }

    /// The level of a tick about to get an order of a side; `best` is the book's, which the window should hold.
    #[inline]
    pub fn open(&mut self, side: Side, tick: i64, best: [i64; 2]) -> &mut Level {
        if self.offset(tick).is_none() {
            self.far_open(tick, best);
        }
        match self.offset(tick) {
            Some(offset) => {
                let word = offset / 64 % WORDS;
                self.words[word] |= 1 << (offset % 64);
                self.summary |= 1 << word;
                self.marks[side as usize].set(offset);
                &mut self.window[offset]
            }
            None => self.far_entry(side, tick),
        }
    }

    #[cold]
    fn far_entry(&mut self, side: Side, tick: i64) -> &mut Level {
        self.marks[side as usize].set_far(tick);
        self.far.entry(tick).or_default()
    }

    /// Append the ticks of a side that changed since last told, ascending, each once.
    #[inline]
    pub fn take_changed(&mut self, side: Side, ticks: &mut Places) {
        self.marks[side as usize].take(self.base, ticks);
    }

    /// Prefetch the cache line of a level, if it is in the window.
    #[inline]
    pub fn foresee(&self, tick: i64) {
        if let Some(offset) = self.offset(tick) {
            prefetch_index(&self.window, offset);
        }
    }

    #[cold]
    fn far_open(&mut self, tick: i64, best: [i64; 2]) {
        if self.window.is_empty() {
            self.window = vec![Level::default(); WINDOW].into_boxed_slice();
            self.lay(tick);
            return;
        }
        self.far_uses += 1;
        if self.far_uses >= PATIENCE {
            self.far_uses = 0;
            let center = match best {
                [NO_BID, NO_ASK] => tick,
                [one, NO_ASK] | [NO_BID, one] => one,
                [bid, ask] if ask - bid < SPAN / 2 => bid + (ask - bid) / 2,
                [bid, ask] if tick - bid < ask - tick => bid,
                [_, ask] => ask,
            };
            if (center - (self.base + SPAN / 2)).abs() > SPAN / 8 {
                self.lay(center);
            }
        }
    }

    /// Lay the window around a tick.
    fn lay(&mut self, center: i64) {
        for marks in &mut self.marks {
            marks.unlay(self.base);
        }
        for offset in 0..self.window.len() {
            let level = std::mem::take(&mut self.window[offset]);
            if level.orders > 0 {
                self.far.insert(self.base + i64::try_from(offset).unwrap_or(0), level);
            }
        }
        self.base = (center - SPAN / 2).max(0);
        self.summary = 0;
        self.words = [0; WORDS];
        let inside: Vec<i64> =
            self.far.range(self.base..self.base.saturating_add(SPAN)).map(|(&tick, _)| tick).collect();
        for tick in inside {
            let Some(level) = self.far.remove(&tick) else { continue };
            if let Some(offset) = self.offset(tick) {
                self.window[offset] = level;
                self.words[offset / 64] |= 1 << (offset % 64);
                self.summary |= 1 << (offset / 64);
            }
        }
    }

    /// Forget a level whose last order is gone.
    #[inline]
    pub fn close(&mut self, tick: i64) {
        match self.offset(tick) {
            Some(offset) => {
                let place = offset / 64 % WORDS;
                let word = &mut self.words[place];
                *word &= !(1 << (offset % 64));
                self.summary &= !(u64::from(*word == 0) << place);
            }
            None => self.far_close(tick),
        }
    }

    #[cold]
    fn far_close(&mut self, tick: i64) {
        self.far.remove(&tick);
        self.far_uses = self.far_uses.saturating_add(1);
    }

    /// The nearest tick in use below.
    #[must_use]
    pub fn below(&self, tick: i64) -> Option<i64> {
        let end = self.base.saturating_add(SPAN);
        if tick > end
            && let Some((&found, _)) = self.far.range(end..tick).next_back()
        {
            return Some(found);
        }
        if tick > self.base && self.summary != 0 {
            let offset = usize::try_from((tick - self.base).min(SPAN)).unwrap_or(0);
            if let Some(found) = self.bit_below(offset) {
                return Some(self.base + found);
            }
        }
        if self.far.is_empty() {
            return None;
        }
        self.far.range(..tick.min(self.base)).next_back().map(|(&found, _)| found)
    }

    /// The nearest tick in use above.
    #[must_use]
    pub fn above(&self, tick: i64) -> Option<i64> {
        let end = self.base.saturating_add(SPAN);
        let from = tick.saturating_add(1);
        if from < self.base
            && let Some((&found, _)) = self.far.range(from..self.base).next()
        {
            return Some(found);
        }
        if from < end && self.summary != 0 {
            let offset = usize::try_from((from - self.base).max(0)).unwrap_or(0);
            if let Some(found) = self.bit_from(offset) {
                return Some(self.base + found);
            }
        }
        if self.far.is_empty() {
            return None;
        }
        self.far.range(from.max(end)..).next().map(|(&found, _)| found)
    }

    /// The highest bit in use under `offset` (at most `WINDOW`).
    #[inline]
    fn bit_below(&self, offset: usize) -> Option<i64> {
        let (word, bit) = (offset / 64, offset % 64);
        if word < WORDS {
            let here = self.words[word] & ((1 << bit) - 1);
            if here != 0 {
                return Some(place(word, here.ilog2()));
            }
        }
        let rest = self.summary & ((1 << word) - 1);
        if rest == 0 {
            return None;
        }
        let word = rest.ilog2();
        Some(place(word as usize, self.words[word as usize % WORDS].checked_ilog2()?))
    }

    /// The lowest bit in use from `offset` (below `WINDOW`).
    #[inline]
    fn bit_from(&self, offset: usize) -> Option<i64> {
        let (word, bit) = (offset / 64, offset % 64);
        let here = self.words[word] & (u64::MAX << bit);
        if here != 0 {
            return Some(place(word, here.trailing_zeros()));
        }
        let rest = self.summary & (u64::MAX << 1 << word);
        if rest == 0 {
            return None;
        }
        let word = rest.trailing_zeros();
        Some(place(word as usize, self.words[word as usize % WORDS].trailing_zeros()))
    }

    /// Every level in use, by tick.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Level)> + '_ {
        let below = self.far.range(..self.base).map(|(&tick, level)| (tick, level));
        let above = self.far.range(self.base.saturating_add(SPAN)..).map(|(&tick, level)| (tick, level));
        let inside = (self.base..).zip(&self.window).filter(|(_, level)| level.orders > 0);
        below.chain(inside).chain(above)
    }

    /// Bytes taken from the allocator, the map's by estimate.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.window.len() * size_of::<Level>() + self.far.len() * (size_of::<Level>() + size_of::<i64>())) as u64
    }

    /// Check the bitmap, the window and the map against each other.
    ///
    /// # Errors
    /// The first violation, in words.
    pub fn validate(&self) -> Result<(), String> {
        for (offset, level) in self.window.iter().enumerate() {
            let bit = self.words[offset / 64] >> (offset % 64) & 1 == 1;
            if bit != (level.orders > 0) {
                return Err(format!("bit {offset} of the window does not fit its level"));
            }
        }
        for (place, word) in self.words.iter().enumerate() {
            if (self.summary >> place & 1 == 1) != (*word != 0) {
                return Err(format!("the summary does not fit word {place}"));
            }
        }
        for (&tick, level) in &self.far {
            if level.orders == 0 || self.offset(tick).is_some() {
                return Err(format!("far level {tick} is empty or lies in the window"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic generator, so that a failure repeats.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn levels_are_found_like_in_a_sorted_map_wherever_the_window_lies() {
        for (span, drift) in [(50, 0), (2_000, 0), (300, 3), (5_000, 40), (1_i64 << 60, 0)] {
            let mut levels = Levels::default();
            let mut naive = BTreeMap::new();
            let mut state = 11;
            for step in 0..4_000_i64 {
                let at = 1 + step * drift + i64::try_from(random(&mut state)).unwrap() % span;
                let tick = if span > 10_000 { at << (random(&mut state) % 30) } else { at };
                if naive.contains_key(&tick) {
                    naive.remove(&tick);
                    levels.change(Side::Buy, tick).unwrap().orders = 0;
                    levels.close(tick);
                } else {
                    let best = [naive.keys().next_back().copied().unwrap_or(NO_BID), NO_ASK];
                    naive.insert(tick, step);
                    let level = levels.open(Side::Buy, tick, best);
                    level.orders = 1;
                    level.quantity = step;
                }
                levels.validate().unwrap();
                let probe = tick + i64::try_from(random(&mut state) % 100).unwrap() - 50;
                assert_eq!(levels.below(probe), naive.range(..probe).next_back().map(|(&tick, _)| tick));
                assert_eq!(levels.above(probe), naive.range(probe + 1..).next().map(|(&tick, _)| tick));
            }
            let all: Vec<_> = levels.iter().map(|(tick, level)| (tick, level.quantity)).collect();
            assert_eq!(all, naive.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_window_follows_the_touch() {
        let mut levels = Levels::default();
        levels.open(Side::Buy, 10_000, [NO_BID, NO_ASK]).orders = 1;
        for tick in 50_000..50_000 + i64::from(PATIENCE) {
            levels.open(Side::Buy, tick, [tick - 1, NO_ASK]).orders = 1;
        }
        assert!(levels.offset(50_100).is_some(), "the window lies around the touch");
        assert!(levels.offset(10_000).is_none() && levels.get(10_000).is_some(), "what is left behind is kept");
    }
}
