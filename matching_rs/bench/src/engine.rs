//! The engine on a flow: 1,000 funded accounts, risk, ids and typed events on. Orders rest under the first half of the
//! accounts and take under the second, so that self-trade prevention changes nothing in the trade stream.

use std::fmt::Write;
use std::time::{Duration, Instant};

use cift_core::command::{
    CancelOrder, CashKind, Command, InstrumentKind, ListAsset, ListInstrument, MoveCash, OpenAccount, OrderType, Side,
    SubmitOrder, TimeInForce,
};
use cift_core::event::{Event, Sink};
use cift_core::{Config, Engine, FIRST_USER, Foreseen};

use prefetch_index::prefetch_index;

use crate::flow::{Action, Flow, Record, Tally};

/// Accounts that trade.
pub const ACCOUNTS: u32 = 1_000;
/// Commands between two tellings of balances, positions and books.
pub const BATCH: usize = 500;
/// Records between asking the memory for what one needs and doing it.
const AHEAD: usize = 8;
const FUNDS: i64 = 1 << 50;
/// Ids are at most this long.
const ID_BYTES: usize = 16;

/// What a run over the timed part of a flow came out with.
#[derive(Clone, Debug)]
pub struct Run {
    /// Time of the timed records, of all events, and of telling what changed after every batch.
    pub elapsed: Duration,
    /// Of this, time on a processor, where the system tells: less when others use the machine too.
    pub on_cpu: Duration,
    /// Over the whole flow, to be held against the flow's own.
    pub tally: Tally,
    /// Events of the whole flow.
    pub events: u64,
    /// Nanoseconds of each timed record, sorted; empty unless asked for.
    pub latencies_ns: Vec<u32>,
    /// Bytes of order pool and price levels for each order open at the end.
    pub bytes_per_order: f64,
    /// Bytes of the id table for each id remembered at the end.
    pub bytes_per_id: f64,
}

/// A flow in the engine's words, but for what only a run knows: the ids the engine gives to orders.
#[derive(Clone, Debug)]
pub struct Script {
    /// All ids, one behind the other.
    ids: String,
    accounts: Vec<u32>,
    /// By record: the record that brought its order in.
    places: Vec<u32>,
}

/// Put a flow in the engine's words.
#[must_use]
pub fn script(flow: &Flow) -> Script {
    let mut first = vec![0_u32; flow.symbols as usize + 1];
    for record in &flow.records {
        let highest = &mut first[record.symbol as usize + 1];
        *highest = (*highest).max(record.id);
    }
    for symbol in 0..flow.symbols as usize {
        first[symbol + 1] += first[symbol];
    }
    let orders = first.last().copied().unwrap_or(0) as usize + 1;
    let mut owners = vec![(0_u32, 0_u32); orders];
    let half = ACCOUNTS / 2;
    let (mut ids, mut accounts, mut places) = (String::new(), Vec::new(), Vec::new());
    let mut spread = 0_u32;
    for (number, record) in flow.records.iter().enumerate() {
        let place = first[record.symbol as usize] + record.id;
        spread = spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let (owner, origin) = &mut owners[place as usize];
        match record.action {
            Action::Add => (*owner, *origin) = (FIRST_USER + (spread >> 8) % half, number),
            Action::Aggress => (*owner, *origin) = (FIRST_USER + half + (spread >> 8) % half, number),
            Action::Cancel => {}
        }
        // Writing to a string cannot fail.
        let _ = write!(ids, "order-{number:010}");
        accounts.push(*owner);
        places.push(*origin);
    }
    Script { ids, accounts, places }
}

/// Takes every event: keeps order ids for later cancels, counts trades.
struct Counter<'a> {
    /// By the record that brought it in.
    orders: Vec<u64>,
    script: &'a Script,
    current: usize,
    record: Record,
    /// By order slot: the flow's number of the order there, for the tally.
    numbers: Vec<u32>,
    tally: Tally,
    events: u64,
    digest: u64,
}

impl Sink for Counter<'_> {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "where an event is made its kind is known, so nothing is left to look up")]
    fn emit(&mut self, sequence: u64, event: &Event<'_>) {
        self.events += 1;
        match event {
            Event::OrderAccepted { order_id, .. } => {
                let slot = usize::try_from(order_id & 0xF_FFFF).unwrap_or(0);
                if slot >= self.numbers.len() {
                    self.numbers.resize(slot + 1, 0);
                }
                self.numbers[slot] = self.record.id;
                self.orders[self.current] = *order_id;
            }
            Event::Trade { price, quantity, maker, .. } => {
                let slot = usize::try_from(maker.order_id & 0xF_FFFF).unwrap_or(0);
                let (price, quantity) = (price.unsigned_abs(), quantity.unsigned_abs());
                self.tally.add(self.record.symbol, self.numbers[slot], self.record.id, price, quantity);
            }
            Event::OrderCanceled { quantity, .. } => self.digest ^= quantity.unsigned_abs(),
            Event::BalanceChanged { total, held, .. } => self.digest ^= (total ^ held).unsigned_abs(),
            Event::PositionChanged { cost, .. } => self.digest ^= cost.unsigned_abs(),
            _ => self.digest ^= sequence,
        }
    }
}

/// Opens a venue for a flow: one quote asset, an instrument a symbol, funded accounts.
fn venue(flow: &Flow, sink: &mut Counter<'_>) -> Engine {
    let mut engine = Engine::new(Config::default());
    let mut run = |command: Command<'_>| engine.execute(&command, 1, sink);
    run(Command::OpenVenue { hash_key: *b"a benchmark's key".first_chunk().unwrap_or(&[0; 16]) });
    run(Command::ListAsset(ListAsset { deadline: 0, symbol: "USD", scale: 2 }));
    for symbol in 0..flow.symbols {
        let name = format!("S{symbol}");
        run(Command::ListAsset(ListAsset { deadline: 0, symbol: &name, scale: 0 }));
        run(Command::ListInstrument(ListInstrument {
            deadline: 0,
            symbol: &format!("{name}-USD"),
            kind: InstrumentKind::Share,
            base: u16::try_from(symbol + 2).unwrap_or(u16::MAX),
            quote: 1,
            price_scale: 2,
            tick_size: 1,
            lot_size: 1,
            quantity_min: 1,
            quantity_max: 1_000_000,
            notional_min: 1,
            band_ppm: 900_000,
            slippage_ppm: 50_000,
            reference_price: 20_000,
            maker_ppm: 1_000,
            taker_ppm: 2_000,
        }));
    }
    for account in FIRST_USER..FIRST_USER + ACCOUNTS {
        let id = format!("open-{account}");
        run(Command::OpenAccount(OpenAccount { id: &id, deadline: 0, owner: 1, group: 0 }));
        for asset in 1..=u16::try_from(flow.symbols + 1).unwrap_or(u16::MAX) {
            let id = format!("fund-{asset}");
            let kind = CashKind::Deposit;
            run(Command::MoveCash(MoveCash { account, id: &id, deadline: 0, kind, asset, amount: FUNDS }));
        }
    }
    engine.end_batch(sink);
    engine
}

impl<'a> Counter<'a> {
    #[inline]
    fn submit(&self, record: &Record, number: usize) -> SubmitOrder<'a> {
        SubmitOrder {
            account: self.script.accounts[number],
            id: &self.script.ids[number * ID_BYTES..(number + 1) * ID_BYTES],
            deadline: 0,
            instrument: record.symbol + 1,
            side: if record.buy { Side::Buy } else { Side::Sell },
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            flags: 0,
            stp: None,
            price: i64::from(record.price),
            quantity: i64::from(record.quantity),
            quote_amount: 0,
        }
    }

    /// The end of an order; of one not yet accepted it names none.
    #[inline]
    fn cancel(&self, number: usize) -> CancelOrder<'a> {
        let order_id = self.orders[self.script.places[number] as usize];
        CancelOrder { account: self.script.accounts[number], deadline: 0, order_id, id: "" }
    }

    #[inline]
    fn foresee(&self, engine: &Engine, record: &Record, number: usize) -> Foreseen {
        if record.action == Action::Cancel {
            engine.foresee(&Command::CancelOrder(self.cancel(number)))
        } else {
            engine.foresee(&Command::SubmitOrder(self.submit(record, number)))
        }
    }

    /// Do the records of a batch; the memory for each is asked for `AHEAD` records before.
    #[inline]
    fn run(&mut self, engine: &mut Engine, batch: &[Record], first: usize, mut done: impl FnMut()) {
        let mut foreseen = [Foreseen::default(); AHEAD];
        for (place, record) in batch.iter().take(AHEAD).enumerate() {
            foreseen[place] = self.foresee(engine, record, first + place);
        }
        for (place, record) in batch.iter().enumerate() {
            let known = foreseen[place % AHEAD];
            if let Some(origin) = self.script.places.get(first + place + 2 * AHEAD) {
                prefetch_index(&self.orders, *origin as usize);
            }
            if let Some(later) = batch.get(place + AHEAD) {
                foreseen[place % AHEAD] = self.foresee(engine, later, first + place + AHEAD);
            }
            let number = first + place;
            (self.record, self.current) = (*record, number);
            let at = 1_000_000_000_000 + number as u64 * 1_000;
            if record.action == Action::Cancel {
                let cancel = self.cancel(number);
                engine.execute_foreseen(&Command::CancelOrder(cancel), known, at, self);
            } else {
                let order = self.submit(record, number);
                engine.execute_foreseen(&Command::SubmitOrder(order), known, at, self);
            }
            done();
        }
    }

    fn end_batch(&mut self, engine: &mut Engine) {
        engine.end_batch(self);
        let mut levels = 0;
        engine.drain_book_changes(|change| levels += change.bids.len() + change.asks.len());
        self.digest ^= levels as u64;
    }
}

/// Time this thread has spent on a processor, where the system tells.
fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Run a flow through the engine. `timed`: take each record's own time too, which slows the whole.
///
/// # Panics
/// When the engine's state is not sound afterwards.
#[must_use]
pub fn run(flow: &Flow, script: &Script, timed: bool) -> Run {
    let mut sink = Counter {
        orders: vec![0; flow.records.len()],
        script,
        current: 0,
        record: flow.records[0],
        numbers: Vec::new(),
        tally: Tally::default(),
        events: 0,
        digest: 0,
    };
    let mut engine = venue(flow, &mut sink);
    sink.events = 0;
    sink.run(&mut engine, &flow.records[..flow.prefill], 0, || {});
    sink.end_batch(&mut engine);
    let ids_before = engine.stats().ids;
    let mut latencies_ns = Vec::with_capacity(if timed { flow.records.len() } else { 0 });
    let (start, on_cpu) = (Instant::now(), on_cpu());
    for (batch, records) in flow.records[flow.prefill..].chunks(BATCH).enumerate() {
        let first = flow.prefill + batch * BATCH;
        if timed {
            // From one record's end to the next one's: the reading of the clock is part of it.
            let mut before = Instant::now();
            sink.run(&mut engine, records, first, || {
                let now = Instant::now();
                latencies_ns.push(u32::try_from((now - before).as_nanos()).unwrap_or(u32::MAX));
                before = now;
            });
        } else {
            sink.run(&mut engine, records, first, || {});
        }
        sink.end_batch(&mut engine);
    }
    let elapsed = start.elapsed();
    let on_cpu = self::on_cpu().zip(on_cpu).map_or(elapsed, |(after, before)| after.saturating_sub(before));
    std::hint::black_box(sink.digest);
    latencies_ns.sort_unstable();
    let stats = engine.stats();
    assert!(stats.ids > ids_before && engine.validate().is_ok(), "the engine's state is sound after the flow");
    Run {
        elapsed,
        on_cpu,
        tally: sink.tally,
        events: sink.events,
        latencies_ns,
        bytes_per_order: ratio(stats.bytes_orders, stats.open_orders),
        bytes_per_id: ratio(stats.bytes_ids, stats.ids),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a figure to look at")]
fn ratio(bytes: u64, count: u32) -> f64 {
    bytes as f64 / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Parameters, generate};

    #[test]
    fn the_engine_agrees_with_the_flow() {
        for symbols in [1, 5] {
            let flow = generate(Parameters { symbols, messages: 20_000, live: 300, seed: 3 });
            let run = run(&flow, &script(&flow), false);
            assert_eq!(run.tally, flow.tally);
            assert!(run.events > 20_000);
        }
    }
}
