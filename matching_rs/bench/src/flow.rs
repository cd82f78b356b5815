//! The standard order flow, format `CFLW0001`: limit orders and cancels that any price-time book can replay. Its header holds the
//! trade count, the traded quantity and a hash over the trade stream; a replay counts only if all three come out the same.

use std::io::{Error, ErrorKind, Result};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 104;
/// Bytes of a record.
pub const RECORD_BYTES: usize = 24;
const MAGIC: &[u8; 8] = b"CFLW0001";

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A limit order that does not cross.
    Add,
    /// The end of a live order.
    Cancel,
    /// A limit order that fills whole inside its limit.
    Aggress,
}

/// One message of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which book, from 0.
    pub symbol: u32,
    /// The order's number in its book, from 1 without a gap.
    pub id: u32,
    /// Price, ticks.
    pub price: i32,
    /// Quantity, lots.
    pub quantity: u32,
    /// What is asked for.
    pub action: Action,
    /// Whether the order buys.
    pub buy: bool,
}

/// What a replay has to come out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Trades.
    pub trades: u64,
    /// Lots traded.
    pub quantity: u64,
    /// Hash over (symbol, maker, taker, price, quantity) of every trade.
    pub hash: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { trades: 0, quantity: 0, hash: 1_469_598_103_934_665_603 }
    }
}

impl Tally {
    /// Count one trade.
    pub fn add(&mut self, symbol: u32, maker: u32, taker: u32, price: u64, quantity: u64) {
        self.trades += 1;
        self.quantity += quantity;
        for value in [u64::from(symbol), u64::from(maker), u64::from(taker), price, quantity] {
            self.hash = (self.hash ^ value).wrapping_mul(1_099_511_628_211);
        }
    }
}

/// A whole flow: `prefill` untimed records, then the timed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Books.
    pub symbols: u32,
    /// Live orders a book is steered to.
    pub live: u32,
    /// Records that only fill the books.
    pub prefill: usize,
    /// Highest order number in any book, plus one.
    pub ids_max: u64,
    /// Lowest and highest price, ticks.
    pub prices: (i64, i64),
    /// What the whole flow comes out with.
    pub tally: Tally,
    /// All records.
    pub records: Vec<Record>,
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let field = bytes.get(at..at + 4).and_then(|field| field.try_into().ok());
    field.map(u32::from_le_bytes).ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the flow ends early"))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u64::from(u32_at(bytes, at)?) | u64::from(u32_at(bytes, at + 4)?) << 32)
}

fn record(bytes: &[u8]) -> Result<Record> {
    let action = match bytes.get(16) {
        Some(0) => Action::Add,
        Some(1) => Action::Cancel,
        Some(2) => Action::Aggress,
        _ => return Err(Error::new(ErrorKind::InvalidData, "a record of no known type")),
    };
    Ok(Record {
        symbol: u32_at(bytes, 0)?,
        id: u32_at(bytes, 4)?,
        price: u32_at(bytes, 8)?.cast_signed(),
        quantity: u32_at(bytes, 12)?,
        action,
        buy: bytes.get(17) == Some(&0),
    })
}

impl Flow {
    /// Read a flow.
    ///
    /// # Errors
    /// When the bytes are no whole flow of this format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(Error::new(ErrorKind::InvalidData, "no CFLW0001 flow"));
        }
        let prefill = usize::try_from(u64_at(bytes, 16)?).map_err(Error::other)?;
        let timed = usize::try_from(u64_at(bytes, 24)?).map_err(Error::other)?;
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        if Some(body.len()) != prefill.checked_add(timed).and_then(|count| count.checked_mul(RECORD_BYTES)) {
            return Err(Error::new(ErrorKind::InvalidData, "the flow's length is not its header's"));
        }
        Ok(Self {
            symbols: u32_at(bytes, 8)?,
            live: u32_at(bytes, 12)?,
            prefill,
            ids_max: u64_at(bytes, 32)?,
            prices: (u64_at(bytes, 40)?.cast_signed(), u64_at(bytes, 48)?.cast_signed()),
            tally: Tally { trades: u64_at(bytes, 56)?, quantity: u64_at(bytes, 64)?, hash: u64_at(bytes, 72)? },
            records: body.chunks_exact(RECORD_BYTES).map(record).collect::<Result<_>>()?,
        })
    }

    /// Write the flow in its format.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let timed = self.records.len() - self.prefill;
        let mut out = Vec::with_capacity(HEADER_BYTES + self.records.len() * RECORD_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.symbols.to_le_bytes());
        out.extend_from_slice(&self.live.to_le_bytes());
        for value in [self.prefill as u64, timed as u64, self.ids_max] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&self.prices.0.to_le_bytes());
        out.extend_from_slice(&self.prices.1.to_le_bytes());
        for value in [self.tally.trades, self.tally.quantity, self.tally.hash] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        for action in [Action::Add, Action::Cancel, Action::Aggress] {
            let count = self.records[self.prefill..].iter().filter(|record| record.action == action).count() as u64;
            out.extend_from_slice(&count.to_le_bytes());
        }
        for record in &self.records {
            out.extend_from_slice(&record.symbol.to_le_bytes());
            out.extend_from_slice(&record.id.to_le_bytes());
            out.extend_from_slice(&record.price.to_le_bytes());
            out.extend_from_slice(&record.quantity.to_le_bytes());
            out.extend_from_slice(&[record.action as u8, u8::from(!record.buy), 0, 0, 0, 0, 0, 0]);
        }
        out
    }
}
