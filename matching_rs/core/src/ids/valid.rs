//! Which ids a client may use.

use crate::command::ID_BYTES_MAX;

/// An id is 1 to 64 bytes without control characters, and neither `.` nor `..`.
///
/// Ids become segments of addresses, and those two name other ones (RFC 3986, 5.2.4): `orders/by-client-order-id/../`
/// is `orders/` before it leaves the client.
#[inline]
pub(crate) fn id_is_valid(id: &str) -> bool {
    let length = (1..=ID_BYTES_MAX).contains(&id.len());
    length && !(id.len() <= 2 && is_dots(id)) && (is_plain(id.as_bytes()) || has_no_control(id))
}

#[cold]
fn is_dots(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'.')
}

/// All bytes are printable ASCII: eight at a time, the last eight twice where there are any.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The top bit of a byte that is not plain is set: it was, or it borrowed from 0x20 up, or it is 0x7F.
    let odd = |word: u64| (word | word.wrapping_sub(0x20 * EACH) | word.wrapping_add(EACH)) & (0x80 * EACH);
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words.iter().fold(0, |found, word| found | odd(u64::from_le_bytes(*word)));
    match bytes.last_chunk::<8>() {
        _ if rest.is_empty() => whole == 0,
        Some(last) => whole | odd(u64::from_le_bytes(*last)) == 0,
        None => rest.iter().all(|byte| (0x20..0x7F).contains(byte)),
    }
}

#[cold]
fn has_no_control(id: &str) -> bool {
    !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_segment_that_an_address_loses() {
        assert!(!id_is_valid("."));
        assert!(!id_is_valid(".."));
        for id in ["...", ".a", "a.", "..a", "a", "ab"] {
            assert!(id_is_valid(id), "{id}");
        }
    }

    #[test]
    fn an_id_is_1_to_64_bytes_without_control_characters() {
        for length in 0..=80 {
            let id = "x".repeat(length);
            assert_eq!(id_is_valid(&id), (1..=64).contains(&length), "{length} bytes");
            for place in 0..length {
                for odd in ['\0', '\x1F', '\x7F', '\n', ' ', '~', '!', '\u{80}', '\u{9F}', '\u{E9}', '\u{20AC}'] {
                    let mut other: Vec<char> = id.chars().collect();
                    other[place] = odd;
                    let other: String = other.into_iter().collect();
                    let plain = (1..=64).contains(&other.len()) && !odd.is_control();
                    assert_eq!(id_is_valid(&other), plain, "{odd:?} at {place} of {length}");
                }
            }
        }
    }
}
