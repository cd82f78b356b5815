//! Assets and instruments: how they are listed and changed.

use cift_core::command::{Command, InstrumentStatus, ListAsset};

use super::{ALICE, BOB, Buy, ChangeInstrument, DOLLAR, ListInstrument, SHARE, Sell, Venue, X, change, listing, told};

fn list(venue: &mut Venue, listing: ListInstrument<'_>) -> Vec<String> {
    venue.send(&Command::ListInstrument(listing))
}

fn alter(venue: &mut Venue, change: ChangeInstrument) -> Vec<String> {
    venue.send(&Command::ChangeInstrument(change))
}

#[test]
fn a_symbol_is_listed_once() {
    let mut venue = Venue::open();
    told!(venue, list(&mut venue, listing()), ["refused already_exists"]);
    let asset = |symbol, scale| Command::ListAsset(ListAsset { deadline: 0, symbol, scale });
    told!(venue, venue.send(&asset("DOLLAR", 2)), ["refused already_exists"]);
    told!(venue, venue.send(&asset("EURO", 13)), ["refused listing_invalid"]);
    for wrong in ["", "euro", ".", "..", "EU/RO", "EU-RO"] {
        told!(venue, venue.send(&asset(wrong, 2)), ["refused listing_invalid"]);
    }
    told!(venue, venue.send(&asset("EURO", 12)), ["AssetListed"]);
}

#[test]
fn a_listing_must_make_sense() {
    let mut venue = Venue::open();
    let other = ListInstrument { symbol: "OTHER-DOLLAR", ..listing() };
    for wrong in [
        ListInstrument { tick_size: 0, ..other },
        ListInstrument { tick_size: -1, ..other },
        ListInstrument { lot_size: 0, ..other },
        ListInstrument { quantity_min: -1, ..other },
        ListInstrument { quantity_min: 5, quantity_max: 4, ..other },
        ListInstrument { quantity_max: 0, ..other },
        ListInstrument { notional_min: -1, ..other },
        ListInstrument { reference_price: -1, ..other },
        ListInstrument { price_scale: 13, ..other },
        ListInstrument { maker_ppm: 1_000_001, ..other },
        ListInstrument { taker_ppm: 1_000_001, ..other },
        ListInstrument { base: DOLLAR, ..other },
        ListInstrument { symbol: "", ..other },
        ListInstrument { symbol: "NO SPACE", ..other },
        ListInstrument { symbol: "other-dollar", ..other },
        ListInstrument { symbol: "AN-OTHER-DOLLAR", ..other },
        ListInstrument { symbol: "OTHER", ..other },
    ] {
        told!(venue, list(&mut venue, wrong), ["refused listing_invalid"]);
    }
    told!(venue, list(&mut venue, ListInstrument { base: 9, ..other }), ["refused asset_unknown"]);
    told!(venue, list(&mut venue, ListInstrument { quote: 0, ..other }), ["refused asset_unknown"]);
    told!(venue, list(&mut venue, other), ["InstrumentListed"]);
}

#[test]
fn a_tick_of_a_lot_is_a_whole_number_of_the_smallest_quote_unit() {
    let mut venue = Venue::open();
    // A price with four decimals of a dollar that has two: a lot must be a hundred.
    let fine = ListInstrument { symbol: "FINE-DOLLAR", price_scale: 4, ..listing() };
    told!(venue, list(&mut venue, fine), ["refused listing_invalid"]);
    told!(venue, list(&mut venue, ListInstrument { lot_size: 100, ..fine }), ["InstrumentListed"]);
}

#[test]
fn ticks_and_lots_bind_every_order() {
    let mut venue = Venue::open();
    alter(&mut venue, ChangeInstrument { tick_size: Some(5), lot_size: Some(10), ..change(X) });
    told!(venue, venue.limit(ALICE, Buy, 101, 10), ["rejected price_not_on_tick"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 15), ["rejected quantity_not_on_lot"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 20), ["accepted 3"]);
    told!(venue, venue.amend(ALICE, Some(101), None), ["refused price_not_on_tick"]);
    told!(venue, venue.amend(ALICE, None, Some(15)), ["refused quantity_not_on_lot"]);
}

#[test]
fn tick_and_lot_change_only_while_no_order_is_open() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 10);
    let finer = ChangeInstrument { tick_size: Some(2), ..change(X) };
    told!(venue, alter(&mut venue, finer), ["refused open_orders_exist"]);
    told!(venue, alter(&mut venue, ChangeInstrument { lot_size: Some(2), ..change(X) }), ["refused open_orders_exist"]);
    told!(venue, alter(&mut venue, ChangeInstrument { tick_size: Some(1), ..change(X) }), ["InstrumentChanged"]);
    venue.cancel(ALICE, 0);
    told!(venue, alter(&mut venue, finer), ["InstrumentChanged"]);
    told!(venue, alter(&mut venue, ChangeInstrument { tick_size: Some(0), ..change(X) }), ["refused listing_invalid"]);
    told!(venue, alter(&mut venue, change(2)), ["refused instrument_unknown"]);
}

#[test]
fn sizes_and_notional_are_bounded() {
    let bounds = ListInstrument { quantity_min: 2, quantity_max: 8, notional_min: 300, ..listing() };
    let mut venue = Venue::with(bounds, cift_core::Config::default());
    told!(venue, venue.limit(ALICE, Buy, 100, 1), ["rejected quantity_too_small"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 9), ["rejected quantity_too_large"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 2), ["rejected notional_too_small"]);
    told!(venue, venue.limit(ALICE, Buy, 150, 2), ["accepted 3"]);
    told!(venue, venue.amend(ALICE, None, Some(9)), ["refused quantity_too_large"]);
    told!(venue, venue.amend(ALICE, Some(149), None), ["refused notional_too_small"]);
    told!(venue, venue.order(super::by_quote(BOB, Sell, 299)), ["rejected notional_too_small"]);
}

#[test]
fn a_halted_or_cancel_only_instrument_takes_only_what_makes_orders_smaller() {
    let statuses = [(InstrumentStatus::Halted, "halted"), (InstrumentStatus::CancelOnly, "cancel_only")];
    for (status, name) in statuses {
        let mut venue = Venue::open();
        venue.limit(ALICE, Buy, 100, 5);
        told!(venue, alter(&mut venue, ChangeInstrument { status: Some(status), ..change(X) }), ["InstrumentChanged"]);
        told!(venue, venue.limit(BOB, Sell, 100, 5), [format!("rejected instrument_{name}")]);
        told!(venue, venue.amend(ALICE, None, Some(6)), [format!("refused instrument_{name}")]);
        told!(venue, venue.amend(ALICE, Some(99), None), [format!("refused instrument_{name}")]);
        told!(venue, venue.amend(ALICE, None, Some(4)), ["amended 3 4@100 leaves 4 kept"]);
        told!(venue, venue.cancel(ALICE, 0), ["canceled 3 4 user_requested"]);
        alter(&mut venue, ChangeInstrument { status: Some(InstrumentStatus::Continuous), ..change(X) });
        told!(venue, venue.limit(BOB, Sell, 100, 5), ["accepted 4"]);
    }
}

#[test]
fn the_venue_opens_once_and_epochs_only_rise() {
    let mut venue = Venue::open();
    told!(venue, venue.send(&Command::OpenVenue { hash_key: [2; 16] }), ["refused already_exists"]);
    told!(venue, venue.send(&Command::OpenEpoch { epoch: 1 }), ["refused epoch_stale"]);
    told!(venue, venue.send(&Command::OpenEpoch { epoch: 7 }), ["EpochOpened"]);
    told!(venue, venue.send(&Command::OpenEpoch { epoch: 6 }), ["refused epoch_stale"]);
    assert_eq!(venue.runner.engine().epoch(), 7);
    assert_eq!(venue.balance(ALICE, SHARE), (1_000, 0));
}
