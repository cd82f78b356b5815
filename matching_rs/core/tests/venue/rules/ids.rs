//! One effect for one (account, id).

use cift_core::Config;
use cift_core::codec::{Reader, decode_event};
use cift_core::command::{CancelOrder, CashKind, Command, MoveCash, OpenAccount, SubmitOrder};
use cift_core::event::Event;

use super::{ALICE, BOB, Buy, DOLLAR, Sell, Venue, listing, submit, told};

fn named(id: &'static str, quantity: i64) -> SubmitOrder<'static> {
    SubmitOrder { id, ..submit(ALICE, Buy, 100, quantity) }
}

const WINDOW_NS: u64 = 1_000_000_000;

fn venue(ids_max: u32) -> Venue {
    Venue::with(listing(), Config { ids_max, ids_window_ns: WINDOW_NS, ..Config::default() })
}

#[test]
fn the_same_payload_gets_the_first_answer_again() {
    let mut venue = Venue::open();
    told!(venue, venue.order(named("a", 1)), ["accepted 3"]);
    let (sequence, order_id) = (venue.runner.engine().sequence(), venue.open_order(ALICE, 0));
    let applied = venue.apply(&Command::SubmitOrder(named("a", 1)));
    let event = decode_event(&mut Reader::new(&applied.events[4..])).expect("an event").1;
    let Event::CommandDuplicate { account: ALICE, id: "a", first_sequence, order_id: told, same_payload: true } = event
    else {
        panic!("{event:?}\n{}", venue.table())
    };
    assert_eq!(told, order_id);
    assert!(first_sequence <= sequence, "the order's acceptance");
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 1)], "one effect");
}

#[test]
fn another_payload_is_told_apart() {
    let mut venue = Venue::open();
    venue.order(named("a", 1));
    told!(venue, venue.order(named("a", 2)), ["duplicate, same false"]);
    let later = SubmitOrder { deadline: u64::MAX >> 1, ..named("a", 1) };
    told!(venue, venue.order(later), ["duplicate, same true"]);
}

#[test]
fn each_account_has_ids_of_its_own() {
    let mut venue = Venue::open();
    venue.order(named("a", 1));
    let order = SubmitOrder { id: "a", ..submit(BOB, Sell, 200, 1) };
    told!(venue, venue.order(order), ["accepted 4"]);
}

#[test]
fn orders_and_money_share_their_ids() {
    let mut venue = Venue::open();
    venue.order(named("a", 1));
    let cash = MoveCash { account: ALICE, id: "a", deadline: 0, kind: CashKind::Deposit, asset: DOLLAR, amount: 1 };
    told!(venue, venue.send(&Command::MoveCash(cash)), ["duplicate, same false"]);
    told!(venue, venue.send(&Command::MoveCash(MoveCash { id: "b", ..cash })), ["moved 3 1"]);
    told!(venue, venue.send(&Command::MoveCash(MoveCash { id: "b", ..cash })), ["duplicate, same true"]);
    assert_eq!(venue.balance(ALICE, DOLLAR).0, 1_000_001);
}

#[test]
fn an_account_is_opened_once_for_an_id() {
    let mut venue = Venue::open();
    let open = OpenAccount { id: "dave", deadline: 0, owner: 9, group: 0 };
    told!(venue, venue.send(&Command::OpenAccount(open)), ["AccountOpened"]);
    told!(venue, venue.send(&Command::OpenAccount(open)), ["duplicate, same true"]);
    told!(venue, venue.send(&Command::OpenAccount(OpenAccount { owner: 8, ..open })), ["duplicate, same false"]);
}

#[test]
fn a_rejection_by_risk_is_remembered() {
    let mut venue = Venue::open();
    told!(venue, venue.order(named("a", 1_000_000)), ["rejected insufficient_funds"]);
    venue.cash(ALICE, CashKind::Deposit, DOLLAR, 1_000_000_000);
    told!(venue, venue.order(named("a", 1_000_000)), ["duplicate, same true"]);
}

#[test]
fn a_passed_deadline_is_not_remembered() {
    let mut venue = Venue::open();
    let late = SubmitOrder { deadline: venue.at, ..named("a", 1) };
    told!(venue, venue.order(late), ["rejected deadline_passed"]);
    told!(venue, venue.order(named("a", 1)), ["accepted 3"]);
    let on_time = SubmitOrder { deadline: venue.at + 1, ..named("b", 1) };
    told!(venue, venue.order(on_time), ["accepted 3"]);
}

#[test]
fn every_command_with_a_deadline_is_refused_after_it() {
    let mut venue = Venue::open();
    let deadline = venue.at;
    let cancel = CancelOrder { account: ALICE, deadline, order_id: 1, id: "" };
    let cash = MoveCash { account: ALICE, id: "m", deadline, kind: CashKind::Deposit, asset: DOLLAR, amount: 1 };
    let open = OpenAccount { id: "late", deadline, owner: 1, group: 0 };
    for command in [
        Command::CancelOrder(cancel),
        Command::MoveCash(cash),
        Command::OpenAccount(open),
        Command::SetKillSwitch { deadline, on: true },
        Command::ChangeAccount(super::ChangeAccount { deadline, ..super::settings(ALICE) }),
        Command::ChangeInstrument(super::ChangeInstrument { deadline, ..super::change(super::X) }),
        Command::ListInstrument(super::ListInstrument { deadline, ..listing() }),
    ] {
        told!(venue, venue.send(&command), ["refused deadline_passed"]);
    }
}

#[test]
fn an_open_orders_id_is_never_forgotten() {
    let mut venue = venue(1_000);
    venue.order(named("a", 1));
    venue.at += 10 * WINDOW_NS;
    told!(venue, venue.order(named("a", 1)), ["duplicate, same true"]);
}

#[test]
fn an_ended_orders_id_is_remembered_for_the_window_after_its_end() {
    let mut venue = venue(1_000);
    venue.order(named("a", 1));
    venue.at += 5 * WINDOW_NS;
    venue.cancel(ALICE, 0);
    venue.at += WINDOW_NS - 1_000;
    told!(venue, venue.order(named("a", 1)), ["duplicate, same true"]);
    // Ends are kept to about a millisecond, rounded up.
    venue.at += 2_000_000;
    told!(venue, venue.order(named("a", 1)), ["accepted 3"]);
}

#[test]
fn past_the_bound_the_oldest_end_is_forgotten_first() {
    let mut venue = venue(4);
    for id in ["a", "b", "c"] {
        venue.order(named(id, 1));
    }
    for _ in 0..3 {
        venue.cancel(ALICE, 0);
    }
    venue.order(named("d", 1));
    told!(venue, venue.order(named("b", 1)), ["duplicate, same true"]);
    told!(venue, venue.order(named("a", 1)), ["accepted 3"]);
}

#[test]
fn what_others_send_makes_none_of_an_accounts_share_forgotten() {
    // Half of 60 divided among six accounts, account 0 among them: five each.
    let mut venue = venue(60);
    for id in ["a", "b", "c", "d", "e"] {
        told!(venue, venue.order(named(id, 1_000_000)), ["rejected insufficient_funds"]);
    }
    for n in 0..200 {
        let id = format!("noise-{n}");
        let order = SubmitOrder { id: &id, ..submit(BOB, Buy, 100, 1_000_000) };
        told!(venue, venue.order(order), ["rejected insufficient_funds"]);
    }
    for id in ["a", "b", "c", "d", "e"] {
        told!(venue, venue.order(named(id, 1_000_000)), ["duplicate, same true"]);
    }
    let last = SubmitOrder { id: "noise-160", ..submit(BOB, Buy, 100, 1_000_000) };
    told!(venue, venue.order(last), ["duplicate, same true"]);
    let first = SubmitOrder { id: "noise-0", ..submit(BOB, Buy, 100, 1_000_000) };
    told!(venue, venue.order(first), ["rejected insufficient_funds"]);
}

#[test]
fn when_every_id_belongs_to_an_open_order_no_more_are_taken() {
    let mut venue = venue(2);
    venue.order(named("a", 1));
    venue.order(named("b", 1));
    told!(venue, venue.order(named("c", 1)), ["rejected ids_exhausted"]);
    told!(venue, venue.order(named("a", 1)), ["duplicate, same true"]);
    venue.cancel(ALICE, 0);
    told!(venue, venue.order(named("c", 1)), ["accepted 3"]);
}

#[test]
fn an_order_is_found_and_canceled_by_its_id() {
    let mut venue = Venue::open();
    venue.order(named("a", 1));
    let lookup = venue.runner.engine().lookup(ALICE, "a").expect("a remembered id");
    assert_eq!((lookup.order_id, lookup.open), (venue.open_order(ALICE, 0), true));
    assert_eq!(venue.runner.engine().lookup(BOB, "a"), None);
    let cancel = |account, id| Command::CancelOrder(CancelOrder { account, deadline: 0, order_id: 0, id });
    told!(venue, venue.send(&cancel(BOB, "a")), ["refused order_unknown"]);
    told!(venue, venue.send(&cancel(ALICE, "a")), ["canceled 3 1 user_requested"]);
    told!(venue, venue.send(&cancel(ALICE, "a")), ["refused order_unknown"]);
    assert!(!venue.runner.engine().lookup(ALICE, "a").expect("still remembered").open);
}

#[test]
fn what_was_seen_keeps_its_first_answer_after_its_deadline() {
    let mut venue = Venue::open();
    let deadline = venue.at + 1;
    let order = SubmitOrder { deadline, ..named("a", 1) };
    told!(venue, venue.order(order), ["accepted 3"]);
    told!(venue, venue.order(order), ["duplicate, same true"]);
    told!(venue, venue.order(SubmitOrder { quantity: 2, ..order }), ["duplicate, same false"]);
    let deadline = venue.at + 1;
    let cash = MoveCash { account: ALICE, id: "m", deadline, kind: CashKind::Deposit, asset: DOLLAR, amount: 1 };
    told!(venue, venue.send(&Command::MoveCash(cash)), ["moved 3 1"]);
    told!(venue, venue.send(&Command::MoveCash(cash)), ["duplicate, same true"]);
    let open = OpenAccount { id: "eve", deadline: venue.at + 1, owner: 1, group: 0 };
    told!(venue, venue.send(&Command::OpenAccount(open)), ["AccountOpened"]);
    told!(venue, venue.send(&Command::OpenAccount(open)), ["duplicate, same true"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 1)], "one effect");
}

#[test]
fn a_late_id_whose_window_has_passed_is_late() {
    let mut venue = Venue::open();
    let deadline = venue.at + 1;
    told!(venue, venue.order(SubmitOrder { deadline, ..named("a", 1_000_000) }), ["rejected insufficient_funds"]);
    venue.at += 2 * Config::default().ids_window_ns;
    told!(venue, venue.order(SubmitOrder { deadline, ..named("a", 1_000_000) }), ["rejected deadline_passed"]);
}
