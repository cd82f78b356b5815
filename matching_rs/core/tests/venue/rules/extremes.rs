//! Arithmetic at its edges: refused, never wrapped.

use cift_core::Config;
use cift_core::command::{CashKind, Command, SubmitOrder};

use super::{
    ALICE, BOB, Buy, ChangeInstrument, DOLLAR, ListInstrument, SHARE, Sell, Venue, X, by_quote, change, listing,
    market, submit, told,
};

const MOST: i64 = i64::MAX;

fn unbounded() -> Venue {
    Venue::with(ListInstrument { quantity_max: MOST, taker_ppm: 1_000_000, ..listing() }, Config::default())
}

#[test]
fn price_times_quantity_past_63_bits_is_refused() {
    let mut venue = unbounded();
    for (price, quantity) in [(MOST, MOST), (MOST, 2), (2, MOST), (1 << 32, 1 << 31), (MOST, 1), (1, MOST)] {
        told!(venue, venue.limit(ALICE, Buy, price, quantity), ["rejected amount_overflow"]);
    }
    told!(venue, venue.limit(ALICE, Buy, 1 << 31, 1 << 30), ["rejected insufficient_funds"]);
}

#[test]
fn the_fee_is_part_of_what_must_fit() {
    let mut venue = unbounded();
    told!(venue, venue.limit(ALICE, Buy, 1 << 31, 1 << 31), ["rejected amount_overflow"]);
    told!(venue, venue.limit(ALICE, Buy, (1 << 31) - 1, 1 << 31), ["rejected insufficient_funds"]);
}

#[test]
fn an_amendment_is_bounded_too() {
    let mut venue = unbounded();
    venue.limit(ALICE, Buy, 100, 5);
    told!(venue, venue.amend(ALICE, Some(MOST), None), ["refused amount_overflow"]);
    told!(venue, venue.amend(ALICE, None, Some(MOST)), ["refused amount_overflow"]);
    told!(venue, venue.amend(ALICE, Some(0), None), ["refused price_invalid"]);
    told!(venue, venue.amend(ALICE, Some(i64::MIN), None), ["refused price_invalid"]);
    told!(venue, venue.amend(ALICE, None, Some(i64::MIN)), ["refused quantity_invalid"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 5)], "as it was");
}

#[test]
fn the_smallest_numbers_are_refused() {
    let mut venue = unbounded();
    told!(venue, venue.limit(ALICE, Buy, i64::MIN, 1), ["rejected price_invalid"]);
    told!(venue, venue.limit(ALICE, Buy, 1, i64::MIN), ["rejected quantity_invalid"]);
    told!(venue, venue.order(by_quote(ALICE, Buy, i64::MIN)), ["rejected quantity_invalid"]);
    told!(venue, venue.cash(ALICE, CashKind::Adjustment, DOLLAR, i64::MIN), ["refused insufficient_funds"]);
    told!(venue, venue.cash(ALICE, CashKind::Withdrawal, DOLLAR, i64::MIN), ["refused amount_invalid"]);
}

#[test]
fn all_there_is_of_an_asset_fits_63_bits() {
    let mut venue = unbounded();
    let there = 3 * 1_000_000;
    told!(venue, venue.cash(ALICE, CashKind::Deposit, DOLLAR, MOST - there + 1), ["refused amount_overflow"]);
    told!(venue, venue.cash(ALICE, CashKind::Deposit, DOLLAR, MOST), ["refused amount_overflow"]);
    let rest = format!("moved 3 {}", MOST - there);
    told!(venue, venue.cash(ALICE, CashKind::Deposit, DOLLAR, MOST - there), [rest]);
    told!(venue, venue.cash(BOB, CashKind::Deposit, DOLLAR, 1), ["refused amount_overflow"]);
    told!(venue, venue.cash(BOB, CashKind::Withdrawal, DOLLAR, 1), ["moved 4 -1"]);
    told!(venue, venue.cash(BOB, CashKind::Deposit, DOLLAR, 1), ["moved 4 1"]);
}

#[test]
fn trades_of_everything_there_is_settle() {
    let mut venue = Venue::with(ListInstrument { quantity_max: MOST, ..listing() }, Config::default());
    venue.cash(ALICE, CashKind::Deposit, DOLLAR, MOST - 3_000_000);
    venue.cash(BOB, CashKind::Deposit, SHARE, MOST - 3_000);
    let price = (MOST - 3_000_000) / 1_000;
    venue.limit(BOB, Sell, price, 1_000);
    let told = venue.order(market(ALICE, Buy, 1_000));
    told!(venue, told, ["accepted 3".to_string(), format!("trade 1000@{price} 4>3"),]);
    let all = venue.balance(BOB, SHARE).0;
    venue.limit(BOB, Sell, 1, all);
    assert_eq!(venue.balance(BOB, SHARE), (all, all));
    told!(venue, venue.order(by_quote(ALICE, Buy, 7)), ["accepted 3", "trade 7@1 4>3"]);
}

#[test]
fn bands_and_caps_of_any_width_are_computed() {
    let mut venue = unbounded();
    let wide = ChangeInstrument {
        band_ppm: Some(u32::MAX),
        slippage_ppm: Some(u32::MAX),
        reference_price: Some(MOST),
        ..change(X)
    };
    told!(venue, venue.send(&Command::ChangeInstrument(wide)), ["InstrumentChanged"]);
    told!(venue, venue.limit(ALICE, Sell, 1 << 60, 1), ["accepted 3"]);
    told!(venue, venue.order(market(BOB, Buy, 1)), ["accepted 4", "canceled 4 1 funds_exhausted"]);
    told!(venue, venue.limit(ALICE, Buy, 1, 1), ["accepted 3"]);
    told!(venue, venue.order(market(BOB, Sell, 1)), ["accepted 4", "trade 1@1 3>4, fees 0 1"]);
}

#[test]
fn numbers_past_their_field_never_reach_an_order() {
    let mut venue = unbounded();
    let order = SubmitOrder { deadline: u64::MAX >> 1, ..submit(u32::MAX, Buy, 1, 1) };
    told!(venue, venue.order(order), ["rejected account_unknown"]);
    let order = SubmitOrder { instrument: u32::MAX, ..submit(ALICE, Buy, 1, 1) };
    told!(venue, venue.order(order), ["rejected instrument_unknown"]);
}
