//! SipHash-1-3 with 128 bits of output, read word by word, and a quicker fold for what needs no such strength.

use crate::bits::low64;

/// Hashes under one key; the key is mixed in once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sip {
    key: [u64; 2],
    start: [u64; 4],
}

#[inline]
const fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    c = c.rotate_left(32);
    [a, b, c, d]
}

#[inline]
const fn absorb([a, b, c, d]: [u64; 4], word: u64) -> [u64; 4] {
    let [a, b, c, d] = round([a, b, c, d ^ word]);
    [a ^ word, b, c, d]
}

/// The last `count` (at most seven) of some bytes, the first of them lowest.
#[inline]
fn tail(bytes: &[u8], count: usize) -> u64 {
    match bytes.last_chunk::<8>() {
        // One load of whole eight, the ones before shifted out; twice, for a shift by 64 is none.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (7 - count)) >> 8,
        None => bytes[bytes.len() - count..].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

impl Sip {
    /// Take a key.
    pub const fn new(key: [u64; 2]) -> Self {
        let [low, high] = key;
        let start = [
            low ^ 0x736F_6D65_7073_6575,
            high ^ 0x646F_7261_6E64_6F6D ^ 0xEE,
            low ^ 0x6C79_6765_6E65_7261,
            high ^ 0x7465_6462_7974_6573,
        ];
        Self { key, start }
    }

    /// The key as it was taken.
    pub const fn key(&self) -> [u64; 2] {
        self.key
    }

    /// Hash a number (4 bytes, lowest first) and the bytes behind it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "on the way of every order: calls would cost as much as it does")]
    pub fn hash(&self, number: u32, bytes: &[u8]) -> [u64; 2] {
        let length = (bytes.len() as u64 + 4) << 56;
        let mut state = self.start;
        let (last, rest) = match bytes.split_first_chunk::<4>() {
            Some((first, rest)) => {
                state = absorb(state, u64::from(number) | u64::from(u32::from_le_bytes(*first)) << 32);
                let (words, rest) = rest.as_chunks::<8>();
                for word in words {
                    state = absorb(state, u64::from_le_bytes(*word));
                }
                (tail(bytes, rest.len()), state)
            }
            None => (u64::from(number) | tail(bytes, bytes.len()) << 32, state),
        };
        let [a, b, c, d] = absorb(rest, last | length);
        let [a, b, c, d] = round(round(round([a, b, c ^ 0xEE, d])));
        let low = a ^ b ^ c ^ d;
        let [a, b, c, d] = round(round(round([a, b ^ 0xDD, c, d])));
        [low, a ^ b ^ c ^ d]
    }

    /// Fold words into 64 bits: keyed and well spread, but not proof against one who knows the key.
    #[inline]
    pub fn fold(&self, words: &[u64]) -> u64 {
        let [mut state, key] = self.key;
        for word in words {
            let product = u128::from(state ^ word ^ 0x9E37_79B9_7F4A_7C15) * u128::from(key | 1 << 63 | 1);
            state = low64(product) ^ low64(product >> 64);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        let keys = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908];
        let text: Vec<u8> = (0..80).collect();
        let sip = Sip::new(keys);
        for length in 0..=text.len() {
            let number = 0x5A5A_0001_u32;
            let whole = [&number.to_le_bytes()[..], &text[..length]].concat();
            let reference = siphasher::sip128::SipHasher13::new_with_keys(keys[0], keys[1]).hash(&whole);
            assert_eq!(sip.hash(number, &text[..length]), [reference.h1, reference.h2], "{length} bytes");
        }
    }

    #[test]
    fn every_bit_of_every_word_changes_the_fold() {
        let sip = Sip::new([17, 4_711]);
        let words = [1, 2, 3, 4];
        for place in 0..4 {
            for bit in 0..64 {
                let mut other = words;
                other[place] ^= 1 << bit;
                assert_ne!(sip.fold(&words), sip.fold(&other));
            }
        }
    }
}
