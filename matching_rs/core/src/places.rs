//! Where bits are set, as one list for many words: who goes through it guesses its end wrong once, not once a word.

/// A list of numbers that is kept to be filled again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    list: Vec<u64>,
    count: usize,
}

impl Places {
    /// Append `first` plus the place of each bit set, ascending.
    #[inline]
    pub fn add(&mut self, word: u64, first: u64) {
        let Some([one, two]) = self.list.get_mut(self.count..).and_then(|rest| rest.first_chunk_mut()) else {
            return self.add_slowly(word, first);
        };
        // Whether there is a first and a second bit is as good as random, so both are written; a third is rare.
        let rest = word & word.wrapping_sub(1);
        (*one, *two) = (first.wrapping_add(lowest(word)), first.wrapping_add(lowest(rest)));
        self.count += usize::from(word != 0) + usize::from(rest != 0);
        let rest = rest & rest.wrapping_sub(1);
        if rest != 0 {
            self.add_slowly(rest, first);
        }
    }

    #[inline(never)]
    fn add_slowly(&mut self, mut word: u64, first: u64) {
        if self.list.len() < self.count + 66 {
            self.list.resize(self.count + 1_024, 0);
        }
        while word != 0 {
            self.list[self.count] = first.wrapping_add(lowest(word));
            self.count += 1;
            word &= word - 1;
        }
    }

    /// Append one number.
    pub fn push(&mut self, number: u64) {
        self.add(1, number);
    }

    /// The numbers.
    #[inline]
    pub fn get(&self) -> &[u64] {
        &self.list[..self.count]
    }

    /// Sort the numbers, below 2³², by a key first; it then stands above them.
    pub fn sort_by(&mut self, key_of: impl Fn(u64) -> u32) {
        let numbers = &mut self.list[..self.count];
        for number in numbers.iter_mut() {
            *number |= u64::from(key_of(*number)) << 32;
        }
        numbers.sort_unstable();
    }

    /// Forget them.
    pub const fn clear(&mut self) {
        self.count = 0;
    }
}

/// The place of the lowest bit set; any place where none is.
#[inline]
const fn lowest(word: u64) -> u64 {
    (word | 1 << 63).trailing_zeros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_every_word_is_listed_once() {
        let mut places = Places::default();
        for (first, word) in [(0, 0), (100, 1), (200, u64::MAX), (300, 1 << 63 | 1), (400, 0b1011)] {
            places.add(word, first);
        }
        places.push(7);
        let expected: Vec<u64> = [100].into_iter().chain(200..264).chain([300, 363, 400, 401, 403, 7]).collect();
        assert_eq!(places.get(), expected);
        places.clear();
        assert!(places.get().is_empty());
        for round in 0..3_000 {
            places.add(u64::MAX >> (round % 64), 0);
        }
        assert_eq!(places.get().len(), (0..3_000).map(|round| 64 - round % 64).sum::<usize>());
    }
}
