//! Reads the commands that make up nearly all of the flow in the form nearly all of them have: every value in the shortest
//! form, ids of printable ASCII.
//!
//! What this reads is what `decode_command` reads; what it gives up on is read again there, refusals first of all. It may
//! look past a command's end at what follows in the frame, so that numbers are taken out of a fixed window without asking for
//! each how long it is; only at the end it sees whether it went too far.
#![allow(clippy::inline_always, reason = "a number takes less than a call")]

use crate::command::{
    COMMAND_VERSION, CancelOrder, Command, ID_BYTES_MAX, OrderType, SelfTradePrevention, Side, SubmitOrder,
    TimeInForce, kind,
};

/// A cursor over a frame.
struct Quick<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Quick<'a> {
    #[inline(always)]
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*taken)
    }

    #[inline(always)]
    fn unsigned(&mut self) -> Option<u64> {
        let (&first, rest) = self.bytes.get(self.at..)?.split_first()?;
        if first < 0x80 {
            self.at += 1;
            return Some(first.into());
        }
        let window = rest.first_chunk::<8>()?;
        // Markers 0xcc to 0xcf: one, two, four or eight bytes follow.
        if first & 0xfc != 0xcc {
            return None;
        }
        let size = 1 << (first & 3);
        self.at += 1 + size;
        Some(u64::from_be_bytes(*window) >> (64 - 8 * size))
    }

    #[inline(always)]
    fn u63(&mut self) -> Option<u64> {
        self.unsigned().filter(|value| value >> 63 == 0)
    }

    #[inline(always)]
    fn signed(&mut self) -> Option<i64> {
        self.u63().map(u64::cast_signed)
    }

    #[inline(always)]
    fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.unsigned()?).ok()
    }

    #[inline(always)]
    fn id(&mut self) -> Option<&'a str> {
        let [first] = self.fixed()?;
        let length = match first {
            0xa0..0xc0 => usize::from(first & 0x1f),
            0xd9 => self.fixed::<1>().map(|[length]| usize::from(length))?,
            _ => return None,
        };
        let text = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        if length > ID_BYTES_MAX || !is_plain(text) {
            return None;
        }
        std::str::from_utf8(text).ok()
    }
}

/// All bytes are printable ASCII: eight at a time, the last eight twice where there are any.
#[inline(always)]
fn is_plain(bytes: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The top bit of a byte that is not plain is set: it was, or it borrowed from 0x20 up, or it is 0x7F.
    let odd = |word: u64| (word | word.wrapping_sub(0x20 * EACH) | word.wrapping_add(EACH)) & (0x80 * EACH);
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    };
    let words = bytes.as_chunks::<8>().0.iter().chain([last]);
    words.fold(0, |found, word| found | odd(u64::from_le_bytes(*word))) == 0
}

/// Read the command in the first `length` bytes, if it is of the kinds and in the form expected here.
#[inline(always)]
pub(crate) fn decode_quickly(bytes: &[u8], length: usize) -> Option<Command<'_>> {
    let mut q = Quick { bytes, at: 0 };
    let [head, number, version] = q.fixed()?;
    if version != COMMAND_VERSION {
        return None;
    }
    let command = match (head, number) {
        (0x9e, kind::SUBMIT_ORDER) => Command::SubmitOrder(submit_order(&mut q)?),
        (0x96, kind::CANCEL_ORDER) => {
            Command::CancelOrder(CancelOrder { account: q.u32()?, deadline: q.u63()?, order_id: q.u63()?, id: q.id()? })
        }
        _ => return None,
    };
    (q.at == length).then_some(command)
}

#[inline(always)]
fn submit_order<'a>(q: &mut Quick<'a>) -> Option<SubmitOrder<'a>> {
    let account = q.u32()?;
    let id = q.id().filter(|id| !id.is_empty())?;
    let (deadline, instrument) = (q.u63()?, q.u32()?);
    let [side, order_type, time_in_force, flags, stp] = q.fixed()?;
    if flags >= 0x80 {
        return None;
    }
    Some(SubmitOrder {
        account,
        id,
        deadline,
        instrument,
        side: *[Side::Buy, Side::Sell].get(usize::from(side))?,
        order_type: *[OrderType::Limit, OrderType::Market].get(usize::from(order_type))?,
        time_in_force: *[TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok].get(usize::from(time_in_force))?,
        flags,
        stp: *STPS.get(usize::from(stp))?,
        price: q.signed()?,
        quantity: q.signed()?,
        quote_amount: q.signed()?,
    })
}

/// By number; 0 leaves it to the account's default.
const STPS: [Option<SelfTradePrevention>; 5] = [
    None,
    Some(SelfTradePrevention::CancelNewest),
    Some(SelfTradePrevention::CancelOldest),
    Some(SelfTradePrevention::CancelBoth),
    Some(SelfTradePrevention::Decrement),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_command::decode_command;

    /// An order and a cancel, each in its usual form.
    fn usual() -> [Vec<u8>; 2] {
        let mut order = vec![0x9e, kind::SUBMIT_ORDER, COMMAND_VERSION, 0xcd, 0x01, 0x2c];
        order.extend(b"\xaa0123-56789\x00\x01\x01\x00\x02\x01\x04\xce\x00\x01\x00\x00\x64\x00");
        let mut cancel = vec![0x96, kind::CANCEL_ORDER, COMMAND_VERSION, 3, 0xcf, 0, 0, 1, 2, 3, 4, 5, 6, 0];
        cancel.extend(b"\xa70123-56");
        [order, cancel]
    }

    #[test]
    fn the_usual_form_is_read_and_read_alike() {
        for bytes in usual() {
            // With and without something behind it: the window may reach past the end.
            for behind in [0, 3, 40] {
                let mut frame = bytes.clone();
                frame.resize(bytes.len() + behind, 0xff);
                let read = decode_quickly(&frame, bytes.len());
                if read.is_some() || behind >= 8 {
                    assert_eq!(read, decode_command(&bytes).ok());
                }
            }
        }
    }

    #[test]
    fn every_byte_of_every_value_is_read_as_slowly_or_not_at_all() {
        let mut read = 0;
        for bytes in usual() {
            for place in 0..bytes.len() {
                for value in 0..=u8::MAX {
                    let mut frame = bytes.clone();
                    frame[place] = value;
                    for length in [bytes.len() - 1, bytes.len(), bytes.len() + 1] {
                        let mut behind = frame.clone();
                        behind.extend([0; 16]);
                        let slowly = decode_command(&behind[..length]).ok();
                        let quickly = decode_quickly(&behind, length);
                        assert!(quickly.is_none() || quickly == slowly, "{behind:x?} of {length}");
                        read += usize::from(quickly.is_some());
                    }
                }
            }
        }
        assert!(read > 1_000, "{read} were read");
    }
}
