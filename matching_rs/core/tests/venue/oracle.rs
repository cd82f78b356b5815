//! The engine against the naive venue: the same commands, byte-identical events.
//!
//! `CIFT_PROPTEST_COMMANDS` sets how many commands (10⁵ unless set), `CIFT_PROPTEST_SEED` where they start.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use cift_core::Config;
use cift_core::codec::{Reader as Bytes, decode_command, decode_event};
use cift_core::event::Event;
use cift_core::frame::Parts;
use cift_core::journal::Runner;
use cift_core::reason::Reason;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use crate::feed::{Account, Book};
use crate::flow::{Reader, Roll, opening, rolls};
use crate::naive::Naive;
use crate::table;

const COMMANDS: usize = 100_000;
const FLOW: usize = 400;

fn setting(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")),
        Err(_) => default,
    }
}

/// Bounds small enough to be met now and then.
fn config(choice: u16) -> Config {
    match choice % 5 {
        0 => Config { open_orders_max: 20, mass_cancel_slice: 1, ..Config::default() },
        // Of the first, accounts have no share; of the second, three each.
        1 => Config { ids_max: 12, ..Config::default() },
        3 => Config { ids_max: 70, ..Config::default() },
        2 => Config { ids_window_ns: 40_000_000, mass_cancel_slice: 2, ..Config::default() },
        _ => Config::default(),
    }
}

pub fn frame(commands: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        bytes.extend_from_slice(&u32::try_from(command.len()).expect("a short command").to_le_bytes());
        bytes.extend_from_slice(command);
    }
    bytes
}

/// Both venues, and what clients keep from their feeds.
struct Pair {
    runner: Runner,
    naive: Naive,
    books: BTreeMap<u32, Book>,
    accounts: BTreeMap<u32, Account>,
}

impl Pair {
    fn new(config: Config) -> Self {
        let (runner, naive) = (Runner::new(config), Naive::new(config));
        Self { runner, naive, books: BTreeMap::new(), accounts: BTreeMap::new() }
    }

    fn apply(&mut self, commands: &[Vec<u8>], at: u64) -> Result<Vec<u8>, TestCaseError> {
        let number = self.runner.number() + 1;
        let applied = self.runner.apply(&frame(commands), number, at).expect("a good frame");
        let decoded: Vec<_> = commands.iter().map(|bytes| decode_command(bytes).expect("a command")).collect();
        let expected = self.naive.apply(&decoded, at);
        if applied.events != expected {
            let table = table::venue(self.runner.engine());
            let difference = difference(&applied.events, &expected);
            return Err(TestCaseError::fail(format!("batch {number}: {decoded:#?}\n{difference}\n{table}")));
        }
        applied.books(|instrument, block| self.books.entry(instrument).or_default().update(block));
        applied.accounts(|account, block| self.accounts.entry(account).or_default().update(account, block));
        Ok(expected)
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let engine = self.runner.engine();
        if let Err(violation) = engine.validate() {
            return Err(TestCaseError::fail(format!("{violation}\n{}", table::venue(engine))));
        }
        for (&instrument, book) in &self.books {
            let view = engine.book(instrument, 0).expect("a listed instrument");
            prop_assert!(book.equals(&view), "the feed's book of {instrument} is not the engine's");
        }
        for (&account, feed) in &self.accounts {
            let told = engine.account(account).map_or(0, |view| view.account_sequence);
            prop_assert_eq!(feed.sequence, told, "the feed of account {} is not complete", account);
        }
        Ok(())
    }
}

/// The first event that differs, as both tell it.
fn difference(ours: &[u8], theirs: &[u8]) -> String {
    let (ours, theirs) = (events(ours), events(theirs));
    let place = (0..ours.len()).find(|&place| ours.get(place) != theirs.get(place)).unwrap_or(ours.len());
    let show = |events: &[String]| events.get(place).cloned().unwrap_or_else(|| "nothing".to_string());
    format!("event {place} of the batch\n   engine: {}\n    naive: {}", show(&ours), show(&theirs))
}

fn events(bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for section in Parts::new(bytes).flatten() {
        let mut reader = Bytes::new(section);
        while let Ok((sequence, event)) = decode_event(&mut reader) {
            all.push(format!("{sequence}: {event:?}"));
        }
        all.push("end of section".to_string());
    }
    all
}

/// The kinds of events, and the reasons in them.
fn names(bytes: &[u8]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for section in Parts::new(bytes).flatten() {
        let mut reader = Bytes::new(section);
        while let Ok((_, event)) = decode_event(&mut reader) {
            let text = format!("{event:?}");
            all.insert(text.split_whitespace().next().unwrap_or_default().to_string());
            if let Event::CommandRejected { reason, .. }
            | Event::OrderRejected { reason, .. }
            | Event::OrderCanceled { reason, .. } = event
            {
                all.insert(reason.name().to_string());
            }
        }
    }
    all
}

/// A flow that never meets a rule does not test it.
fn assert_all_met(met: &BTreeSet<String>) {
    // Bytes that do not decode, a venue before its opening, and a bound far away have tests of their own.
    let elsewhere = [
        Reason::UnsupportedVersion,
        Reason::BatchTooLarge,
        Reason::IdInvalid,
        Reason::VenueNotOpen,
        Reason::WithdrawalsLimit,
        Reason::MassCancelsLimit,
    ];
    let missing: Vec<_> = Reason::ALL
        .iter()
        .filter(|reason| !elsewhere.contains(reason))
        .map(|reason| reason.name())
        .filter(|&name| !met.contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "the flow never meets these; met: {met:?}");
}

fn run(flow: &[Roll], choice: u16, met: &RefCell<BTreeSet<String>>) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(config(choice));
    met.borrow_mut().extend(names(&pair.apply(&opening(), 1_000)?));
    let (mut reader, mut at) = (Reader::default(), 1_000);
    let mut rest = flow;
    while let Some(first) = rest.first() {
        let (batch, after) = rest.split_at(rest.len().min(1 + usize::from(first.spare() % 5)));
        rest = after;
        at += u64::from(first.spare()) * 1_000;
        let commands: Vec<_> = batch.iter().map(|&roll| reader.read(roll, &pair.naive, at)).collect();
        met.borrow_mut().extend(names(&pair.apply(&commands, at)?));
        pair.check()?;
        if first.spare() % 50 == 0 {
            pair.runner = reborn(&pair.runner)?;
        }
    }
    Ok(())
}

/// The same shard out of its snapshot; what follows must not tell the difference.
fn reborn(runner: &Runner) -> Result<Runner, TestCaseError> {
    let again = Runner::restore(&runner.snapshot()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(again.engine().state_hash(), runner.engine().state_hash());
    prop_assert_eq!(again.snapshot(), runner.snapshot());
    prop_assert_eq!((again.number(), again.at(), again.chain()), (runner.number(), runner.at(), runner.chain()));
    Ok(again)
}

#[test]
fn the_engine_and_a_naive_venue_tell_the_same_events() {
    let cases = u32::try_from(setting("CIFT_PROPTEST_COMMANDS", COMMANDS).div_ceil(FLOW)).expect("fewer cases");
    let seed = setting("CIFT_PROPTEST_SEED", 1);
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(seed as u64).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let met = RefCell::default();
    match runner.run(&(rolls(FLOW), 0_u16..5), |(flow, choice)| run(&flow, choice, &met)) {
        Ok(()) if cases as usize * FLOW >= COMMANDS => assert_all_met(&met.take()),
        Ok(()) => {}
        Err(TestError::Fail(reason, (flow, _))) => panic!("seed {seed}, {} commands: {reason}", flow.len()),
        Err(error) => panic!("seed {seed}: {error}"),
    }
}
