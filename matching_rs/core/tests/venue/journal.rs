//! The journal's events as rows: double entry, quantities accounted for, and no matter how it is cut.

use std::collections::BTreeMap;

use cift_core::Config;
use cift_core::codec::decode_command;
use cift_core::frame::FrameError;
use cift_core::journal::Runner;
use cift_core::rows::{JournalBatch, Projector};
use proptest::prelude::*;

use crate::flow::{Reader, Roll, opening, rolls};
use crate::naive::Naive;
use crate::oracle::frame;
use crate::tables::{Tables, int, order};

/// A journal row.
struct Batch {
    number: u64,
    at: u64,
    events: Vec<u8>,
}

/// Apply a flow; gives the engine and its journal.
fn journal(flow: &[Roll]) -> (Runner, Vec<Batch>) {
    let config = Config::default();
    let (mut runner, mut naive, mut reader) = (Runner::new(config), Naive::new(config), Reader::default());
    let mut batches = Vec::new();
    let mut apply = |commands: &[Vec<u8>], naive: &mut Naive, number: u64| {
        let at = number * 1_000;
        let applied = runner.apply(&frame(commands), number, at).expect("a good frame");
        let decoded: Vec<_> = commands.iter().map(|bytes| decode_command(bytes).expect("a command")).collect();
        naive.apply(&decoded, at);
        batches.push(Batch { number, at, events: applied.events });
    };
    apply(&opening(), &mut naive, 1);
    for (number, chunk) in (2..).zip(flow.chunks(4)) {
        let commands: Vec<_> = chunk.iter().map(|&roll| reader.read(roll, &naive, number * 1_000)).collect();
        apply(&commands, &mut naive, number);
    }
    (runner, batches)
}

fn project(projector: &mut Projector, tables: &mut Tables, batches: &[Batch]) {
    let batches: Vec<_> = batches
        .iter()
        .map(|batch| JournalBatch { number: batch.number, at: batch.at, events: &batch.events })
        .collect();
    tables.write(&projector.pack(&batches).expect("a journal's events"));
}

/// The sum of all ledger entries is 0 for each asset, event by event; a balance is the sum of its entries.
fn check_money(tables: &Tables) {
    let mut events: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    let mut sums: BTreeMap<Vec<i64>, i64> = BTreeMap::new();
    for row in tables.ledger.values() {
        let [sequence, _leg, account, asset, amount] = [0, 1, 2, 3, 4].map(|column| int(&row[column]));
        assert_ne!(amount, 0, "a leg moves something");
        *events.entry((sequence, asset)).or_default() += amount;
        *sums.entry(vec![account, asset]).or_default() += amount;
    }
    for (event, sum) in events {
        assert_eq!(sum, 0, "the legs of event and asset {event:?}");
    }
    for (key, row) in &tables.balances {
        assert_eq!(int(&row[2]), sums.remove(key).unwrap_or(0), "balance {key:?}");
    }
    sums.retain(|_, sum| *sum != 0);
    assert_eq!(sums, BTreeMap::new(), "ledger entries without a balance");
}

/// filled + leaves + canceled = quantity, in the quote's units for orders by quote amount; fills add up.
fn check_orders(tables: &Tables, runner: &Runner) {
    let mut fills: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    for row in tables.fills.values() {
        let sums = fills.entry(int(&row[1])).or_default();
        for (sum, column) in sums.iter_mut().zip([6, 7, 8]) {
            *sum += int(&row[column]);
        }
    }
    let mut open = 0;
    for row in tables.orders.values() {
        let at = |column: usize| int(&row[column]);
        let id = at(order::ID);
        if at(order::STATUS) == 5 {
            assert!(at(order::REASON) != 0 && at(order::FILLED) == 0 && at(order::LEAVES) == 0, "rejected {row:?}");
            continue;
        }
        let [filled, notional, fee] = fills.remove(&id).unwrap_or_default();
        let told = [at(order::FILLED), at(order::FILLED_NOTIONAL), at(order::FEE)];
        assert_eq!(told, [filled, notional, fee], "the fills of {row:?}");
        if at(order::QUOTE_AMOUNT) == 0 {
            let sum = filled + at(order::CANCELED) + at(order::LEAVES);
            assert_eq!(at(order::QUANTITY), sum, "{row:?}");
        } else {
            let spent = if int(&row[4]) == 0 { notional + fee } else { notional };
            assert_eq!(at(order::QUOTE_AMOUNT), spent + at(order::CANCELED) + at(order::LEAVES), "{row:?}");
        }
        let view = runner.engine().order(id.unsigned_abs());
        assert_eq!(at(order::STATUS) < 2, view.is_some(), "open or not: {row:?}");
        if let Some(view) = view {
            open += 1;
            let shown = [at(order::ACCOUNT), at(order::PRICE), at(order::QUANTITY), at(order::LEAVES)];
            assert_eq!(shown, [view.account.into(), view.price, view.quantity, view.leaves], "{row:?}");
        } else {
            assert_eq!(at(order::LEAVES), 0, "{row:?}");
        }
    }
    assert_eq!(fills, BTreeMap::new(), "fills without an order");
    assert_eq!(open, runner.engine().stats().open_orders);
}

/// Balances, positions and accounts are the engine's.
fn check_accounts(tables: &Tables, runner: &Runner) {
    for (key, row) in &tables.accounts {
        let account = u32::try_from(key[0]).expect("an account");
        let view = runner.engine().account(account).expect("an account");
        let shown = (int(&row[3]), row[4].as_bool(), int(&row[5]));
        assert_eq!(shown, (view.status as i64, Some(view.killed), view.fee_tier.into()), "{row:?}");
        for balance in &view.balances {
            let row = &tables.balances[&vec![key[0], balance.asset.into()]];
            assert_eq!((int(&row[2]), int(&row[3])), (balance.total, balance.held), "{row:?}");
        }
        let open = tables.withdrawals.values().filter(|row| int(&row[1]) == key[0] && int(&row[5]) == 0);
        let mut shown: Vec<_> = open.map(|row| (row[2].as_str(), int(&row[3]), int(&row[4]), int(&row[0]))).collect();
        shown.sort_unstable();
        let told = view.withdrawals.iter();
        let told: Vec<_> =
            told.map(|one| (Some(one.id.as_str()), one.asset.into(), one.amount, one.sequence.cast_signed())).collect();
        assert_eq!(shown, told, "withdrawals of account {account}");
        for position in &view.positions {
            let row = &tables.positions[&vec![key[0], position.instrument.into()]];
            let shown = [2, 3, 4, 5].map(|column| int(&row[column]));
            assert_eq!(shown, [position.quantity, position.cost, position.realised, position.fees], "{row:?}");
        }
    }
    assert_eq!(tables.accounts.len(), runner.engine().stats().accounts as usize);
    let stats = runner.engine().stats();
    let last = [runner.number(), stats.sequence, runner.at()].map(|value| value.to_string());
    assert_eq!(tables.last[0].iter().map(ToString::to_string).collect::<Vec<_>>(), last);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_rows_are_the_engines_state_however_the_journal_is_cut(flow in rolls(400), cuts in 1_usize..20) {
        let (runner, batches) = journal(&flow);
        let mut whole = Tables::default();
        project(&mut Projector::new(), &mut whole, &batches);
        check_money(&whole);
        check_orders(&whole, &runner);
        check_accounts(&whole, &runner);

        let (mut parts, mut projector) = (Tables::default(), Projector::new());
        for part in batches.chunks(cuts) {
            project(&mut projector, &mut parts, part);
        }
        prop_assert!(parts == whole, "cut into parts of {} batches", cuts);

        // A projector begun in the middle is told what was listed before.
        let (first, rest) = batches.split_at(batches.len() / 2);
        let mut resumed = Tables::default();
        project(&mut Projector::new(), &mut resumed, first);
        let mut projector = Projector::new();
        for row in resumed.assets.values() {
            projector.learn_asset(int(&row[0]).try_into().expect("an asset"), int(&row[2]).try_into().expect("a scale"));
        }
        for row in resumed.instruments.values() {
            let [id, base, quote, scale] = [0, 3, 4, 5].map(|column| int(&row[column]));
            let (base, quote) = (base.try_into().expect("an asset"), quote.try_into().expect("an asset"));
            let learned = projector.learn_instrument(id.try_into().expect("an id"), base, quote, scale.try_into().expect("a scale"));
            prop_assert_eq!(learned, Ok(()));
        }
        project(&mut projector, &mut resumed, rest);
        prop_assert!(resumed == whole, "resumed in the middle");
    }
}

#[test]
fn what_is_no_journal_is_refused() {
    let mut projector = Projector::new();
    for events in [&[1_u8, 0, 0][..], &[2, 0, 0, 0, 0x92], &[1, 0, 0, 0, 0xc0], &[3, 0, 0, 0, 0x92, 99, 1]] {
        let batch = JournalBatch { number: 1, at: 1, events };
        assert_eq!(projector.pack(&[batch]), Err(FrameError::Events), "{events:?}");
    }
    assert_eq!(projector.learn_instrument(1, 1, 2, 2), Err(FrameError::Events), "assets that are not known");
}

#[test]
fn a_trade_of_an_instrument_that_is_not_known_is_refused() {
    let mut projector = Projector::new();
    let mut venue = crate::rules::Venue::open();
    venue.limit(3, crate::rules::Buy, 100, 1);
    let command = crate::rules::submit(4, crate::rules::Sell, 100, 1);
    let applied =
        venue.apply(&cift_core::command::Command::SubmitOrder(cift_core::command::SubmitOrder { id: "x", ..command }));
    let batch = JournalBatch { number: 1, at: 1, events: &applied.events };
    assert_eq!(projector.pack(&[batch]), Err(FrameError::Events));
}
