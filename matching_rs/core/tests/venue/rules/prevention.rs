//! Self-trade prevention.

use cift_core::codec::{Reader, decode_event};
use cift_core::command::SelfTradePrevention::{CancelBoth, CancelNewest, CancelOldest, Decrement};
use cift_core::command::{
    AmendOrder, CancelOrder, ChangeAccount, Command, OpenAccount, SelfTradePrevention, SubmitOrder,
};
use cift_core::event::Event;
use cift_core::frame::Parts;
use cift_core::journal::Applied;

use super::{ALICE, BOB, Buy, Sell, Venue, by_quote, market, settings, submit, told};

fn with(stp: SelfTradePrevention, order: SubmitOrder<'static>) -> SubmitOrder<'static> {
    SubmitOrder { stp: Some(stp), ..order }
}

fn first_event<T>(applied: &Applied, read: impl FnOnce(&Event<'_>) -> T) -> T {
    let section = Parts::new(&applied.events).next().expect("a section").expect("a whole one");
    read(&decode_event(&mut Reader::new(section)).expect("an event").1)
}

#[test]
fn the_newest_is_canceled_unless_told_otherwise() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.limit(BOB, Sell, 99, 1);
    let told = venue.limit(ALICE, Buy, 100, 3);
    told!(venue, told, ["accepted 3", "trade 1@99 4>3", "canceled 3 2 self_trade_prevention"]);
    assert_eq!(venue.queue(Sell), [(ALICE, 100, 5)], "{}", venue.table());
}

#[test]
fn cancel_oldest_ends_the_resting_order_and_goes_on() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.limit(BOB, Sell, 100, 5);
    let told = venue.order(with(CancelOldest, submit(ALICE, Buy, 100, 3)));
    told!(venue, told, ["accepted 3", "canceled 3 5 self_trade_prevention", "trade 3@100 4>3"]);
}

#[test]
fn cancel_both_ends_both() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    let told = venue.order(with(CancelBoth, submit(ALICE, Buy, 100, 3)));
    let expected = ["accepted 3", "canceled 3 5 self_trade_prevention", "canceled 3 3 self_trade_prevention"];
    told!(venue, told, expected);
    assert_eq!((venue.queue(Buy), venue.queue(Sell)), (vec![], vec![]));
}

#[test]
fn decrement_takes_the_smaller_quantity_off_both() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    let told = venue.order(with(Decrement, submit(ALICE, Buy, 100, 3)));
    told!(venue, told, ["accepted 3", "reduced 3 3 leaves 2", "canceled 3 3 self_trade_prevention"]);
    let told = venue.order(with(Decrement, submit(ALICE, Buy, 100, 3)));
    told!(venue, told, ["accepted 3", "canceled 3 2 self_trade_prevention", "reduced 3 2 leaves 1"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 1)], "{}", venue.table());
}

#[test]
fn decrement_to_nothing_on_both_sides_ends_both() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    let told = venue.order(with(Decrement, submit(ALICE, Buy, 100, 5)));
    let expected = ["accepted 3", "canceled 3 5 self_trade_prevention", "canceled 3 5 self_trade_prevention"];
    told!(venue, told, expected);
}

#[test]
fn what_was_taken_off_stays_gone_when_amended() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.order(with(Decrement, submit(ALICE, Buy, 100, 2)));
    told!(venue, venue.amend(ALICE, None, Some(4)), ["amended 3 4@100 leaves 2 kept"]);
}

#[test]
fn what_was_traded_is_told_apart_from_what_was_taken_off() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 9);
    venue.limit(BOB, Buy, 100, 2);
    venue.order(with(Decrement, submit(ALICE, Buy, 100, 3)));
    let order_id = venue.open_order(ALICE, 0);
    let amend = AmendOrder { account: ALICE, deadline: 0, order_id, price: Some(101), quantity: Some(8) };
    let applied = venue.apply(&Command::AmendOrder(amend));
    let told = first_event(&applied, |event| match *event {
        Event::OrderAmended { quantity, leaves, filled_quantity, filled_notional, .. } => {
            (quantity, leaves, filled_quantity, filled_notional)
        }
        ref other => panic!("{other:?}"),
    });
    assert_eq!(told, (8, 3, 2, 200));
    // An order that takes, loses some to its own group and comes to rest has lost that too.
    venue.limit(BOB, Buy, 100, 1);
    venue.limit(ALICE, Buy, 99, 1);
    let kept = venue.order(with(Decrement, submit(ALICE, Sell, 99, 4)));
    told!(venue, kept, ["accepted 3", "trade 1@100 4>3", "canceled 3 1 self_trade_prevention", "reduced 3 1 leaves 2"]);
    let order_id = venue.open_order(ALICE, 0);
    let applied = venue.apply(&Command::CancelOrder(CancelOrder { account: ALICE, deadline: 0, order_id, id: "" }));
    let told = first_event(&applied, |event| match *event {
        Event::OrderCanceled { quantity, price, order_quantity, filled_quantity, .. } => {
            (quantity, price, order_quantity, filled_quantity)
        }
        ref other => panic!("{other:?}"),
    });
    assert_eq!(told, (2, 99, 4, 1));
}

#[test]
fn an_account_has_a_default_of_its_own() {
    let mut venue = Venue::open();
    venue.send(&Command::ChangeAccount(ChangeAccount { stp: Some(CancelOldest), ..settings(ALICE) }));
    venue.limit(ALICE, Sell, 100, 5);
    let told = venue.limit(ALICE, Buy, 100, 3);
    told!(venue, told, ["accepted 3", "canceled 3 5 self_trade_prevention"]);
    let told = venue.order(with(CancelNewest, submit(ALICE, Sell, 100, 1)));
    told!(venue, told, ["accepted 3", "canceled 3 1 self_trade_prevention"]);
}

#[test]
fn accounts_of_one_group_never_trade_with_each_other() {
    let mut venue = Venue::open();
    for id in ["desk-1", "desk-2"] {
        venue.send(&Command::OpenAccount(OpenAccount { id, deadline: 0, owner: 2, group: 4 }));
    }
    for account in [6, 7] {
        venue.cash(account, super::CashKind::Deposit, super::DOLLAR, 10_000);
        venue.cash(account, super::CashKind::Deposit, super::SHARE, 10);
    }
    venue.limit(6, Sell, 100, 5);
    told!(venue, venue.limit(7, Buy, 100, 5), ["accepted 7", "canceled 7 5 self_trade_prevention"]);
    told!(venue, venue.limit(BOB, Buy, 100, 5), ["accepted 4", "trade 5@100 6>4"]);
    venue.limit(BOB, Sell, 100, 1);
    told!(venue, venue.limit(7, Buy, 100, 1), ["accepted 7", "trade 1@100 4>7"]);
}

#[test]
fn a_group_number_is_not_an_account_number() {
    let mut venue = Venue::open();
    venue.send(&Command::OpenAccount(OpenAccount { id: "desk", deadline: 0, owner: 2, group: ALICE }));
    venue.cash(6, super::CashKind::Deposit, super::DOLLAR, 10_000);
    venue.limit(ALICE, Sell, 100, 1);
    told!(venue, venue.limit(6, Buy, 100, 1), ["accepted 6", "trade 1@100 3>6"]);
}

#[test]
fn a_fill_or_kill_order_that_would_meet_its_own_group_is_killed() {
    use cift_core::command::TimeInForce::Fok;
    for stp in [CancelNewest, CancelBoth, Decrement] {
        let mut venue = Venue::open();
        venue.limit(BOB, Sell, 100, 2);
        venue.limit(ALICE, Sell, 100, 5);
        let order = SubmitOrder { time_in_force: Fok, ..with(stp, submit(ALICE, Buy, 100, 3)) };
        told!(venue, venue.order(order), ["accepted 3", "canceled 3 3 fill_or_kill"]);
        assert_eq!(venue.queue(Sell).len(), 2, "nothing was touched");
    }
}

#[test]
fn market_orders_are_prevented_too() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    told!(venue, venue.order(market(ALICE, Buy, 2)), ["accepted 3", "canceled 3 2 self_trade_prevention"]);
    let told = venue.order(with(Decrement, by_quote(ALICE, Buy, 250)));
    told!(
        venue,
        told,
        ["accepted 3", "reduced 3 2 leaves 3", "reduced 3 200 leaves 50", "canceled 3 50 quantity_below_lot"]
    );
}

/// An own offer behind another's: the amount buys one lot of the other's, and what is left of it buys none.
fn own_offer_out_of_reach() -> Venue {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 420, 5);
    venue.limit(BOB, Sell, 419, 1);
    venue
}

#[test]
fn an_own_order_the_amount_does_not_reach_is_left_alone() {
    for stp in [CancelNewest, CancelOldest, CancelBoth, Decrement] {
        let mut venue = own_offer_out_of_reach();
        let told = venue.order(with(stp, by_quote(ALICE, Buy, 440)));
        told!(venue, told, ["accepted 3", "trade 1@419 4>3", "canceled 3 21 quote_remainder"]);
        assert_eq!(venue.queue(Sell), [(ALICE, 420, 5)], "{stp:?}");
    }
}

#[test]
fn a_fill_or_kill_amount_fills_in_front_of_an_own_order_it_does_not_reach() {
    use cift_core::command::TimeInForce::Fok;
    for stp in [CancelNewest, CancelOldest, CancelBoth, Decrement] {
        let mut venue = own_offer_out_of_reach();
        let order = SubmitOrder { time_in_force: Fok, ..with(stp, by_quote(ALICE, Buy, 440)) };
        told!(venue, venue.order(order), ["accepted 3", "trade 1@419 4>3", "canceled 3 21 quote_remainder"]);
        assert_eq!(venue.queue(Sell), [(ALICE, 420, 5)], "{stp:?}");
    }
}

#[test]
fn an_own_order_that_cannot_be_paid_is_left_alone() {
    for stp in [CancelNewest, CancelOldest, CancelBoth, Decrement] {
        let mut venue = own_offer_out_of_reach();
        venue.cash(ALICE, super::CashKind::Withdrawal, super::DOLLAR, 1_000_000 - 440);
        let told = venue.order(with(stp, market(ALICE, Buy, 3)));
        told!(venue, told, ["accepted 3", "trade 1@419 4>3", "canceled 3 2 funds_exhausted"]);
        assert_eq!(venue.queue(Sell), [(ALICE, 420, 5)], "{stp:?}");
    }
}
