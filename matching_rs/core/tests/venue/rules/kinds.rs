//! Order types, times in force, post-only.

use cift_core::command::{FLAG_POST_ONLY, OrderType, SubmitOrder, TimeInForce};

use super::{ALICE, BOB, Buy, CAROL, DOLLAR, SHARE, Sell, Venue, by_quote, listing, market, submit, told};
use cift_core::Config;
use cift_core::command::CashKind;

fn with_time(order: SubmitOrder<'static>, time_in_force: TimeInForce) -> SubmitOrder<'static> {
    SubmitOrder { time_in_force, ..order }
}

#[test]
fn an_immediate_order_never_rests() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    let order = with_time(submit(BOB, Buy, 100, 8), TimeInForce::Ioc);
    told!(venue, venue.order(order), ["accepted 4", "trade 5@100 3>4", "canceled 4 3 immediate_or_cancel"]);
    told!(venue, venue.order(order), ["accepted 4", "canceled 4 8 immediate_or_cancel"]);
    assert_eq!(venue.queue(Buy), []);
}

#[test]
fn a_fill_or_kill_order_fills_whole_or_not_at_all() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.limit(CAROL, Sell, 101, 5);
    let order = |quantity, price| with_time(submit(BOB, Buy, price, quantity), TimeInForce::Fok);
    told!(venue, venue.order(order(11, 101)), ["accepted 4", "canceled 4 11 fill_or_kill"]);
    told!(venue, venue.order(order(6, 100)), ["accepted 4", "canceled 4 6 fill_or_kill"]);
    told!(venue, venue.order(order(10, 101)), ["accepted 4", "trade 5@100 3>4", "trade 5@101 5>4"]);
}

#[test]
fn a_fill_or_kill_order_by_amount_counts_a_remainder_below_a_lot_as_filled() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 9);
    let order = |amount| with_time(by_quote(BOB, Sell, amount), TimeInForce::Fok);
    told!(venue, venue.order(order(950)), ["accepted 4", "canceled 4 950 fill_or_kill"]);
    told!(venue, venue.order(order(450)), ["accepted 4", "trade 4@100 3>4", "canceled 4 50 quote_remainder"]);
}

#[test]
fn a_post_only_order_that_would_take_is_rejected() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    let order = |price| SubmitOrder { flags: FLAG_POST_ONLY, ..submit(BOB, Buy, price, 1) };
    told!(venue, venue.order(order(100)), ["rejected post_only_would_cross"]);
    told!(venue, venue.order(order(99)), ["accepted 4"]);
}

#[test]
fn instructions_that_contradict_each_other_are_rejected() {
    let mut venue = Venue::open();
    let post_only = |order| SubmitOrder { flags: FLAG_POST_ONLY, ..order };
    for order in [
        post_only(with_time(submit(BOB, Buy, 100, 1), TimeInForce::Ioc)),
        post_only(with_time(submit(BOB, Buy, 100, 1), TimeInForce::Fok)),
        post_only(market(BOB, Buy, 1)),
        SubmitOrder { flags: 2, ..submit(BOB, Buy, 100, 1) },
        SubmitOrder { quote_amount: 5, ..submit(BOB, Buy, 100, 1) },
    ] {
        told!(venue, venue.order(order), ["rejected order_invalid"]);
    }
}

#[test]
fn a_market_order_takes_the_best_prices_there_are() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 2);
    venue.limit(ALICE, Sell, 150, 2);
    told!(venue, venue.order(market(BOB, Buy, 3)), ["accepted 4", "trade 2@100 3>4", "trade 1@150 3>4"]);
    told!(venue, venue.order(market(BOB, Buy, 3)), ["accepted 4", "trade 1@150 3>4", "canceled 4 2 no_liquidity"]);
    told!(venue, venue.order(market(BOB, Sell, 3)), ["accepted 4", "canceled 4 3 no_liquidity"]);
}

#[test]
fn a_market_order_never_rests_whatever_its_time_in_force() {
    let mut venue = Venue::open();
    let order = SubmitOrder { time_in_force: TimeInForce::Gtc, ..market(BOB, Buy, 3) };
    told!(venue, venue.order(order), ["accepted 4", "canceled 4 3 no_liquidity"]);
}

#[test]
fn a_market_order_stays_within_the_slippage_cap_of_the_touch_it_found() {
    let mut venue = Venue::with(super::ListInstrument { slippage_ppm: 15_000, ..listing() }, Config::default());
    for price in [100, 101, 102] {
        venue.limit(ALICE, Sell, price, 1);
    }
    let told = venue.order(market(BOB, Buy, 3));
    told!(venue, told, ["accepted 4", "trade 1@100 3>4", "trade 1@101 3>4", "canceled 4 1 slippage_cap"]);
}

#[test]
fn the_slippage_cap_is_rounded_towards_the_touch() {
    for (slippage_ppm, furthest) in [(15_000, 197), (14_999, 198)] {
        let mut venue = Venue::with(super::ListInstrument { slippage_ppm, ..listing() }, Config::default());
        for price in [200, furthest, furthest - 1] {
            venue.limit(ALICE, Buy, price, 1);
        }
        let trade = format!("trade 1@{furthest} 3>4");
        let told = venue.order(market(BOB, Sell, 3));
        told!(venue, told, ["accepted 4", "trade 1@200 3>4", &trade, "canceled 4 1 slippage_cap"]);
    }
}

#[test]
fn a_market_buy_is_limited_by_free_funds_while_it_walks() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 5);
    venue.limit(ALICE, Sell, 120, 5);
    venue.cash(BOB, CashKind::Withdrawal, DOLLAR, 1_000_000 - 750);
    let told = venue.order(market(BOB, Buy, 10));
    told!(venue, told, ["accepted 4", "trade 5@100 3>4", "trade 2@120 3>4", "canceled 4 3 funds_exhausted"]);
    assert_eq!(venue.balance(BOB, DOLLAR), (10, 0));
}

#[test]
fn a_market_buy_by_amount_spends_it_fees_included() {
    let fees = super::ListInstrument { taker_ppm: 10_000, ..listing() };
    let mut venue = Venue::with(fees, Config::default());
    venue.limit(ALICE, Sell, 100, 50);
    let told = venue.order(by_quote(BOB, Buy, 1_060));
    told!(venue, told, ["accepted 4", "trade 10@100 3>4, fees 0 10", "canceled 4 50 quote_remainder"]);
    let told = venue.order(by_quote(BOB, Buy, 1_010));
    told!(venue, told, ["accepted 4", "trade 10@100 3>4, fees 0 10"]);
    let told = venue.order(by_quote(BOB, Buy, 100));
    told!(venue, told, ["accepted 4", "canceled 4 100 quantity_below_lot"]);
}

#[test]
fn an_amount_that_makes_no_lot_says_so_however_much_is_free() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 189, 50);
    told!(venue, venue.order(by_quote(BOB, Buy, 100)), ["accepted 4", "canceled 4 100 quantity_below_lot"]);
    venue.limit(ALICE, Buy, 150, 50);
    told!(venue, venue.order(by_quote(BOB, Sell, 100)), ["accepted 4", "canceled 4 100 quantity_below_lot"]);
}

#[test]
fn a_market_sell_by_amount_takes_it_in_before_fees() {
    let fees = super::ListInstrument { taker_ppm: 10_000, ..listing() };
    let mut venue = Venue::with(fees, Config::default());
    venue.limit(ALICE, Buy, 100, 50);
    let told = venue.order(by_quote(BOB, Sell, 1_060));
    told!(venue, told, ["accepted 4", "trade 10@100 3>4, fees 0 10", "canceled 4 60 quote_remainder"]);
    venue.cash(BOB, CashKind::Withdrawal, SHARE, 985);
    let told = venue.order(by_quote(BOB, Sell, 1_000));
    told!(venue, told, ["accepted 4", "trade 5@100 3>4, fees 0 5", "canceled 4 500 funds_exhausted"]);
}

#[test]
fn a_price_belongs_to_limit_orders_and_a_size_is_given_once() {
    let mut venue = Venue::open();
    for price in [0, -1] {
        told!(venue, venue.limit(ALICE, Buy, price, 1), ["rejected price_invalid"]);
    }
    let priced = SubmitOrder { price: 100, ..market(ALICE, Buy, 1) };
    told!(venue, venue.order(priced), ["rejected price_invalid"]);
    for quantity in [0, -1] {
        told!(venue, venue.limit(ALICE, Buy, 100, quantity), ["rejected quantity_invalid"]);
    }
    let both = SubmitOrder { quantity: 1, ..by_quote(ALICE, Buy, 100) };
    told!(venue, venue.order(both), ["rejected quantity_invalid"]);
    let negative = SubmitOrder { order_type: OrderType::Market, ..by_quote(ALICE, Buy, -100) };
    told!(venue, venue.order(negative), ["rejected quantity_invalid"]);
}
