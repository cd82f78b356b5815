//! Reads MessagePack values from a slice, borrowing strings and bytes.

use rmp::Marker;

/// The first of the markers of signed integers; those of unsigned ones are below.
const SIGNED: u8 = 0xd0;

/// The bytes are not the value that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A cursor over MessagePack bytes; every length is checked against what is there.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Start at the head of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// What is not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    fn marker(&mut self) -> Result<Marker, Malformed> {
        let (&first, rest) = self.bytes.split_first().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(Marker::from_u8(first))
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*head)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(head)
    }

    /// Read an integer of at least 0, in any of its forms.
    ///
    /// # Errors
    /// `Malformed`, as by all readers here.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "most integers are one byte: a call would cost more than the work")]
    pub fn unsigned(&mut self) -> Result<u64, Malformed> {
        match self.bytes.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.bytes = rest;
                Ok(first.into())
            }
            _ => self.wide(),
        }
    }

    /// Read an integer, in any of its forms.
    ///
    /// # Errors
    /// `Malformed`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        match self.bytes.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.bytes = rest;
                Ok(first.into())
            }
            Some((&first, _)) if first < SIGNED => i64::try_from(self.wide()?).map_err(|_| Malformed),
            _ => {
                let marker = self.marker()?;
                self.signed_form(marker)
            }
        }
    }

    /// Read an integer of at least 0 that takes more than its marker.
    #[inline]
    fn wide(&mut self) -> Result<u64, Malformed> {
        match self.marker()? {
            Marker::U8 => self.fixed().map(|bytes| u64::from(u8::from_be_bytes(bytes))),
            Marker::U16 => self.fixed().map(|bytes| u64::from(u16::from_be_bytes(bytes))),
            Marker::U32 => self.fixed().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
            Marker::U64 => self.fixed().map(u64::from_be_bytes),
            marker => self.signed_form(marker).and_then(|value| u64::try_from(value).map_err(|_| Malformed)),
        }
    }

    /// Writers other than ours may send a small positive number in a signed form.
    #[cold]
    fn signed_form(&mut self, marker: Marker) -> Result<i64, Malformed> {
        match marker {
            Marker::FixNeg(value) => Ok(value.into()),
            Marker::I8 => self.fixed().map(|bytes| i64::from(i8::from_be_bytes(bytes))),
            Marker::I16 => self.fixed().map(|bytes| i64::from(i16::from_be_bytes(bytes))),
            Marker::I32 => self.fixed().map(|bytes| i64::from(i32::from_be_bytes(bytes))),
            Marker::I64 => self.fixed().map(i64::from_be_bytes),
            _ => Err(Malformed),
        }
    }

    /// Read an integer of at least 0 that fits a signed column.
    ///
    /// # Errors
    /// `Malformed`.
    #[inline]
    pub fn u63(&mut self) -> Result<u64, Malformed> {
        let value = self.unsigned()?;
        if value >> 63 == 0 { Ok(value) } else { Err(Malformed) }
    }

    /// Read an integer that fits 32 bits.
    ///
    /// # Errors
    /// `Malformed`.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.unsigned()?).map_err(|_| Malformed)
    }

    /// Read an integer that fits 16 bits.
    ///
    /// # Errors
    /// `Malformed`.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        u16::try_from(self.unsigned()?).map_err(|_| Malformed)
    }

    /// Read an integer that fits 8 bits.
    ///
    /// # Errors
    /// `Malformed`.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        u8::try_from(self.unsigned()?).map_err(|_| Malformed)
    }

    /// Read true or false.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        match self.marker()? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            _ => Err(Malformed),
        }
    }

    /// Read nil as none, anything else by `read`.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if let Some((&first, rest)) = self.bytes.split_first()
            && Marker::from_u8(first) == Marker::Null
        {
            self.bytes = rest;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Read a string.
    ///
    /// # Errors
    /// `Malformed`, also when it is not UTF-8.
    #[inline]
    pub fn str(&mut self) -> Result<&'a str, Malformed> {
        let length = match self.marker()? {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => usize::from(u8::from_be_bytes(self.fixed()?)),
            Marker::Str16 => usize::from(u16::from_be_bytes(self.fixed()?)),
            Marker::Str32 => length_of(u32::from_be_bytes(self.fixed()?))?,
            _ => return Err(Malformed),
        };
        std::str::from_utf8(self.slice(length)?).map_err(|_| Malformed)
    }

    /// Read bytes.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn bin(&mut self) -> Result<&'a [u8], Malformed> {
        let length = match self.marker()? {
            Marker::Bin8 => usize::from(u8::from_be_bytes(self.fixed()?)),
            Marker::Bin16 => usize::from(u16::from_be_bytes(self.fixed()?)),
            Marker::Bin32 => length_of(u32::from_be_bytes(self.fixed()?))?,
            _ => return Err(Malformed),
        };
        self.slice(length)
    }

    /// Read the head of an array: how many values follow.
    ///
    /// # Errors
    /// `Malformed`, also when there are fewer bytes than values.
    #[inline]
    pub fn array(&mut self) -> Result<usize, Malformed> {
        let length = match self.marker()? {
            Marker::FixArray(length) => usize::from(length),
            Marker::Array16 => usize::from(u16::from_be_bytes(self.fixed()?)),
            Marker::Array32 => length_of(u32::from_be_bytes(self.fixed()?))?,
            _ => return Err(Malformed),
        };
        if length <= self.bytes.len() { Ok(length) } else { Err(Malformed) }
    }

    /// Check that nothing follows.
    ///
    /// # Errors
    /// `Malformed`.
    pub const fn end(&self) -> Result<(), Malformed> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

fn length_of(length: u32) -> Result<usize, Malformed> {
    usize::try_from(length).map_err(|_| Malformed)
}
