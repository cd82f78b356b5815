//! Price, then time.

use super::{ALICE, BOB, Buy, CAROL, Sell, Venue, told};

#[test]
fn a_better_price_trades_first() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 102, 5);
    venue.limit(BOB, Sell, 101, 5);
    told!(venue, venue.limit(CAROL, Buy, 102, 7), ["accepted 5", "trade 5@101 4>5", "trade 2@102 3>5"]);
    assert_eq!(venue.queue(Sell), [(ALICE, 102, 3)], "{}", venue.table());
}

#[test]
fn at_one_price_the_earlier_order_trades_first() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    venue.limit(BOB, Buy, 100, 5);
    told!(venue, venue.limit(CAROL, Sell, 100, 6), ["accepted 5", "trade 5@100 3>5", "trade 1@100 4>5"]);
    assert_eq!(venue.queue(Buy), [(BOB, 100, 4)], "{}", venue.table());
}

#[test]
fn a_trade_has_the_resting_orders_price() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 95, 1);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4", "trade 1@95 3>4"]);
    venue.limit(ALICE, Buy, 100, 1);
    told!(venue, venue.limit(BOB, Sell, 95, 1), ["accepted 4", "trade 1@100 3>4"]);
}

#[test]
fn a_partly_filled_order_keeps_its_place() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.limit(BOB, Sell, 100, 5);
    venue.limit(CAROL, Buy, 100, 2);
    assert_eq!(venue.queue(Sell), [(ALICE, 100, 3), (BOB, 100, 5)], "{}", venue.table());
    told!(venue, venue.limit(CAROL, Buy, 100, 4), ["accepted 5", "trade 3@100 3>5", "trade 1@100 4>5"]);
}

#[test]
fn orders_that_do_not_cross_rest_and_the_book_never_crosses() {
    let mut venue = Venue::open();
    told!(venue, venue.limit(ALICE, Buy, 99, 5), ["accepted 3"]);
    told!(venue, venue.limit(BOB, Sell, 100, 5), ["accepted 4"]);
    told!(venue, venue.limit(CAROL, Buy, 101, 8), ["accepted 5", "trade 5@100 4>5"]);
    assert_eq!((venue.queue(Buy), venue.queue(Sell)), (vec![(CAROL, 101, 3), (ALICE, 99, 5)], vec![]));
}
