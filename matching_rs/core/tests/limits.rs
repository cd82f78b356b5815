//! Numbers at their limits: whatever prices, quantities and scales come, the state can be kept.
//!
//! After every command every invariant holds, a snapshot is taken and restored, and the restored engine decides the next
//! command as the first one does.

use cift_core::command::{
    AmendOrder, Batch, BatchMember, CancelOrder, CashKind, Command, InstrumentKind, ListAsset, ListInstrument,
    MoveCash, OpenAccount, OrderType, RequestWithdrawal, SelfTradePrevention, SetPositionLimit, SettleWithdrawal, Side,
    SubmitOrder, TimeInForce, WithdrawalEnd,
};
use cift_core::event::{Event, Sink};
use cift_core::{Config, Engine};

const MOST: i64 = i64::MAX;
const ACCOUNTS: u32 = 3;

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    orders: Vec<(u32, u64)>,
    requests: Vec<(u32, String)>,
    /// Tick and lot of the first instrument.
    grid: Option<(i64, i64)>,
}

impl Sink for Log {
    fn emit(&mut self, sequence: u64, event: &Event<'_>) {
        match event {
            Event::OrderAccepted { account, order_id, .. } => self.orders.push((*account, *order_id)),
            Event::WithdrawalRequested { account, id, .. } => self.requests.push((*account, (*id).to_string())),
            Event::InstrumentListed { terms, .. } => {
                self.grid.get_or_insert((terms.tick_size, terms.lot_size));
            }
            _ => {}
        }
        self.lines.push(format!("{sequence} {event:?}"));
    }
}

/// A small deterministic generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) ^ self.0.rotate_left(17)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// Any magnitude is as likely as any other; now and then the limit itself.
    fn wide(&mut self) -> i64 {
        if self.one_in(8) {
            return self.pick(&[1, 2, 3, MOST, MOST - 1, MOST / 2, MOST / 2 + 1, 1 << 61, 1 << 62]);
        }
        let bits = self.below(63);
        ((self.next() >> 1 >> (62 - bits)).max(1)).cast_signed().max(1)
    }

    fn account(&mut self) -> u32 {
        3 + u32::try_from(self.below(ACCOUNTS.into())).unwrap()
    }

    fn id(&mut self) -> String {
        format!("{:x}", self.next())
    }
}

fn open(random: &mut Random, log: &mut Log) -> Engine {
    let mut engine =
        Engine::new(Config { open_orders_max: 60, ids_max: 500, ids_window_ns: 1 << 40, ..Config::default() });
    let mut run = |command: Command<'_>| engine.execute(&command, 0, log);
    run(Command::OpenVenue { hash_key: [5; 16] });
    run(Command::OpenEpoch { epoch: 1 });
    for symbol in ["BASE", "QUOTE"] {
        let scale = u8::try_from(random.below(13)).unwrap();
        run(Command::ListAsset(ListAsset { deadline: 0, symbol, scale }));
    }
    for _ in 0..40 {
        run(Command::ListInstrument(ListInstrument {
            deadline: 0,
            symbol: "BASE-QUOTE",
            kind: InstrumentKind::Coin,
            base: 1,
            quote: 2,
            price_scale: u8::try_from(random.below(13)).unwrap(),
            tick_size: random.pick(&[1, 1, 10, 1_000_000, 1 << 40]),
            lot_size: random.pick(&[1, 1, 100, 1_000_000_000, 1 << 50]),
            quantity_min: 1,
            quantity_max: MOST,
            notional_min: 0,
            band_ppm: 0,
            slippage_ppm: random.pick(&[0, 0, 100_000, 999_999, u32::MAX]),
            reference_price: 0,
            maker_ppm: random.pick(&[0, 2_000, 1_000_000]),
            taker_ppm: random.pick(&[0, 2_000, 1_000_000]),
        }));
    }
    for number in 0..ACCOUNTS {
        run(Command::OpenAccount(OpenAccount { id: &format!("open-{number}"), deadline: 0, owner: 1, group: 0 }));
        for asset in 1..=2 {
            let amount = random.pick(&[MOST / 4, MOST / 3, 1 << 40]);
            let (account, id) = (3 + number, format!("fund-{asset}"));
            run(Command::MoveCash(MoveCash { account, id: &id, deadline: 0, kind: CashKind::Deposit, asset, amount }));
        }
    }
    engine.end_batch(log);
    engine
}

/// A price and a quantity on the grid of the first instrument, of any magnitude; now and then off it.
fn figures(engine: &Engine, random: &mut Random, grid: Option<(i64, i64)>) -> (i64, i64) {
    let Some((tick, lot)) = grid else { return (random.wide(), random.wide()) };
    let mut on = |step: i64| {
        let wide = random.wide();
        if random.one_in(20) { wide } else { (wide / step).max(1).saturating_mul(step) }
    };
    let figures = (on(tick), on(lot));
    match engine.book(1, 1).and_then(|book| Some(book.asks.first().or(book.bids.first())?.price)) {
        Some(touch) if random.one_in(2) => (touch, figures.1),
        _ => figures,
    }
}

fn order<'a>(
    engine: &Engine,
    random: &mut Random,
    grid: Option<(i64, i64)>,
    (account, id): (u32, &'a str),
) -> SubmitOrder<'a> {
    let (price, quantity) = figures(engine, random, grid);
    let market = random.one_in(4);
    let by_quote = market && random.one_in(2);
    SubmitOrder {
        account,
        id,
        deadline: 0,
        instrument: 1,
        side: random.pick(&[Side::Buy, Side::Sell]),
        order_type: if market { OrderType::Market } else { OrderType::Limit },
        time_in_force: random.pick(&[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]),
        flags: 0,
        stp: Some(random.pick(&[
            SelfTradePrevention::CancelNewest,
            SelfTradePrevention::CancelOldest,
            SelfTradePrevention::CancelBoth,
            SelfTradePrevention::Decrement,
        ])),
        price: if market { 0 } else { price },
        quantity: if by_quote { 0 } else { quantity },
        quote_amount: if by_quote { random.wide() } else { 0 },
    }
}

/// Do one random command with both engines; both must tell the same.
fn step(engines: [&mut Engine; 2], random: &mut Random, log: &mut Log, at: u64) {
    let [engine, twin] = engines;
    let (account, id, other) = (random.account(), random.id(), random.id());
    let (owner, order_id) = if log.orders.is_empty() {
        (account, 1)
    } else {
        let recent = log.orders.len().saturating_sub(12);
        random.pick(&log.orders[recent..])
    };
    let request;
    let command = match random.below(16) {
        0..=7 => Command::SubmitOrder(order(engine, random, log.grid, (account, &id))),
        8..=9 => {
            let (price, quantity) = figures(engine, random, log.grid);
            let (price, quantity) = (random.one_in(2).then_some(price), random.one_in(2).then_some(quantity));
            Command::AmendOrder(AmendOrder { account: owner, deadline: 0, order_id, price, quantity })
        }
        10 => Command::CancelOrder(CancelOrder { account: owner, deadline: 0, order_id, id: "" }),
        11 => {
            let members = vec![
                BatchMember::Submit(order(engine, random, log.grid, (account, &id))),
                BatchMember::Submit(order(engine, random, log.grid, (account, &other))),
            ];
            Command::Batch(Batch { account, id: "", deadline: 0, atomic: random.one_in(2), members })
        }
        12 => Command::SetPositionLimit(SetPositionLimit {
            account,
            deadline: 0,
            instrument: 1,
            limit: if random.one_in(2) { 0 } else { random.wide() },
        }),
        13 => {
            let (asset, amount) = (random.pick(&[1, 2]), random.wide());
            Command::RequestWithdrawal(RequestWithdrawal { account, id: &id, deadline: 0, asset, amount })
        }
        14 if !log.requests.is_empty() => {
            request = log.requests.swap_remove(0);
            let end = random.pick(&[WithdrawalEnd::Booked, WithdrawalEnd::Released]);
            let (account, request) = (request.0, &*request.1);
            Command::SettleWithdrawal(SettleWithdrawal { account, id: &id, deadline: 0, request, end })
        }
        _ => Command::MoveCash(MoveCash {
            account,
            id: &id,
            deadline: 0,
            kind: random.pick(&[CashKind::Deposit, CashKind::Withdrawal]),
            asset: random.pick(&[1, 2]),
            amount: random.wide(),
        }),
    };
    let mut again = Log::default();
    let told = log.lines.len();
    engine.execute(&command, at, log);
    twin.execute(&command, at, &mut again);
    engine.end_batch(log);
    twin.end_batch(&mut again);
    assert_eq!(log.lines[told..], again.lines, "the restored engine decides otherwise: {command:?}");
    if let Err(violation) = engine.validate() {
        panic!("{command:?}: {violation}\n{:#?}", engine.book(1, 5));
    }
}

#[test]
fn whatever_is_accepted_can_be_kept() {
    let (mut trades, mut overflows) = (0, 0);
    for seed in 1..=120 {
        let mut random = Random(seed * 7_919);
        let mut log = Log::default();
        let mut engine = open(&mut random, &mut log);
        let config = engine.config();
        let mut twin = Engine::restore(&engine.snapshot(), config).expect("a fresh venue");
        for n in 1..=250 {
            step([&mut engine, &mut twin], &mut random, &mut log, n);
            let snapshot = engine.snapshot();
            twin = Engine::restore(&snapshot, config).unwrap_or_else(|error| {
                panic!("seed {seed}, step {n}: {error:?} after {:#?}", &log.lines[log.lines.len() - 9..]);
            });
            assert_eq!(twin.snapshot(), snapshot, "seed {seed}, step {n}");
        }
        trades += log.lines.iter().filter(|line| line.contains("Trade")).count();
        overflows += log.lines.iter().filter(|line| line.contains("AmountOverflow")).count();
    }
    assert!(trades > 500 && overflows > 500, "{trades} trades, {overflows} refusals for sums past their limits");
}
