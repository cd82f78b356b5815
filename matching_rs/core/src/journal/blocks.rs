//! What a batch is to those who wait for it: a reply per command, a block per account, a block per book.
//!
//! Replies and account blocks are cut from the events only when asked for, from offsets noted while they were
//! written: a recovery or a verifier needs neither. Books move on, so their blocks are made at once.

use crate::codec::{Writer, encode_event};
use crate::command::Side;
use crate::event::{Event, Sink};
use crate::frame::Parts;
use crate::money::account::FIRST_USER;
use crate::view::{BookChange, Level};

/// One event's bytes, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Span {
    account: u32,
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug)]
struct PublicTrade {
    instrument: u32,
    trade_id: u64,
    price: i64,
    quantity: i64,
    taker_side: Side,
}

#[derive(Clone, Copy, Debug)]
struct BookSpan {
    instrument: u32,
    start: usize,
    end: usize,
}

/// Encodes the events of a batch and notes what the blocks need.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    events: Writer,
    /// Where the row's events begin: what stands before is what the chain's hash begins with.
    begin: usize,
    section: usize,
    /// Somebody is to be told of the batch.
    told: bool,
    spans: Vec<Span>,
    trades: Vec<PublicTrade>,
    books: Writer,
    book_spans: Vec<BookSpan>,
    kill_switch: Option<(u64, bool)>,
}

impl Recorder {
    /// Start a batch: `head` and `commands` go ahead of its events, so that all are hashed in one piece.
    pub(crate) fn begin(&mut self, head: &[u8], commands: &[u8], told: bool) {
        self.events.clear();
        self.events.raw(head);
        self.events.raw(commands);
        self.begin = self.events.len();
        self.told = told;
        self.spans = Vec::with_capacity(if told { commands.len() / 8 } else { 0 });
        self.trades.clear();
        self.books = Writer::default();
        self.book_spans = Vec::new();
        self.kill_switch = None;
    }

    pub(crate) fn begin_section(&mut self) {
        self.section = self.events.len();
        self.events.raw(&[0; 4]);
    }

    pub(crate) fn end_section(&mut self) {
        let length = offset(self.events.len() - self.section - 4);
        self.events.patch(self.section, length);
    }

    /// Take back a section that was begun and holds nothing.
    pub(crate) fn drop_section(&mut self) {
        self.events.cut(self.section);
    }

    /// The row's events.
    pub(crate) fn events(&self) -> &[u8] {
        &self.events.bytes()[self.begin..]
    }

    /// Head, commands and events so far.
    pub(crate) fn row(&self) -> &[u8] {
        self.events.bytes()
    }

    /// Bring an instrument's trades together, each in the order it happened.
    pub(crate) fn sort_trades(&mut self) {
        self.trades.sort_unstable_by_key(|trade| (trade.instrument, trade.trade_id));
    }

    /// Write one book's block; the trades are sorted.
    pub(crate) fn book(&mut self, number: u64, at: u64, change: &BookChange<'_>) {
        let first = self.trades.partition_point(|trade| trade.instrument < change.instrument);
        let beyond = self.trades.partition_point(|trade| trade.instrument <= change.instrument);
        let start = self.books.len();
        let w = &mut self.books;
        w.array(11);
        w.unsigned(number);
        w.unsigned(at);
        w.unsigned(change.instrument.into());
        w.unsigned(change.previous_sequence);
        w.unsigned(change.sequence);
        levels(w, change.bids);
        levels(w, change.asks);
        best(w, change.best_bid);
        best(w, change.best_ask);
        let trades = &self.trades[first..beyond];
        w.array(trades.len());
        for trade in trades {
            w.array(4);
            w.unsigned(trade.trade_id);
            w.signed(trade.price);
            w.signed(trade.quantity);
            w.unsigned(trade.taker_side as u64);
        }
        w.unsigned(change.status as u64);
        self.book_spans.push(BookSpan { instrument: change.instrument, start, end: self.books.len() });
    }

    pub(crate) fn finish(
        &mut self,
        number: u64,
        at: u64,
        count: usize,
        first_sequence: u64,
        last_sequence: u64,
        chain: [u8; 32],
    ) -> Applied {
        Applied {
            number,
            at,
            count,
            first_sequence,
            last_sequence,
            chain,
            events: self.events().to_vec(),
            spans: std::mem::take(&mut self.spans),
            books: std::mem::take(&mut self.books).into_bytes(),
            book_spans: std::mem::take(&mut self.book_spans),
            kill_switch: self.kill_switch,
            is_canceling: false,
        }
    }
}

impl Sink for Recorder {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "where an event is made its kind is known, so nothing is left to look up")]
    fn emit(&mut self, sequence: u64, event: &Event<'_>) {
        let start = offset(self.events.len() - self.begin);
        encode_event(&mut self.events, sequence, event);
        let end = offset(self.events.len() - self.begin);
        if !self.told {
            return;
        }
        let (account, other) = accounts_of(event);
        // The venue's own accounts have no listener.
        if account >= FIRST_USER {
            self.spans.push(Span { account, start, end });
        }
        if let Event::Trade { instrument, price, quantity, taker_side, .. } = *event {
            self.spans.push(Span { account: other, start, end });
            self.trades.push(PublicTrade { instrument, trade_id: sequence, price, quantity, taker_side });
        }
        if let Event::KillSwitchSet { on } = *event {
            self.kill_switch = Some((sequence, on));
        }
    }
}

/// A batch's events stay far below 4 GiB: at most 1,000 commands, and open orders are bounded.
fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whose event it is: maker and taker of a trade, else one account; 0: nobody's.
fn accounts_of(event: &Event<'_>) -> (u32, u32) {
    match *event {
        Event::Trade { ref maker, ref taker, .. } => (maker.account, taker.account),
        Event::OrderAccepted { account, .. }
        | Event::OrderRejected { account, .. }
        | Event::OrderCanceled { account, .. }
        | Event::OrderAmended { account, .. }
        | Event::OrderReduced { account, .. }
        | Event::OrdersCanceled { account, .. }
        | Event::BatchDone { account, .. }
        | Event::AccountOpened { account, .. }
        | Event::AccountChanged { account, .. }
        | Event::CashMoved { account, .. }
        | Event::BalanceChanged { account, .. }
        | Event::PositionChanged { account, .. }
        | Event::PositionLimitSet { account, .. }
        | Event::WithdrawalRequested { account, .. }
        | Event::WithdrawalSettled { account, .. }
        | Event::CommandDuplicate { account, .. }
        | Event::CommandRejected { account, .. } => (account, 0),
        Event::VenueOpened
        | Event::EpochOpened { .. }
        | Event::AssetListed { .. }
        | Event::InstrumentListed { .. }
        | Event::InstrumentChanged { .. }
        | Event::FeeTierSet { .. }
        | Event::KillSwitchSet { .. } => (0, 0),
    }
}

fn levels(w: &mut Writer, levels: &[Level]) {
    w.array(levels.len());
    for level in levels {
        w.array(3);
        w.signed(level.price);
        w.signed(level.quantity);
        w.unsigned(level.orders.into());
    }
}

fn best(w: &mut Writer, level: Option<Level>) {
    w.optional(level, |w, level| {
        w.array(2);
        w.signed(level.price);
        w.signed(level.quantity);
    });
}

/// A batch that was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its place in the journal.
    pub number: u64,
    /// Its time, ns since the epoch, UTC.
    pub at: u64,
    /// How many commands it held.
    pub count: usize,
    /// Sequence of its first event.
    pub first_sequence: u64,
    /// Sequence of its last event.
    pub last_sequence: u64,
    /// Links it to all before it.
    pub chain: [u8; 32],
    /// A section per command and one of the batch's own events.
    pub events: Vec<u8>,
    /// The last time the venue's kill switch was set in it: the event's sequence, and whether it is on.
    pub kill_switch: Option<(u64, bool)>,
    /// Behind it a mass cancel is not over: `ContinueCancels` is to be sent.
    pub is_canceling: bool,
    spans: Vec<Span>,
    books: Vec<u8>,
    book_spans: Vec<BookSpan>,
}

impl Applied {
    /// Pass on each command's reply `[number, at, section]`, in order.
    pub fn replies(&self, mut each: impl FnMut(&[u8])) {
        let mut w = Writer::default();
        for section in Parts::new(&self.events).flatten().take(self.count) {
            w.clear();
            w.array(3);
            w.unsigned(self.number);
            w.unsigned(self.at);
            w.bin(section);
            each(w.bytes());
        }
    }

    /// Pass on each account's block `[number, at, account, [event, …]]`, by account; a trade is in both.
    pub fn accounts(&self, mut each: impl FnMut(u32, &[u8])) {
        let mut spans = self.spans.clone();
        spans.sort_unstable_by_key(|span| (span.account, span.start));
        let mut w = Writer::default();
        for own in spans.chunk_by(|one, next| one.account == next.account) {
            let account = own[0].account;
            w.clear();
            w.array(4);
            w.unsigned(self.number);
            w.unsigned(self.at);
            w.unsigned(account.into());
            w.array(own.len());
            for span in own {
                w.raw(&self.events[span.start as usize..span.end as usize]);
            }
            each(account, w.bytes());
        }
    }

    /// Pass on each touched book's block, by instrument.
    pub fn books(&self, mut each: impl FnMut(u32, &[u8])) {
        for span in &self.book_spans {
            each(span.instrument, &self.books[span.start..span.end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record a batch of one section; returns the kill switch it records.
    fn kill_switch_of(recorder: &mut Recorder, events: &[Event<'_>], told: bool) -> Option<(u64, bool)> {
        recorder.begin(&[], &[], told);
        recorder.begin_section();
        for (sequence, event) in (7..).zip(events) {
            recorder.emit(sequence, event);
        }
        recorder.end_section();
        recorder.finish(1, 5, 1, 7, 6 + events.len() as u64, [0; 32]).kill_switch
    }

    #[test]
    fn a_batch_tells_the_kill_switch_as_it_was_set_last() {
        let (on, off) = (Event::KillSwitchSet { on: true }, Event::KillSwitchSet { on: false });
        let mut recorder = Recorder::default();
        assert_eq!(kill_switch_of(&mut recorder, &[Event::VenueOpened, on], true), Some((8, true)));
        assert_eq!(kill_switch_of(&mut recorder, &[Event::VenueOpened], true), None, "not the batch before's");
        assert_eq!(kill_switch_of(&mut recorder, &[on, off, Event::VenueOpened], true), Some((8, false)));
        assert_eq!(kill_switch_of(&mut recorder, &[on], false), None, "nobody is to be told");
    }
}
