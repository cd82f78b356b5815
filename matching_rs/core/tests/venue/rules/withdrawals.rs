//! A withdrawal is requested, which holds it, and then booked or released.

use cift_core::Config;
use cift_core::codec::{Writer, encode_command};
use cift_core::command::{CashKind, Command, RequestWithdrawal, SettleWithdrawal, WithdrawalEnd};
use cift_core::journal::Runner;

use super::{ALICE, BOB, Buy, CAROL, DOLLAR, SHARE, Sell, Venue, listing, market, told};
use crate::oracle::frame;

const EXTERNAL: u32 = 2;

fn ask(id: &str, asset: u16, amount: i64) -> Command<'_> {
    Command::RequestWithdrawal(RequestWithdrawal { account: ALICE, id, deadline: 0, asset, amount })
}

fn settle<'a>(id: &'a str, request: &'a str, end: WithdrawalEnd) -> Command<'a> {
    Command::SettleWithdrawal(SettleWithdrawal { account: ALICE, id, deadline: 0, request, end })
}

#[test]
fn a_requested_withdrawal_is_held_and_nothing_else_can_use_it() {
    let mut venue = Venue::open();
    told!(venue, venue.send(&ask("w", DOLLAR, 900_000)), ["requested 3 900000"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 900_000));
    told!(venue, venue.limit(ALICE, Buy, 1_000, 101), ["rejected insufficient_funds"]);
    told!(venue, venue.cash(ALICE, CashKind::Withdrawal, DOLLAR, 100_001), ["refused insufficient_funds"]);
    told!(venue, venue.send(&ask("more", DOLLAR, 100_001)), ["refused insufficient_funds"]);
    told!(venue, venue.limit(ALICE, Buy, 1_000, 100), ["accepted 3"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 1_000_000), "the order's hold comes on top");
}

#[test]
fn a_market_buy_spends_only_what_is_not_requested() {
    let mut venue = Venue::open();
    venue.limit(BOB, Sell, 1_000, 200);
    venue.send(&ask("w", DOLLAR, 950_000));
    let told = venue.order(market(ALICE, Buy, 100));
    told!(venue, told, ["accepted 3", "trade 50@1000 4>3", "canceled 3 50 funds_exhausted"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (950_000, 950_000));
}

#[test]
fn a_booked_withdrawal_leaves_to_the_outside_world() {
    let mut venue = Venue::open();
    let outside = venue.balance(EXTERNAL, SHARE).0;
    venue.send(&ask("w", SHARE, 400));
    let told = venue.send(&settle("book", "w", WithdrawalEnd::Booked));
    told!(venue, told, ["settled 3 w 400 Booked"]);
    assert_eq!(venue.balance(ALICE, SHARE), (600, 0));
    assert_eq!(venue.balance(EXTERNAL, SHARE), (outside + 400, 0));
}

#[test]
fn a_released_withdrawal_can_be_used_again() {
    let mut venue = Venue::open();
    venue.send(&ask("w", SHARE, 1_000));
    told!(venue, venue.limit(ALICE, Sell, 1_000, 1), ["rejected insufficient_funds"]);
    let told = venue.send(&settle("give back", "w", WithdrawalEnd::Released));
    told!(venue, told, ["settled 3 w 1000 Released"]);
    assert_eq!(venue.balance(ALICE, SHARE), (1_000, 0));
    told!(venue, venue.limit(ALICE, Sell, 1_000, 1_000), ["accepted 3"]);
}

#[test]
fn it_is_settled_once_whatever_is_sent_again() {
    let mut venue = Venue::open();
    venue.send(&ask("w", DOLLAR, 10));
    told!(venue, venue.send(&ask("w", DOLLAR, 10)), ["duplicate, same true"]);
    told!(venue, venue.send(&ask("w", DOLLAR, 11)), ["duplicate, same false"]);
    venue.send(&settle("s", "w", WithdrawalEnd::Booked));
    told!(venue, venue.send(&settle("s", "w", WithdrawalEnd::Booked)), ["duplicate, same true"]);
    told!(venue, venue.send(&settle("s", "w", WithdrawalEnd::Released)), ["duplicate, same false"]);
    let told = venue.send(&settle("t", "w", WithdrawalEnd::Released));
    told!(venue, told, ["refused withdrawal_unknown"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (999_990, 0));
}

#[test]
fn an_open_one_outlives_the_window_of_its_id() {
    let config = Config { ids_window_ns: 1_000_000, ..Config::default() };
    let mut venue = Venue::with(listing(), config);
    venue.send(&ask("w", DOLLAR, 10));
    venue.at += 1_000_000_000;
    told!(venue, venue.send(&ask("w", DOLLAR, 10)), ["refused already_exists"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 10), "it is not held twice");
    venue.at += 1_000_000_000;
    let told = venue.send(&settle("s", "w", WithdrawalEnd::Booked));
    told!(venue, told, ["settled 3 w 10 Booked"]);
}

#[test]
fn it_belongs_to_its_account_and_survives_a_snapshot() {
    let mut venue = Venue::open();
    venue.send(&ask("w", DOLLAR, 10));
    let other = SettleWithdrawal { account: BOB, id: "s", deadline: 0, request: "w", end: WithdrawalEnd::Booked };
    told!(venue, venue.send(&Command::SettleWithdrawal(other)), ["refused withdrawal_unknown"]);
    let view = venue.runner.engine().account(ALICE).expect("an account").withdrawals;
    assert_eq!(
        view.iter().map(|one| (one.id.as_str(), one.asset, one.amount)).collect::<Vec<_>>(),
        [("w", DOLLAR, 10)]
    );
    venue.runner = Runner::restore(&venue.runner.snapshot()).expect("a good snapshot");
    assert_eq!(venue.runner.engine().account(ALICE).expect("an account").withdrawals, view);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 10));
}

#[test]
fn what_cannot_be_asked_for_is_refused_by_name() {
    let mut venue = Venue::open();
    told!(venue, venue.send(&ask("a", 3, 1)), ["refused asset_unknown"]);
    told!(venue, venue.send(&ask("b", DOLLAR, 0)), ["refused amount_invalid"]);
    told!(venue, venue.send(&ask("c", DOLLAR, -1)), ["refused amount_invalid"]);
    let late = RequestWithdrawal { account: ALICE, id: "d", deadline: 1, asset: DOLLAR, amount: 1 };
    told!(venue, venue.send(&Command::RequestWithdrawal(late)), ["refused deadline_passed"]);
    for account in [0, EXTERNAL, 6] {
        let request = RequestWithdrawal { account, deadline: 0, ..late };
        told!(venue, venue.send(&Command::RequestWithdrawal(request)), ["refused account_unknown"]);
    }
}

/// Ask for so many, one unit each.
fn ask_for(venue: &mut Venue, account: u32, count: usize) {
    let ids: Vec<String> = (0..count).map(|n| format!("w{n}")).collect();
    for chunk in ids.chunks(1_000) {
        let commands = chunk.iter().map(|id| {
            let mut writer = Writer::default();
            let request = RequestWithdrawal { account, id, deadline: 0, asset: DOLLAR, amount: 1 };
            encode_command(&mut writer, &Command::RequestWithdrawal(request));
            writer.into_bytes()
        });
        let (number, at) = (venue.runner.number() + 1, venue.at);
        venue.runner.apply(&frame(&commands.collect::<Vec<_>>()), number, at).expect("a good frame");
    }
}

#[test]
fn an_accounts_share_of_the_open_withdrawals_is_its_own() {
    // Half of 65,536 among six accounts, account 0 among them: 5,461 each; the 32,770 left of all are common.
    let mut venue = Venue::open();
    ask_for(&mut venue, ALICE, 65_536);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 5_461 + 32_770));
    told!(venue, venue.send(&ask("past", DOLLAR, 1)), ["refused withdrawals_limit"]);
    ask_for(&mut venue, BOB, 5_461);
    assert_eq!(venue.balance(BOB, DOLLAR), (1_000_000, 5_461), "nobody else's use shortens it");
    let bobs = RequestWithdrawal { account: BOB, id: "past", deadline: 0, asset: DOLLAR, amount: 1 };
    told!(venue, venue.send(&Command::RequestWithdrawal(bobs)), ["refused withdrawals_limit"]);

    venue.runner = Runner::restore(&venue.runner.snapshot()).expect("a good snapshot");
    venue.runner.engine().validate().expect("a sound engine");
    told!(venue, venue.send(&ask("past again", DOLLAR, 1)), ["refused withdrawals_limit"]);
    venue.send(&settle("s", "w7", WithdrawalEnd::Released));
    let bobs = RequestWithdrawal { id: "common", ..bobs };
    told!(venue, venue.send(&Command::RequestWithdrawal(bobs)), ["requested 4 1"]);
    told!(venue, venue.send(&ask("next", DOLLAR, 1)), ["refused withdrawals_limit"]);
    ask_for(&mut venue, CAROL, 1);
    assert_eq!(venue.balance(CAROL, DOLLAR), (1_000_000, 1));
}
