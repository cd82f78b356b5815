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

use quanta::Clock;

use crate::flow::{Action, Flow, Record, Tally};

/// Accounts that trade.
pub const ACCOUNTS: u32 = 1_000;
/// Commands between two tellings of balances, positions and books.
pub const BATCH: usize = 500;
/// Records between asking the memory for what one needs and doing it.
const AHEAD: usize = 8;
/// The same for what that leads to.
const NEAR: usize = 4;
const FUNDS: i64 = 1 << 50;
/// Ids are at most this long.
const ID_BYTES: usize = 16;

/// What a run over the timed part of a flow came out with.
#[derive(Clone, Debug)]
pub struct Run {
    /// Time of the timed records, of all events, and of telling what changed after every batch.
    pub elapsed: Duration,
    /// Over the whole flow, to be held against the flow's own.
    pub tally: Tally,
    /// Events of the whole flow.
    pub events: u64,
    /// Nanoseconds of each timed record; empty unless asked for.
    pub latencies_ns: Vec<u32>,
    /// Nanoseconds of each command that filled the table of ids; empty unless it was filled and they were asked for.
    pub filling_ns: Vec<u32>,
    /// Bytes of order pool and price levels for each order open at the end.
    pub bytes_per_order: f64,
    /// Bytes of the id table for each id remembered at the end.
    pub bytes_per_id: f64,
}

/// A flow in the engine's words, ids of orders included: the same commands make the same ids, so an untimed run tells them.
#[derive(Clone, Debug)]
pub struct Script {
    /// The table of ids is full before the flow begins.
    full: bool,
    /// All client ids, one behind the other.
    ids: String,
    /// By record: who sends it.
    accounts: Vec<u32>,
    /// By record: the order it brings in or ends.
    orders: Vec<u64>,
    /// What the whole flow comes out with.
    expected: Tape,
}

/// Put a flow in the engine's words; `full`: for a venue whose table of ids is full.
///
/// # Panics
/// When the engine's state is not sound afterwards.
#[must_use]
pub fn script(flow: &Flow, full: bool) -> Script {
    let mut first = vec![0_u32; flow.symbols as usize + 1];
    for record in &flow.records {
        let highest = &mut first[record.symbol as usize + 1];
        *highest = (*highest).max(record.id);
    }
    for symbol in 0..flow.symbols as usize {
        first[symbol + 1] += first[symbol];
    }
    let mut owners = vec![0_u32; first.last().copied().unwrap_or(0) as usize + 1];
    let half = ACCOUNTS / 2;
    let mut script =
        Script { full, ids: String::new(), accounts: Vec::new(), orders: Vec::new(), expected: Tape::default() };
    let mut places = Vec::with_capacity(flow.records.len());
    let mut spread = 0_u32;
    for (number, record) in flow.records.iter().enumerate() {
        let place = (first[record.symbol as usize] + record.id) as usize;
        spread = spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match record.action {
            Action::Add => owners[place] = FIRST_USER + (spread >> 8) % half,
            Action::Aggress => owners[place] = FIRST_USER + half + (spread >> 8) % half,
            Action::Cancel => {}
        }
        // Writing to a string cannot fail.
        let _ = write!(script.ids, "order-{number:010}");
        script.accounts.push(owners[place]);
        places.push(place);
    }
    let (mut known, mut tape) = (vec![0; owners.len()], Tape::default());
    let mut engine = venue(flow);
    if full {
        fill(&mut engine, |_| {});
    }
    for (number, record) in flow.records.iter().enumerate() {
        let place = places[number];
        script.orders.push(known[place]);
        tape.accepted = 0;
        engine.execute(&script.command(record, number), script.at(number), &mut tape);
        if tape.accepted != 0 {
            known[place] = tape.accepted;
            script.orders[number] = known[place];
        }
        if ends_batch(flow, number) {
            end_batch(&mut engine, &mut tape);
        }
    }
    script.expected = tape;
    engine.validate().expect("the engine's state is sound after the flow");
    script
}

/// Batches begin anew where the timed records do.
fn ends_batch(flow: &Flow, number: usize) -> bool {
    let done = number + 1;
    done == flow.records.len() || done >= flow.prefill && (done - flow.prefill).is_multiple_of(BATCH)
}

impl Script {
    fn command(&self, record: &Record, number: usize) -> Command<'_> {
        let account = self.accounts[number];
        if record.action == Action::Cancel {
            return Command::CancelOrder(CancelOrder { account, deadline: 0, order_id: self.orders[number], id: "" });
        }
        Command::SubmitOrder(SubmitOrder {
            account,
            id: &self.ids[number * ID_BYTES..(number + 1) * ID_BYTES],
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
        })
    }

    /// When a record is done, ns.
    #[allow(clippy::unused_self, reason = "the time is the script's to say")]
    fn at(&self, number: usize) -> u64 {
        1_000_000_000_000 + number as u64 * 1_000
    }

    /// The trades of a run in the flow's words.
    fn tally(&self, flow: &Flow, trades: &[Trade]) -> Tally {
        // An order's id grows with the record that brings it in.
        let brought = |record: &Record| record.action != Action::Cancel;
        let own = |(number, record): (usize, &Record)| brought(record).then(|| (self.orders[number], record.id));
        let numbers: Vec<(u64, u32)> = flow.records.iter().enumerate().filter_map(own).collect();
        let number_of = |order: u64| {
            let place = numbers.binary_search_by_key(&order, |one| one.0);
            place.map_or(0, |place| numbers[place].1)
        };
        let mut tally = Tally::default();
        for trade in trades {
            let (price, quantity) = (trade.price.unsigned_abs(), trade.quantity.unsigned_abs());
            tally.add(trade.instrument - 1, number_of(trade.maker), number_of(trade.taker), price, quantity);
        }
        tally
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trade {
    instrument: u32,
    maker: u64,
    taker: u64,
    price: i64,
    quantity: i64,
}

/// Takes every event: keeps the trades, and of the others what shows that they were the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tape {
    trades: Vec<Trade>,
    /// The order accepted last.
    accepted: u64,
    events: u64,
    digest: u64,
}

impl Sink for Tape {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "where an event is made its kind is known, so nothing is left to look up")]
    fn emit(&mut self, sequence: u64, event: &Event<'_>) {
        self.events += 1;
        self.digest = self.digest.rotate_left(1) ^ sequence;
        match event {
            Event::OrderAccepted { order_id, account_sequence, .. } => {
                self.accepted = *order_id;
                self.digest ^= account_sequence;
            }
            Event::Trade { instrument, price, quantity, maker, taker, .. } => {
                self.digest ^= (maker.fee_total ^ taker.fee_total).unsigned_abs();
                self.trades.push(Trade {
                    instrument: *instrument,
                    maker: maker.order_id,
                    taker: taker.order_id,
                    price: *price,
                    quantity: *quantity,
                });
            }
            Event::OrderCanceled { quantity, .. } => self.digest ^= quantity.unsigned_abs(),
            Event::BalanceChanged { total, held, .. } => self.digest ^= (total ^ held).unsigned_abs(),
            Event::PositionChanged { cost, .. } => self.digest ^= cost.unsigned_abs(),
            _ => {}
        }
    }
}

/// Opens a venue for a flow: one quote asset, an instrument a symbol, funded accounts.
fn venue(flow: &Flow) -> Engine {
    let (mut engine, mut tape) = (Engine::new(Config::default()), Tape::default());
    let mut run = |command: Command<'_>| engine.execute(&command, 1, &mut tape);
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
    end_batch(&mut engine, &mut tape);
    engine
}

/// Fill the table of ids by deposits of all accounts in turn; `done` is told the nanoseconds of each.
fn fill(engine: &mut Engine, mut done: impl FnMut(u32)) {
    let (clock, mut id, mut tape) = (Clock::new(), String::new(), Tape::default());
    let most = engine.config().ids_max;
    for number in engine.stats().ids..most {
        id.clear();
        // Writing to a string cannot fail.
        let _ = write!(id, "fill-{number}");
        let account = FIRST_USER + number % ACCOUNTS;
        let (kind, asset, amount) = (CashKind::Deposit, 1, 1);
        let command = Command::MoveCash(MoveCash { account, id: &id, deadline: 0, kind, asset, amount });
        let before = clock.raw();
        engine.execute(&command, 1, &mut tape);
        done(u32::try_from(clock.delta_as_nanos(before, clock.raw())).unwrap_or(u32::MAX));
    }
    assert_eq!(engine.stats().ids, most, "the table is full");
    end_batch(engine, &mut tape);
}

/// Drain what a batch has changed.
#[inline(never)]
fn end_batch(engine: &mut Engine, tape: &mut Tape) {
    engine.end_batch(tape);
    let mut levels = 0;
    engine.drain_book_changes(|change| levels += change.bids.len() + change.asks.len());
    tape.digest ^= levels as u64;
}

/// Execute the commands of a batch; each is prefetched `AHEAD` commands before.
#[inline(never)]
fn apply(engine: &mut Engine, commands: &[Command<'_>], first: u64, tape: &mut Tape, mut done: impl FnMut()) {
    let mut foreseen = [Foreseen::default(); AHEAD];
    for (place, command) in commands.iter().take(AHEAD).enumerate() {
        foreseen[place] = engine.foresee(command);
    }
    for (place, command) in commands.iter().enumerate() {
        let known = foreseen[place % AHEAD];
        if let Some(later) = commands.get(place + AHEAD) {
            foreseen[place % AHEAD] = engine.foresee(later);
        }
        if let Some(near) = commands.get(place + NEAR) {
            engine.approach(near);
        }
        engine.execute_foreseen(command, known, first + place as u64 * 1_000, tape);
        done();
    }
}

/// Run a flow through the engine. Commands are put in its words a batch at a time, which is not timed. `timed`: take each
/// record's own time too, which slows the whole.
///
/// # Panics
/// When the run comes out with other events than the script's, or the engine's state is not sound afterwards.
#[must_use]
pub fn run(flow: &Flow, script: &Script, timed: bool) -> Run {
    let mut engine = venue(flow);
    let mut filling_ns = Vec::new();
    if script.full {
        fill(&mut engine, |elapsed_ns| {
            if timed {
                filling_ns.push(elapsed_ns);
            }
        });
    }
    let mut tape = Tape { trades: Vec::with_capacity(script.expected.trades.len()), ..Tape::default() };
    let mut latencies_ns = Vec::with_capacity(if timed { flow.records.len() } else { 0 });
    let mut elapsed = Duration::ZERO;
    let clock = Clock::new();
    let mut commands = Vec::with_capacity(flow.prefill.max(BATCH));
    let mut first = 0;
    while first < flow.records.len() {
        let count = if first < flow.prefill { flow.prefill } else { BATCH.min(flow.records.len() - first) };
        let numbered = flow.records[first..first + count].iter().zip(first..);
        commands.clear();
        commands.extend(numbered.map(|(record, number)| script.command(record, number)));
        let start = Instant::now();
        if timed && first >= flow.prefill {
            // From one command's end to the next one's: the reading of the clock is part of it.
            let mut before = clock.raw();
            apply(&mut engine, &commands, script.at(first), &mut tape, || {
                let now = clock.raw();
                latencies_ns.push(u32::try_from(clock.delta_as_nanos(before, now)).unwrap_or(u32::MAX));
                before = now;
            });
        } else {
            apply(&mut engine, &commands, script.at(first), &mut tape, || {});
        }
        end_batch(&mut engine, &mut tape);
        if first >= flow.prefill {
            elapsed += start.elapsed();
        }
        first += count;
    }
    tape.accepted = script.expected.accepted;
    assert!(tape == script.expected && engine.validate().is_ok(), "a run comes out like the one before, and sound");
    let stats = engine.stats();
    Run {
        elapsed,
        tally: script.tally(flow, &tape.trades),
        events: tape.events,
        latencies_ns,
        filling_ns,
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
            let run = run(&flow, &script(&flow, false), false);
            assert_eq!(run.tally, flow.tally);
            assert!(run.events > 20_000);
        }
    }
}
