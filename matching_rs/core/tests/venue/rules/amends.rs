//! Amendments.

use cift_core::command::{FLAG_POST_ONLY, SubmitOrder};

use super::{ALICE, BOB, Buy, CAROL, DOLLAR, Sell, Venue, submit, told};

#[test]
fn a_smaller_quantity_keeps_the_place() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Buy, 100, 5);
    told!(venue, venue.amend(ALICE, None, Some(3)), ["amended 3 3@100 leaves 3 kept"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 3), (BOB, 100, 5)], "{}", venue.table());
    assert_eq!(venue.balance(ALICE, DOLLAR).1, 300, "the hold shrinks with it");
}

#[test]
fn a_larger_quantity_loses_the_place() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Buy, 100, 5);
    told!(venue, venue.amend(ALICE, Some(100), Some(6)), ["amended 3 6@100 leaves 6 moved"]);
    assert_eq!(venue.queue(Buy), [(BOB, 100, 5), (ALICE, 100, 6)], "{}", venue.table());
}

#[test]
fn a_new_price_loses_the_place() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Buy, 99, 5);
    told!(venue, venue.amend(ALICE, Some(99), Some(4)), ["amended 3 4@99 leaves 4 moved"]);
    assert_eq!(venue.queue(Buy), [(BOB, 99, 5), (ALICE, 99, 4)], "{}", venue.table());
}

#[test]
fn the_same_values_change_nothing() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Buy, 100, 5);
    told!(venue, venue.amend(ALICE, Some(100), Some(5)), ["amended 3 5@100 leaves 5 kept"]);
    assert_eq!(venue.queue(Buy)[0], (ALICE, 100, 5));
    told!(venue, venue.amend(ALICE, None, None), ["refused order_invalid"]);
}

#[test]
fn the_quantity_is_the_total_with_what_is_filled() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Sell, 100, 2);
    told!(venue, venue.amend(ALICE, None, Some(4)), ["amended 3 4@100 leaves 2 kept"]);
}

#[test]
fn a_quantity_at_or_below_the_filled_one_cancels_the_rest() {
    for quantity in [1, 2] {
        let mut venue = Venue::open();
        venue.limit(ALICE, Buy, 100, 5);
        venue.limit(BOB, Sell, 100, 2);
        told!(venue, venue.amend(ALICE, None, Some(quantity)), ["canceled 3 3 amended_below_filled"]);
        assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000 - 200, 0));
    }
}

#[test]
fn a_new_price_may_trade_at_once() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Sell, 101, 3);
    told!(venue, venue.amend(ALICE, Some(102), None), ["amended 3 5@102 leaves 5 moved", "trade 3@101 4>3"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 102, 2)], "{}", venue.table());
}

#[test]
fn a_post_only_order_stays_one() {
    let mut venue = Venue::open();
    venue.order(SubmitOrder { flags: FLAG_POST_ONLY, ..submit(ALICE, Buy, 100, 5) });
    venue.limit(BOB, Sell, 101, 3);
    told!(venue, venue.amend(ALICE, Some(101), None), ["refused post_only_would_cross"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 5)], "as it was");
}

#[test]
fn more_is_checked_against_funds_less_what_the_order_holds() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 1_000, 900);
    told!(venue, venue.amend(ALICE, None, Some(1_001)), ["refused insufficient_funds"]);
    told!(venue, venue.amend(ALICE, None, Some(1_000)), ["amended 3 1000@1000 leaves 1000 moved"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 1_000_000));
}

#[test]
fn another_accounts_order_is_unknown() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    let order_id = venue.open_order(ALICE, 0);
    let amend = super::AmendOrder { account: CAROL, deadline: 0, order_id, price: None, quantity: Some(1) };
    told!(venue, venue.send(&super::Command::AmendOrder(amend)), ["refused order_unknown"]);
    let cancel = super::CancelOrder { account: CAROL, deadline: 0, order_id, id: "" };
    told!(venue, venue.send(&super::Command::CancelOrder(cancel)), ["refused order_unknown"]);
}

#[test]
fn no_quantity_ends_an_order_that_has_not_traded() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    told!(venue, venue.amend(ALICE, None, Some(0)), ["canceled 3 5 amended_below_filled"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 0));
}

#[test]
fn less_is_allowed_below_the_smallest_order_but_in_whole_lots() {
    let bounds = super::ListInstrument { lot_size: 2, quantity_min: 4, notional_min: 300, ..super::listing() };
    let mut venue = Venue::with(bounds, cift_core::Config::default());
    venue.limit(ALICE, Buy, 100, 6);
    told!(venue, venue.amend(ALICE, None, Some(3)), ["refused quantity_not_on_lot"]);
    told!(venue, venue.amend(ALICE, None, Some(2)), ["amended 3 2@100 leaves 2 kept"]);
    told!(venue, venue.amend(ALICE, Some(101), None), ["refused quantity_too_small"]);
}

#[test]
fn a_suspended_or_killed_account_makes_its_orders_smaller_and_not_larger() {
    use cift_core::command::{AccountStatus, ChangeAccount, Command};
    for (change, reason) in [
        (ChangeAccount { status: Some(AccountStatus::Suspended), ..super::settings(ALICE) }, "account_inactive"),
        (ChangeAccount { killed: Some(true), ..super::settings(ALICE) }, "account_killed"),
    ] {
        let mut venue = Venue::open();
        venue.limit(ALICE, Buy, 100, 5);
        venue.send(&Command::ChangeAccount(change));
        told!(venue, venue.amend(ALICE, None, Some(6)), [format!("refused {reason}")]);
        told!(venue, venue.amend(ALICE, Some(99), None), [format!("refused {reason}")]);
        told!(venue, venue.amend(ALICE, None, Some(4)), ["amended 3 4@100 leaves 4 kept"]);
    }
}

#[test]
fn more_at_the_same_price_is_held_to_the_band_as_it_is_now() {
    use cift_core::command::{ChangeInstrument, Command};
    let banded = super::ListInstrument { band_ppm: 100_000, reference_price: 100, ..super::listing() };
    let mut venue = Venue::with(banded, cift_core::Config::default());
    venue.limit(ALICE, Buy, 100, 5);
    let moved = ChangeInstrument { reference_price: Some(200), ..super::change(super::X) };
    venue.send(&Command::ChangeInstrument(moved));
    told!(venue, venue.amend(ALICE, None, Some(6)), ["refused price_outside_band"]);
    told!(venue, venue.amend(ALICE, Some(101), None), ["refused price_outside_band"]);
    told!(venue, venue.amend(ALICE, None, Some(4)), ["amended 3 4@100 leaves 4 kept"]);
}

#[test]
fn a_new_price_without_more_is_held_to_the_position_limit() {
    use cift_core::command::{Command, SetPositionLimit};
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    let limit = SetPositionLimit { account: ALICE, deadline: 0, instrument: super::X, limit: 4 };
    venue.send(&Command::SetPositionLimit(limit));
    told!(venue, venue.amend(ALICE, Some(101), None), ["refused position_limit"]);
    told!(venue, venue.amend(ALICE, Some(101), Some(4)), ["amended 3 4@101 leaves 4 moved"]);
}
