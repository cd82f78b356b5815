//! Pre-trade risk: each check, and the order they stand in.

use cift_core::Config;
use cift_core::command::{
    AccountStatus, CashKind, ChangeAccount, Command, OpenAccount, SetPositionLimit, SubmitOrder, TimeInForce,
};

use super::{
    ALICE, BOB, Buy, CAROL, ChangeInstrument, DOLLAR, ListInstrument, SHARE, Sell, Venue, X, change, listing, market,
    settings, submit, told,
};

fn position_limit(account: u32, limit: i64) -> Command<'static> {
    Command::SetPositionLimit(SetPositionLimit { account, deadline: 0, instrument: X, limit })
}

#[test]
fn the_first_failure_in_the_rulebooks_order_is_the_reason() {
    let limits = ListInstrument { tick_size: 5, lot_size: 2, quantity_min: 4, notional_min: 1_000, ..listing() };
    let mut venue =
        Venue::with(ListInstrument { band_ppm: 100_000, reference_price: 100, ..limits }, Config::default());
    venue.send(&position_limit(BOB, 1_000));
    venue.cash(BOB, super::CashKind::Withdrawal, DOLLAR, 900_000);
    let send = |venue: &mut Venue, change| drop(venue.send(&Command::ChangeAccount(change)));
    send(
        &mut venue,
        ChangeAccount {
            status: Some(AccountStatus::Suspended),
            killed: Some(true),
            open_orders_max: Some(0),
            ..settings(BOB)
        },
    );
    venue.send(&Command::SetKillSwitch { deadline: 0, on: true });
    venue.send(&Command::ChangeInstrument(ChangeInstrument {
        status: Some(super::InstrumentStatus::Halted),
        ..change(X)
    }));
    // Everything is wrong with this order; one thing after another is put right.
    let mut order = SubmitOrder { instrument: X, ..submit(BOB, Buy, 203, 3) };
    told!(venue, venue.order(order), ["rejected account_inactive"]);
    send(&mut venue, ChangeAccount { status: Some(AccountStatus::Active), ..settings(BOB) });
    told!(venue, venue.order(order), ["rejected account_killed"]);
    send(&mut venue, ChangeAccount { killed: Some(false), ..settings(BOB) });
    told!(venue, venue.order(order), ["rejected venue_killed"]);
    venue.send(&Command::SetKillSwitch { deadline: 0, on: false });
    told!(venue, venue.order(order), ["rejected instrument_halted"]);
    venue.send(&Command::ChangeInstrument(ChangeInstrument {
        status: Some(super::InstrumentStatus::CancelOnly),
        ..change(X)
    }));
    told!(venue, venue.order(order), ["rejected instrument_cancel_only"]);
    venue.send(&Command::ChangeInstrument(ChangeInstrument {
        status: Some(super::InstrumentStatus::Continuous),
        ..change(X)
    }));
    told!(venue, venue.order(order), ["rejected price_not_on_tick"]);
    order.price = 200;
    told!(venue, venue.order(order), ["rejected quantity_not_on_lot"]);
    order.quantity = 2;
    told!(venue, venue.order(order), ["rejected quantity_too_small"]);
    order.quantity = 4;
    told!(venue, venue.order(order), ["rejected notional_too_small"]);
    order.quantity = 1_000_002;
    told!(venue, venue.order(order), ["rejected quantity_too_large"]);
    order.quantity = 2_000;
    told!(venue, venue.order(order), ["rejected price_outside_band"]);
    order.price = 110;
    told!(venue, venue.order(order), ["rejected open_orders_limit"]);
    send(&mut venue, ChangeAccount { open_orders_max: Some(1), ..settings(BOB) });
    told!(venue, venue.order(order), ["rejected position_limit"]);
    order.quantity = 1_000;
    told!(venue, venue.order(order), ["rejected insufficient_funds"]);
    order.quantity = 900;
    told!(venue, venue.order(order), ["accepted 4"]);
}

#[test]
fn an_account_that_is_not_there_cannot_trade() {
    let mut venue = Venue::open();
    for account in [0, 1, 2, 6, u32::MAX] {
        told!(venue, venue.limit(account, Buy, 100, 1), ["rejected account_unknown"]);
    }
}

#[test]
fn an_instrument_that_is_not_there_cannot_be_traded() {
    let mut venue = Venue::open();
    for instrument in [0, 2, u32::MAX] {
        let order = SubmitOrder { instrument, ..submit(BOB, Buy, 100, 1) };
        told!(venue, venue.order(order), ["rejected instrument_unknown"]);
    }
}

#[test]
fn a_suspended_or_killed_account_may_still_cancel() {
    for change in [
        ChangeAccount { status: Some(AccountStatus::Suspended), ..settings(BOB) },
        ChangeAccount { killed: Some(true), ..settings(BOB) },
    ] {
        let mut venue = Venue::open();
        venue.limit(BOB, Buy, 100, 1);
        venue.send(&Command::ChangeAccount(change));
        told!(venue, venue.cancel(BOB, 0), ["canceled 4 1 user_requested"]);
    }
}

#[test]
fn the_venues_kill_switch_stops_orders_and_amendments_but_not_cancels() {
    let mut venue = Venue::open();
    venue.limit(BOB, Buy, 100, 2);
    told!(venue, venue.send(&Command::SetKillSwitch { deadline: 0, on: true }), ["KillSwitchSet"]);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["rejected venue_killed"]);
    told!(venue, venue.amend(BOB, None, Some(3)), ["refused venue_killed"]);
    told!(venue, venue.amend(BOB, Some(99), Some(1)), ["refused venue_killed"]);
    told!(venue, venue.amend(BOB, None, Some(1)), ["amended 4 1@100 leaves 1 kept"]);
    told!(venue, venue.cancel(BOB, 0), ["canceled 4 1 user_requested"]);
    venue.send(&Command::SetKillSwitch { deadline: 0, on: false });
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4"]);
}

#[test]
fn a_buy_needs_its_price_and_the_highest_fee() {
    let fees = ListInstrument { maker_ppm: 1_000, taker_ppm: 2_000, ..listing() };
    let mut venue = Venue::with(fees, Config::default());
    told!(venue, venue.limit(ALICE, Buy, 1_000, 999), ["rejected insufficient_funds"]);
    told!(venue, venue.limit(ALICE, Buy, 1_000, 998), ["accepted 3"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 998_000 + 1_996));
}

#[test]
fn a_sell_needs_the_quantity_and_nobody_sells_short() {
    let mut venue = Venue::open();
    told!(venue, venue.limit(ALICE, Sell, 100, 1_001), ["rejected insufficient_funds"]);
    told!(venue, venue.limit(ALICE, Sell, 100, 600), ["accepted 3"]);
    told!(venue, venue.limit(ALICE, Sell, 100, 401), ["rejected insufficient_funds"]);
    told!(venue, venue.order(market(ALICE, Sell, 401)), ["rejected insufficient_funds"]);
    told!(venue, venue.limit(ALICE, Sell, 100, 400), ["accepted 3"]);
    assert_eq!(venue.balance(ALICE, SHARE), (1_000, 1_000));
}

#[test]
fn what_is_held_cannot_be_spent_twice_and_comes_back_with_the_cancel() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 1_000, 1_000);
    told!(venue, venue.limit(ALICE, Buy, 1, 1), ["rejected insufficient_funds"]);
    told!(venue, venue.order(market(ALICE, Buy, 1)), ["rejected insufficient_funds"]);
    venue.cancel(ALICE, 0);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000, 0));
    told!(venue, venue.limit(ALICE, Buy, 1, 1), ["accepted 3"]);
}

#[test]
fn a_position_limit_counts_open_orders_of_the_side() {
    let mut venue = Venue::open();
    venue.send(&position_limit(ALICE, 10));
    told!(venue, venue.limit(ALICE, Buy, 100, 6), ["accepted 3"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 5), ["rejected position_limit"]);
    told!(venue, venue.limit(ALICE, Sell, 200, 10), ["accepted 3"]);
    venue.limit(BOB, Sell, 100, 6);
    told!(venue, venue.limit(ALICE, Buy, 100, 5), ["rejected position_limit"]);
    told!(venue, venue.limit(ALICE, Sell, 200, 7), ["rejected position_limit"]);
    told!(venue, venue.limit(ALICE, Sell, 200, 6), ["accepted 3"]);
    venue.send(&position_limit(ALICE, 0));
    told!(venue, venue.limit(ALICE, Buy, 100, 50), ["accepted 3"]);
}

#[test]
fn open_orders_are_limited_per_account_and_per_venue() {
    let mut venue = Venue::with(listing(), Config { open_orders_max: 3, ..Config::default() });
    venue.send(&Command::ChangeAccount(ChangeAccount { open_orders_max: Some(2), ..settings(ALICE) }));
    venue.limit(ALICE, Buy, 100, 1);
    venue.limit(ALICE, Buy, 100, 1);
    told!(venue, venue.limit(ALICE, Buy, 100, 1), ["rejected open_orders_limit"]);
    venue.limit(BOB, Buy, 100, 1);
    told!(venue, venue.limit(CAROL, Buy, 100, 1), ["rejected venue_open_orders_limit"]);
    venue.cancel(ALICE, 0);
    told!(venue, venue.limit(CAROL, Buy, 100, 1), ["accepted 5"]);
}

#[test]
fn a_full_shard_refuses_makers_not_takers() {
    let mut venue = Venue::with(listing(), Config { open_orders_max: 3, ..Config::default() });
    for price in [101, 102, 103] {
        venue.limit(ALICE, Sell, price, 5);
    }
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["rejected venue_open_orders_limit"]);
    told!(venue, venue.limit(BOB, Buy, 101, 6), ["rejected venue_open_orders_limit"]);
    told!(venue, venue.limit(BOB, Buy, 101, 2), ["accepted 4", "trade 2@101 3>4"]);
    told!(venue, venue.order(market(BOB, Buy, 1)), ["accepted 4", "trade 1@101 3>4"]);
    let ioc = SubmitOrder { time_in_force: TimeInForce::Ioc, ..submit(BOB, Buy, 100, 1) };
    told!(venue, venue.order(ioc), ["accepted 4", "canceled 4 1 immediate_or_cancel"]);
    let fok = SubmitOrder { time_in_force: TimeInForce::Fok, ..submit(BOB, Buy, 102, 4) };
    told!(venue, venue.order(fok), ["accepted 4", "trade 2@101 3>4", "trade 2@102 3>4"]);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4"]);
}

#[test]
fn accounts_that_are_opened_in_a_full_shard_leave_it_a_slot_to_take_in() {
    let mut venue = Venue::with(listing(), Config { open_orders_max: 12, ..Config::default() });
    for _ in 0..7 {
        venue.limit(ALICE, Sell, 100, 1);
    }
    let opened = ["dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
    for (id, account) in opened.into_iter().zip(6..) {
        venue.send(&Command::OpenAccount(OpenAccount { id, deadline: 0, owner: 1, group: 0 }));
        venue.cash(account, CashKind::Deposit, DOLLAR, 1_000);
    }
    // Thirteen accounts have no share of twelve; what was open stays, and what is left is common.
    let rested = (6..13).filter(|&account| venue.limit(account, Buy, 90, 1) == [format!("accepted {account}")]).count();
    assert_eq!(rested, 5);
    told!(venue, venue.limit(BOB, Buy, 90, 1), ["rejected venue_open_orders_limit"]);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4", "trade 1@100 3>4"]);
}

#[test]
fn an_accounts_share_of_the_open_orders_is_its_own() {
    // Six accounts, account 0 among them: one of the first half of twelve each.
    let mut venue = Venue::with(listing(), Config { open_orders_max: 12, ..Config::default() });
    let taken = (0..20).filter(|_| venue.limit(ALICE, Buy, 100, 1) == ["accepted 3"]).count();
    assert_eq!(taken, 1 + 6, "its own and the common half");
    told!(venue, venue.limit(ALICE, Buy, 100, 1), ["rejected venue_open_orders_limit"]);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4"]);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["rejected venue_open_orders_limit"]);
    told!(venue, venue.limit(CAROL, Buy, 100, 1), ["accepted 5"]);
    venue.cancel(ALICE, 0);
    told!(venue, venue.limit(BOB, Buy, 100, 1), ["accepted 4"]);
    told!(venue, venue.limit(ALICE, Buy, 100, 1), ["rejected venue_open_orders_limit"]);
}

#[test]
fn a_band_needs_a_reference_price_and_follows_what_is_traded() {
    let band = ListInstrument { band_ppm: 100_000, ..listing() };
    let mut venue = Venue::with(band, Config::default());
    told!(venue, venue.limit(ALICE, Buy, 100, 1), ["rejected no_reference_price"]);
    venue.send(&Command::ChangeInstrument(ChangeInstrument { reference_price: Some(100), ..change(X) }));
    told!(venue, venue.limit(ALICE, Buy, 111, 1), ["rejected price_outside_band"]);
    told!(venue, venue.limit(ALICE, Buy, 89, 1), ["rejected price_outside_band"]);
    told!(venue, venue.limit(ALICE, Buy, 110, 1), ["accepted 3"]);
    told!(venue, venue.limit(BOB, Sell, 90, 1), ["accepted 4", "trade 1@110 3>4"]);
    told!(venue, venue.limit(ALICE, Buy, 111, 1), ["rejected price_outside_band"]);
    // A window is a hundredth of the largest order, at least a thousand lots: all of it at 110 makes that the centre.
    venue.send(&Command::ChangeInstrument(ChangeInstrument { quantity_max: Some(50_000), ..change(X) }));
    venue.limit(BOB, Sell, 110, 1_000 - 1);
    venue.cash(CAROL, CashKind::Deposit, SHARE, 1_000);
    venue.limit(CAROL, Sell, 110, 2_000);
    told!(venue, venue.limit(ALICE, Buy, 110, 999), ["accepted 3", "trade 999@110 4>3"]);
    told!(venue, venue.limit(ALICE, Buy, 110, 1_000), ["accepted 3", "trade 1000@110 5>3"]);
    told!(venue, venue.limit(ALICE, Buy, 121, 1), ["accepted 3", "trade 1@110 5>3"]);
    told!(venue, venue.limit(ALICE, Buy, 122, 1), ["rejected price_outside_band"]);
}

#[test]
fn a_small_trade_between_two_accounts_moves_the_band_by_its_weight() {
    let band = ListInstrument { band_ppm: 100_000, reference_price: 1_000, ..listing() };
    let mut venue = Venue::with(band, Config::default());
    // The window is 10,000: each lot at 1,100 moves the centre by a ten-thousandth of the distance, 0.01.
    for _ in 0..3 {
        venue.limit(ALICE, Sell, 1_100, 1);
        told!(venue, venue.limit(BOB, Buy, 1_100, 1), ["accepted 4", "trade 1@1100 3>4"]);
        told!(venue, venue.limit(BOB, Buy, 1_101, 1), ["rejected price_outside_band"]);
    }
    // 500 of 10,000 move it by a twentieth of what is left, to 1,005: then the band ends at 1,105.
    venue.limit(ALICE, Sell, 1_100, 500);
    told!(venue, venue.limit(BOB, Buy, 1_100, 500), ["accepted 4", "trade 500@1100 3>4"]);
    told!(venue, venue.limit(BOB, Buy, 1_106, 1), ["rejected price_outside_band"]);
    told!(venue, venue.limit(BOB, Buy, 1_105, 1), ["accepted 4"]);
}

#[test]
fn a_reference_price_that_is_set_is_the_centre_at_once() {
    let band = ListInstrument { band_ppm: 100_000, reference_price: 1_000, ..listing() };
    let mut venue = Venue::with(band, Config::default());
    venue.limit(ALICE, Sell, 1_100, 500);
    venue.limit(BOB, Buy, 1_100, 500);
    venue.send(&Command::ChangeInstrument(ChangeInstrument { reference_price: Some(2_000), ..change(X) }));
    told!(venue, venue.limit(BOB, Buy, 1_799, 1), ["rejected price_outside_band"]);
    told!(venue, venue.limit(BOB, Buy, 1_800, 1), ["accepted 4"]);
    // Another change leaves it where it is.
    venue.send(&Command::ChangeInstrument(ChangeInstrument { slippage_ppm: Some(1), ..change(X) }));
    told!(venue, venue.limit(BOB, Buy, 1_799, 1), ["rejected price_outside_band"]);
}
