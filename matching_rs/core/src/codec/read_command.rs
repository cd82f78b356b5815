//! Bytes → `Command`.

use super::codes;
use super::reader::{Malformed, Reader};
use crate::command::{
    AmendOrder, Batch, BatchMember, COMMAND_BYTES_MAX, COMMAND_VERSION, CancelOrder, CancelOrders, ChangeAccount,
    ChangeInstrument, Command, ID_BYTES_MAX, ListAsset, ListInstrument, MEMBERS_MAX, MoveCash, OpenAccount,
    RequestWithdrawal, SetFeeTier, SetPositionLimit, SettleWithdrawal, SubmitOrder, kind,
};
use crate::reason::Reason;

/// Why bytes are not a command, and which command they meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `Malformed`, `UnsupportedVersion`, `IdInvalid`, `BatchTooLarge` or `ListingInvalid`.
    pub reason: Reason,
    /// Number of the command's kind; 0: unknown.
    pub kind: u8,
}

/// A refusal's reason, before its kind is known.
struct Fault(Reason);

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self(Reason::Malformed)
    }
}

type Read<T> = Result<T, Fault>;

/// Read one command.
///
/// # Errors
/// `Refusal` when the bytes are not exactly one command of this version.
#[inline]
pub fn decode_command(bytes: &[u8]) -> Result<Command<'_>, Refusal> {
    let mut reader = Reader::new(bytes);
    let kind = head(&mut reader, bytes.len())?;
    read(kind, &mut reader)
        .and_then(|command| reader.end().map(|()| command).map_err(Fault::from))
        .map_err(|Fault(reason)| Refusal { reason, kind })
}

/// Read the array's head, kind and version; the kind is one we know and the fields are as many as it has.
#[inline]
fn head(reader: &mut Reader<'_>, length: usize) -> Result<u8, Refusal> {
    let malformed = Refusal { reason: Reason::Malformed, kind: 0 };
    if length > COMMAND_BYTES_MAX {
        return Err(malformed);
    }
    let values = reader.array().map_err(|Malformed| malformed)?;
    let number = reader.u8().map_err(|Malformed| malformed)?;
    let fields = field_count(number);
    let kind = if fields.is_some() { number } else { 0 };
    let refused = |reason| Err(Refusal { reason, kind });
    match reader.unsigned() {
        Ok(version) if version != u64::from(COMMAND_VERSION) => refused(Reason::UnsupportedVersion),
        Ok(_) if fields.is_some_and(|fields| fields + 2 == values) => Ok(kind),
        _ => refused(Reason::Malformed),
    }
}

/// How many fields follow kind and version.
const fn field_count(number: u8) -> Option<usize> {
    Some(match number {
        kind::OPEN_VENUE | kind::OPEN_EPOCH => 1,
        kind::SUBMIT_ORDER => 12,
        kind::AMEND_ORDER | kind::BATCH | kind::SET_FEE_TIER | kind::REQUEST_WITHDRAWAL | kind::SETTLE_WITHDRAWAL => 5,
        kind::CANCEL_ORDER | kind::OPEN_ACCOUNT | kind::SET_POSITION_LIMIT => 4,
        kind::CANCEL_ORDERS | kind::MOVE_CASH => 6,
        kind::CHANGE_ACCOUNT => 7,
        kind::LIST_ASSET => 3,
        kind::LIST_INSTRUMENT => 16,
        kind::CHANGE_INSTRUMENT => 11,
        kind::SET_KILL_SWITCH => 2,
        kind::CONTINUE_CANCELS => 0,
        _ => return None,
    })
}

#[inline]
fn read<'a>(number: u8, r: &mut Reader<'a>) -> Read<Command<'a>> {
    Ok(match number {
        kind::SUBMIT_ORDER => Command::SubmitOrder(submit_order(r)?),
        kind::CANCEL_ORDER => Command::CancelOrder(cancel_order(r)?),
        kind::AMEND_ORDER => Command::AmendOrder(amend_order(r)?),
        _ => read_rare(number, r)?,
    })
}

/// All but the three commands that make up nearly all of the flow.
fn read_rare<'a>(number: u8, r: &mut Reader<'a>) -> Read<Command<'a>> {
    Ok(match number {
        kind::OPEN_VENUE => Command::OpenVenue { hash_key: r.bin()?.try_into().map_err(|_| Malformed)? },
        kind::OPEN_EPOCH => Command::OpenEpoch { epoch: r.u63()? },
        kind::CANCEL_ORDERS => Command::CancelOrders(CancelOrders {
            account: r.u32()?,
            deadline: r.u63()?,
            instrument: r.u32()?,
            side: r.optional(codes::side)?,
            price_min: r.optional(Reader::signed)?,
            price_max: r.optional(Reader::signed)?,
        }),
        kind::BATCH => Command::Batch(batch(r)?),
        kind::CONTINUE_CANCELS => Command::ContinueCancels,
        kind::OPEN_ACCOUNT => {
            Command::OpenAccount(OpenAccount { id: id(r)?, deadline: r.u63()?, owner: r.u63()?, group: r.u32()? })
        }
        kind::CHANGE_ACCOUNT => Command::ChangeAccount(ChangeAccount {
            account: r.u32()?,
            deadline: r.u63()?,
            status: r.optional(codes::account_status)?,
            killed: r.optional(Reader::bool)?,
            fee_tier: r.optional(Reader::u8)?,
            open_orders_max: r.optional(Reader::u32)?,
            stp: r.optional(codes::stp)?,
        }),
        kind::MOVE_CASH => Command::MoveCash(MoveCash {
            account: r.u32()?,
            id: id(r)?,
            deadline: r.u63()?,
            kind: codes::cash_kind(r)?,
            asset: r.u16()?,
            amount: r.signed()?,
        }),
        kind::REQUEST_WITHDRAWAL => Command::RequestWithdrawal(RequestWithdrawal {
            account: r.u32()?,
            id: id(r)?,
            deadline: r.u63()?,
            asset: r.u16()?,
            amount: r.signed()?,
        }),
        kind::SETTLE_WITHDRAWAL => Command::SettleWithdrawal(SettleWithdrawal {
            account: r.u32()?,
            id: id(r)?,
            deadline: r.u63()?,
            request: id(r)?,
            end: codes::withdrawal_end(r)?,
        }),
        kind::SET_POSITION_LIMIT => Command::SetPositionLimit(SetPositionLimit {
            account: r.u32()?,
            deadline: r.u63()?,
            instrument: r.u32()?,
            limit: r.signed()?,
        }),
        _ => read_reference(number, r)?,
    })
}

/// Reference data and the venue's kill switch.
fn read_reference<'a>(number: u8, r: &mut Reader<'a>) -> Read<Command<'a>> {
    Ok(match number {
        kind::LIST_ASSET => Command::ListAsset(ListAsset { deadline: r.u63()?, symbol: symbol(r)?, scale: r.u8()? }),
        kind::LIST_INSTRUMENT => Command::ListInstrument(list_instrument(r)?),
        kind::CHANGE_INSTRUMENT => Command::ChangeInstrument(ChangeInstrument {
            deadline: r.u63()?,
            instrument: r.u32()?,
            status: r.optional(codes::instrument_status)?,
            tick_size: r.optional(Reader::signed)?,
            lot_size: r.optional(Reader::signed)?,
            quantity_min: r.optional(Reader::signed)?,
            quantity_max: r.optional(Reader::signed)?,
            notional_min: r.optional(Reader::signed)?,
            band_ppm: r.optional(Reader::u32)?,
            slippage_ppm: r.optional(Reader::u32)?,
            reference_price: r.optional(Reader::signed)?,
        }),
        kind::SET_FEE_TIER => Command::SetFeeTier(SetFeeTier {
            deadline: r.u63()?,
            instrument: r.u32()?,
            tier: r.u8()?,
            maker_ppm: r.u32()?,
            taker_ppm: r.u32()?,
        }),
        kind::SET_KILL_SWITCH => Command::SetKillSwitch { deadline: r.u63()?, on: r.bool()? },
        _ => return Err(Fault(Reason::Malformed)),
    })
}

#[inline]
fn submit_order<'a>(r: &mut Reader<'a>) -> Read<SubmitOrder<'a>> {
    Ok(SubmitOrder {
        account: r.u32()?,
        id: id(r)?,
        deadline: r.u63()?,
        instrument: r.u32()?,
        side: codes::side(r)?,
        order_type: codes::order_type(r)?,
        time_in_force: codes::time_in_force(r)?,
        flags: r.u8()?,
        stp: codes::stp_or_default(r)?,
        price: r.signed()?,
        quantity: r.signed()?,
        quote_amount: r.signed()?,
    })
}

#[inline]
fn amend_order(r: &mut Reader<'_>) -> Read<AmendOrder> {
    Ok(AmendOrder {
        account: r.u32()?,
        deadline: r.u63()?,
        order_id: r.u63()?,
        price: r.optional(Reader::signed)?,
        quantity: r.optional(Reader::signed)?,
    })
}

#[inline]
fn cancel_order<'a>(r: &mut Reader<'a>) -> Read<CancelOrder<'a>> {
    Ok(CancelOrder { account: r.u32()?, deadline: r.u63()?, order_id: r.u63()?, id: id_or_empty(r)? })
}

fn batch<'a>(r: &mut Reader<'a>) -> Read<Batch<'a>> {
    let (account, id, deadline, atomic) = (r.u32()?, id_or_empty(r)?, r.u63()?, r.bool()?);
    let count = r.array()?;
    if count > MEMBERS_MAX {
        return Err(Fault(Reason::BatchTooLarge));
    }
    let mut members = Vec::with_capacity(count);
    for _ in 0..count {
        members.push(member(r)?);
    }
    Ok(Batch { account, id, deadline, atomic, members })
}

fn member<'a>(r: &mut Reader<'a>) -> Read<BatchMember<'a>> {
    let number = head(r, 0).map_err(|refusal| Fault(refusal.reason))?;
    Ok(match number {
        kind::SUBMIT_ORDER => BatchMember::Submit(submit_order(r)?),
        kind::AMEND_ORDER => BatchMember::Amend(amend_order(r)?),
        kind::CANCEL_ORDER => BatchMember::Cancel(cancel_order(r)?),
        _ => return Err(Fault(Reason::Malformed)),
    })
}

fn list_instrument<'a>(r: &mut Reader<'a>) -> Read<ListInstrument<'a>> {
    Ok(ListInstrument {
        deadline: r.u63()?,
        symbol: symbol(r)?,
        kind: codes::instrument_kind(r)?,
        base: r.u16()?,
        quote: r.u16()?,
        price_scale: r.u8()?,
        tick_size: r.signed()?,
        lot_size: r.signed()?,
        quantity_min: r.signed()?,
        quantity_max: r.signed()?,
        notional_min: r.signed()?,
        band_ppm: r.u32()?,
        slippage_ppm: r.u32()?,
        reference_price: r.signed()?,
        maker_ppm: r.u32()?,
        taker_ppm: r.u32()?,
    })
}

/// A client's id: 1 to 64 bytes of UTF-8, no control characters. It is echoed in events, so it is bounded here.
#[inline]
fn id<'a>(r: &mut Reader<'a>) -> Read<&'a str> {
    let text = id_or_empty(r)?;
    if text.is_empty() { Err(Fault(Reason::IdInvalid)) } else { Ok(text) }
}

#[inline]
fn id_or_empty<'a>(r: &mut Reader<'a>) -> Read<&'a str> {
    let text = r.str()?;
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !text.chars().any(char::is_control);
    if text.len() <= ID_BYTES_MAX && printable { Ok(text) } else { Err(Fault(Reason::IdInvalid)) }
}

/// A symbol's bound is that of an id; what it must look like is the engine's to check.
fn symbol<'a>(r: &mut Reader<'a>) -> Read<&'a str> {
    let text = r.str()?;
    if text.len() <= ID_BYTES_MAX { Ok(text) } else { Err(Fault(Reason::ListingInvalid)) }
}
