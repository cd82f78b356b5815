//! The shortest form of a number as `MessagePack`: its marker and the bytes behind it.

/// How a number is written: its marker, which of its own low bits the marker takes in, how many bytes marker and number
/// take together, and how far the number is shifted up to stand behind its marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    marker: u8,
    own: u8,
    pub(super) bytes: u8,
    shift: u8,
}

impl Form {
    pub(super) const fn wide(marker: u8, size: u8) -> Self {
        Self { marker, own: 0, bytes: 1 + size, shift: 64 - 8 * size }
    }

    /// The number is its marker.
    const fn small(own: u8) -> Self {
        Self { marker: 0, own, bytes: 1, shift: 0 }
    }

    /// The marker's byte.
    #[inline]
    pub(super) const fn marker(self, value: u64) -> u8 {
        self.marker | (value.to_le_bytes()[0] & self.own)
    }

    /// The bytes behind it; what is past `bytes` means nothing.
    #[inline]
    pub(super) const fn tail(self, value: u64) -> [u8; 8] {
        value.wrapping_shl(self.shift as u32).to_be_bytes()
    }
}

/// So many numbers of leading bits there are: 0 to 64.
const BELOW: usize = 65;

/// The shortest form of a number of at least 0, by its leading zero bits, and `BELOW` further on of one below 0, by its
/// leading ones.
const FORMS: [Form; 2 * BELOW] = {
    let mut forms = [Form::wide(0xcf, 8); 2 * BELOW];
    let mut bits = 0;
    while bits <= 64 {
        forms[bits] = match bits {
            0..32 => Form::wide(0xcf, 8),
            32..48 => Form::wide(0xce, 4),
            48..56 => Form::wide(0xcd, 2),
            56 => Form::wide(0xcc, 1),
            _ => Form::small(0x7f),
        };
        forms[BELOW + bits] = match bits {
            0..33 => Form::wide(0xd3, 8),
            33..49 => Form::wide(0xd2, 4),
            49..57 => Form::wide(0xd1, 2),
            57 | 58 => Form::wide(0xd0, 1),
            _ => Form::small(0xff),
        };
        bits += 1;
    }
    forms
};

/// The shortest form of a number of at least 0.
#[inline]
pub(super) fn form(value: u64) -> Form {
    FORMS[value.leading_zeros() as usize]
}

/// The shortest form of any number; no branch on its sign, which of many numbers is as good as random.
#[inline]
pub(super) fn signed_form(value: i64) -> Form {
    let below = (value >> 63).cast_unsigned();
    let bits = (value.cast_unsigned() ^ below).leading_zeros() as usize;
    // Told that there are no more, the compiler leaves its own check out.
    FORMS[(bits + usize::from(value < 0) * BELOW).min(FORMS.len() - 1)]
}
