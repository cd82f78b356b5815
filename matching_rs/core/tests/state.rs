//! The engine's own state under a random load: every invariant after every command, and a snapshot that changes nothing.

use cift_core::command::{
    AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, CashKind, ChangeAccount, Command, InstrumentKind,
    ListAsset, ListInstrument, MoveCash, OpenAccount, OrderType, RequestWithdrawal, SelfTradePrevention,
    SetPositionLimit, SettleWithdrawal, Side, SubmitOrder, TimeInForce, WithdrawalEnd,
};
use cift_core::event::{Event, Sink};
use cift_core::{Config, Engine, SnapshotError};

const CONFIG: Config =
    Config { open_orders_max: 200, ids_max: 3_000, ids_window_ns: 40_000_000_000, mass_cancel_slice: 2 };
const SECOND: u64 = 1_000_000_000;

/// Keeps events as text, and the ids of accepted orders.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    orders: Vec<u64>,
}

impl Sink for Log {
    fn emit(&mut self, sequence: u64, event: &Event<'_>) {
        if let Event::OrderAccepted { order_id, .. } = event {
            self.orders.push(*order_id);
        }
        self.lines.push(format!("{sequence} {event:?}"));
    }
}

/// A small deterministic generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn signed(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    fn account(&mut self) -> u32 {
        3 + u32::try_from(self.below(6)).unwrap()
    }
}

fn open(config: Config) -> Engine {
    let mut engine = Engine::new(config);
    let mut log = Log::default();
    let mut run = |command: Command<'_>| engine.execute(&command, 0, &mut log);
    run(Command::OpenVenue { hash_key: [3; 16] });
    for symbol in ["USD", "AAPL", "BTC"] {
        run(Command::ListAsset(ListAsset { deadline: 0, symbol, scale: 2 }));
    }
    for (symbol, base, tick_size) in [("AAPL-USD", 2, 1), ("BTC-USD", 3, 5)] {
        run(Command::ListInstrument(ListInstrument {
            deadline: 0,
            symbol,
            kind: InstrumentKind::Share,
            base,
            quote: 1,
            price_scale: 2,
            tick_size,
            lot_size: 100,
            quantity_min: 100,
            quantity_max: 100_000,
            notional_min: 10,
            band_ppm: 400_000,
            slippage_ppm: 20_000,
            reference_price: 1_000,
            maker_ppm: 1_700,
            taker_ppm: 3_300,
        }));
    }
    for (n, group) in [0, 0, 7, 7, 0, 0].into_iter().enumerate() {
        run(Command::OpenAccount(OpenAccount { id: &format!("open-{n}"), deadline: 0, owner: 1, group }));
    }
    for account in 3..9 {
        for asset in 1..=3 {
            let id = format!("fund-{asset}");
            let amount = 60_000 + i64::from(asset);
            run(Command::MoveCash(MoveCash { account, id: &id, deadline: 0, kind: CashKind::Deposit, asset, amount }));
        }
    }
    engine
}

fn order<'a>(random: &mut Random, account: u32, id: &'a str) -> SubmitOrder<'a> {
    let order_type = if random.one_in(6) { OrderType::Market } else { OrderType::Limit };
    let by_quote = order_type == OrderType::Market && random.one_in(2);
    let time_in_force = random.pick(&[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]);
    let post_only = order_type == OrderType::Limit && time_in_force == TimeInForce::Gtc && random.one_in(4);
    let stp = random.pick(&[
        None,
        Some(SelfTradePrevention::CancelNewest),
        Some(SelfTradePrevention::CancelOldest),
        Some(SelfTradePrevention::CancelBoth),
        Some(SelfTradePrevention::Decrement),
    ]);
    SubmitOrder {
        account,
        id,
        deadline: 0,
        instrument: 1 + u32::from(random.one_in(3)),
        side: random.pick(&[Side::Buy, Side::Sell]),
        order_type,
        time_in_force,
        flags: post_only.into(),
        stp,
        price: if order_type == OrderType::Limit { 5 * (190 + random.signed(21)) } else { 0 },
        quantity: if by_quote { 0 } else { 100 * (1 + random.signed(12)) },
        quote_amount: if by_quote { 1 + random.signed(20_000) } else { 0 },
    }
}

fn amend(random: &mut Random, account: u32, order_id: u64) -> AmendOrder {
    let price = random.one_in(2).then(|| 5 * (190 + random.signed(21)));
    let quantity = random.one_in(2).then(|| 100 * (1 + random.signed(15)));
    AmendOrder { account, deadline: 0, order_id, price, quantity }
}

/// Execute one random command; both engines that get the same numbers get the same command.
fn step(engine: &mut Engine, random: &mut Random, log: &mut Log, n: u64) {
    let at = n * SECOND / 8;
    let account = random.account();
    let id = format!("id-{}", if random.one_in(20) { n.saturating_sub(5) } else { n });
    let known = if log.orders.is_empty() { 1 } else { random.pick(&log.orders[log.orders.len().saturating_sub(60)..]) };
    let ids = [format!("b-{n}-0"), format!("b-{n}-1")];
    let request;
    let command = match random.below(20) {
        0..=10 => Command::SubmitOrder(order(random, account, &id)),
        11..=13 => Command::AmendOrder(amend(random, engine.order(known).map_or(account, |view| view.account), known)),
        14..=15 => {
            let owner = engine.order(known).map_or(account, |view| view.account);
            Command::CancelOrder(CancelOrder { account: owner, deadline: 0, order_id: known, id: "" })
        }
        16 if random.one_in(3) => Command::ContinueCancels,
        16 if random.one_in(6) => Command::CancelOrders(CancelOrders {
            account: if random.one_in(8) { 0 } else { account },
            deadline: 0,
            instrument: u32::try_from(random.below(3)).unwrap(),
            side: random.pick(&[None, Some(Side::Buy), Some(Side::Sell)]),
            price_min: random.one_in(2).then_some(960),
            price_max: random.one_in(2).then_some(1_010),
        }),
        17 => {
            let cancel = CancelOrder { account, deadline: 0, order_id: known, id: "" };
            let members = vec![
                BatchMember::Submit(order(random, account, &ids[0])),
                BatchMember::Cancel(cancel),
                BatchMember::Amend(amend(random, account, known)),
                BatchMember::Submit(order(random, account, &ids[1])),
            ];
            let keep = if random.one_in(2) { 1 } else { 4 };
            let members = members.into_iter().rev().take(keep).collect();
            Command::Batch(Batch { account, id: "", deadline: 0, atomic: random.one_in(2), members })
        }
        18 if random.one_in(2) => {
            let asset = 1 + u16::from(random.one_in(2));
            let amount = 1 + random.signed(5_000);
            Command::RequestWithdrawal(RequestWithdrawal { account, id: &id, deadline: 0, asset, amount })
        }
        18 if random.one_in(2) => {
            let view = engine.account(account);
            request = view.and_then(|view| Some(view.withdrawals.first()?.id.clone())).unwrap_or_default();
            let end = random.pick(&[WithdrawalEnd::Booked, WithdrawalEnd::Released]);
            Command::SettleWithdrawal(SettleWithdrawal { account, id: &id, deadline: 0, request: &request, end })
        }
        18 => Command::MoveCash(MoveCash {
            account,
            id: &id,
            deadline: 0,
            kind: random.pick(&[CashKind::Deposit, CashKind::Withdrawal]),
            asset: 1 + u16::from(random.one_in(2)),
            amount: 1 + random.signed(5_000),
        }),
        19 if random.one_in(3) => {
            let limit = if random.one_in(2) { 0 } else { 100 * random.signed(60) };
            Command::SetPositionLimit(SetPositionLimit { account, deadline: 0, instrument: 1, limit })
        }
        _ => Command::ChangeAccount(ChangeAccount {
            account,
            deadline: 0,
            status: None,
            killed: None,
            fee_tier: Some(u8::from(random.one_in(2))),
            open_orders_max: Some(10 + u32::try_from(random.below(40)).unwrap()),
            stp: None,
        }),
    };
    engine.execute(&command, at, log);
    if random.one_in(5) {
        engine.end_batch(log);
        engine.drain_book_changes(|change| log.lines.push(format!("{change:?}")));
    }
    if let Err(violation) = engine.validate() {
        panic!("step {n}, {command:?}: {violation}\n{:#?}\n{:#?}", engine.book(1, 5), engine.book(2, 5));
    }
}

#[test]
fn every_invariant_holds_after_every_command() {
    for seed in 1..=4 {
        let mut engine = open(CONFIG);
        let (mut random, mut log) = (Random(seed), Log::default());
        for n in 1..=4_000 {
            step(&mut engine, &mut random, &mut log, n);
        }
        for kind in [
            "Trade",
            "OrderReduced",
            "OrderAmended",
            "SelfTradePrevention",
            "QuoteRemainder",
            "FillOrKill",
            "end: Booked",
            "end: Released",
        ] {
            assert!(log.lines.iter().any(|line| line.contains(kind)), "seed {seed}: no {kind} was met");
        }
    }
}

#[test]
fn a_snapshot_at_any_point_changes_nothing_after() {
    let mut engine = open(CONFIG);
    let (mut random, mut log) = (Random(9), Log::default());
    let mut again: Option<(Engine, Random, Log)> = None;
    for n in 1..=3_000 {
        step(&mut engine, &mut random, &mut log, n);
        if let Some((engine, random, log)) = &mut again {
            step(engine, random, log, n);
        }
        if n % 100 == 0 {
            engine.end_batch(&mut log);
            engine.drain_book_changes(|_| {});
            if let Some((twin, _, kept)) = &mut again {
                twin.end_batch(kept);
                twin.drain_book_changes(|_| {});
                assert_eq!(&log.lines[log.lines.len() - 50..], &kept.lines[kept.lines.len() - 50..], "step {n}");
                assert_eq!(engine.state_hash(), twin.state_hash(), "step {n}");
            }
            let restored = Engine::restore(&engine.snapshot(), CONFIG).unwrap();
            assert_eq!(restored.state_hash(), engine.state_hash());
            let kept = Log { lines: log.lines.clone(), orders: log.orders.clone() };
            again = Some((restored, Random(random.0), kept));
        }
    }
}

#[test]
fn damaged_bytes_are_refused_and_do_no_harm() {
    let mut engine = open(CONFIG);
    let (mut random, mut log) = (Random(5), Log::default());
    for n in 1..=600 {
        step(&mut engine, &mut random, &mut log, n);
    }
    engine.end_batch(&mut log);
    let bytes = engine.snapshot();
    assert!(Engine::restore(&bytes, CONFIG).is_ok());
    for length in (0..bytes.len()).step_by(7) {
        assert_eq!(Engine::restore(&bytes[..length], CONFIG).err(), Some(SnapshotError::Damaged));
    }
    for place in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        assert_eq!(Engine::restore(&damaged, CONFIG).err(), Some(SnapshotError::Damaged));
    }
    // With a hash that fits, the figures themselves are judged: whatever is taken must be sound.
    let state = bytes.len() - 32;
    for round in 0..5_000 {
        let mut forged = bytes[..state].to_vec();
        for _ in 0..=random.below(3) {
            let place = usize::try_from(random.below(state as u64)).unwrap();
            forged[place] =
                if round % 2 == 0 { forged[place] ^ 1 << random.below(8) } else { random.pick(&[0, 1, 127, 255]) };
        }
        let hash = blake3::hash(&forged);
        forged.extend_from_slice(hash.as_bytes());
        if let Ok(mut taken) = Engine::restore(&forged, CONFIG) {
            assert_eq!(taken.validate(), Ok(()));
            let mut log = Log { lines: Vec::new(), orders: log.orders.clone() };
            for n in 601..=604 {
                step(&mut taken, &mut random, &mut log, n);
            }
        }
    }
}

#[test]
fn another_versions_snapshot_is_named() {
    let mut bytes = open(CONFIG).snapshot();
    let state = bytes.len() - 32;
    bytes[8] = 99;
    let hash = blake3::hash(&bytes[..state]);
    bytes[state..].copy_from_slice(hash.as_bytes());
    assert_eq!(Engine::restore(&bytes, CONFIG).err(), Some(SnapshotError::Version(99)));
}
