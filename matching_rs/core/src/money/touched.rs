//! A set of small numbers that comes out in order: two levels of bits.

/// Numbers put in since the last drain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    summary: Vec<u64>,
    words: Vec<u64>,
}

impl Touched {
    /// Put a number in; room was made for it by `reserve`.
    #[inline]
    pub fn insert(&mut self, number: u32) {
        let place = (number / 64) as usize;
        if let Some(word) = self.words.get_mut(place) {
            *word |= 1 << (number % 64);
        }
        if let Some(bits) = self.summary.get_mut(place / 64) {
            *bits |= 1 << (place % 64);
        }
    }

    /// Take a number out; says whether it was in.
    pub fn remove(&mut self, number: u32) -> bool {
        let Some(word) = self.words.get_mut((number / 64) as usize) else { return false };
        let before = *word;
        // Where nothing is left of the word, the summary says there is something; `drain` then finds nothing.
        *word &= !(1 << (number % 64));
        *word != before
    }

    /// Make room for numbers up to this one.
    pub fn reserve(&mut self, number: u32) {
        let place = (number / 64) as usize;
        if place >= self.words.len() {
            self.words.resize((place + 1).next_multiple_of(64), 0);
            self.summary.resize(self.words.len() / 64, 0);
        }
    }

    /// Forget all numbers.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.summary.fill(0);
    }

    /// Take all numbers out, ascending, up to 64 at a time: the lowest they could be, and a bit for each that is there.
    #[inline]
    pub fn drain(&mut self, mut take: impl FnMut(u32, u64)) {
        for (place, bits) in self.summary.iter_mut().enumerate() {
            while *bits != 0 {
                let place = place * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                take(u32::try_from(place * 64).unwrap_or(u32::MAX), std::mem::take(&mut self.words[place]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_once_and_in_order() {
        let mut touched = Touched::default();
        touched.reserve(70_000);
        for number in [70_000, 3, 64, 3, 4_095, 4_096, 63] {
            touched.insert(number);
        }
        let mut out = Vec::new();
        let mut drain = |touched: &mut Touched| {
            touched.drain(|first, word| out.extend((0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| first + bit)));
        };
        drain(&mut touched);
        touched.insert(5);
        drain(&mut touched);
        drain(&mut touched);
        assert_eq!(out, [3, 63, 64, 4_095, 4_096, 70_000, 5]);
    }
}
