//! A set of small numbers that comes out in order: two levels of bits.

/// Numbers put in since the last drain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    summary: Vec<u64>,
    words: Vec<u64>,
}

impl Touched {
    /// Put a number in.
    #[inline]
    pub fn insert(&mut self, number: u32) {
        let place = (number / 64) as usize;
        if place >= self.words.len() {
            self.extend(place);
        }
        self.words[place] |= 1 << (number % 64);
        self.summary[place / 64] |= 1 << (place % 64);
    }

    #[cold]
    fn extend(&mut self, place: usize) {
        self.words.resize((place + 1).next_multiple_of(64), 0);
        self.summary.resize(self.words.len() / 64, 0);
    }

    /// Take the lowest number out.
    pub fn pop(&mut self) -> Option<u32> {
        let (summary, bits) = self.summary.iter_mut().enumerate().find(|(_, bits)| **bits != 0)?;
        let place = summary * 64 + bits.trailing_zeros() as usize;
        let word = &mut self.words[place];
        let number = u32::try_from(place * 64).ok()? + word.trailing_zeros();
        *word &= *word - 1;
        if *word == 0 {
            *bits &= *bits - 1;
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_once_and_in_order() {
        let mut touched = Touched::default();
        for number in [70_000, 3, 64, 3, 4_095, 4_096, 63] {
            touched.insert(number);
        }
        let out: Vec<_> = std::iter::from_fn(|| touched.pop()).collect();
        assert_eq!(out, [3, 63, 64, 4_095, 4_096, 70_000]);
        touched.insert(5);
        assert_eq!((touched.pop(), touched.pop()), (Some(5), None));
    }
}
