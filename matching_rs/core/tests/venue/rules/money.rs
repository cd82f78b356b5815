//! Fees, holds, balances, movements.

use cift_core::Config;
use cift_core::command::{CashKind, ChangeAccount, Command, SetFeeTier};

use super::{ALICE, BOB, Buy, CAROL, DOLLAR, ListInstrument, SHARE, Sell, Venue, X, listing, market, settings, told};

const FEES: u32 = 1;
const EXTERNAL: u32 = 2;

fn with_fees(maker_ppm: u32, taker_ppm: u32) -> Venue {
    Venue::with(ListInstrument { maker_ppm, taker_ppm, ..listing() }, Config::default())
}

#[test]
fn a_trade_settles_at_once_and_each_side_pays_its_fee() {
    let mut venue = with_fees(1_000, 2_500);
    venue.limit(ALICE, Sell, 1_000, 10);
    told!(venue, venue.limit(BOB, Buy, 1_000, 10), ["accepted 4", "trade 10@1000 3>4, fees 10 25"]);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000 + 10_000 - 10, 0));
    assert_eq!(venue.balance(ALICE, SHARE), (990, 0));
    assert_eq!(venue.balance(BOB, DOLLAR), (1_000_000 - 10_000 - 25, 0));
    assert_eq!(venue.balance(BOB, SHARE), (1_010, 0));
    assert_eq!(venue.balance(FEES, DOLLAR), (35, 0));
}

#[test]
fn a_fee_is_rounded_half_up() {
    for (price, fee) in [(199, 0), (200, 1), (599, 1), (600, 2)] {
        let mut venue = with_fees(0, 2_500);
        venue.limit(ALICE, Sell, price, 1);
        venue.limit(BOB, Buy, price, 1);
        assert_eq!(venue.balance(FEES, DOLLAR).0, fee, "at {price}");
    }
}

#[test]
fn many_small_fills_cost_what_one_large_one_does() {
    let mut venue = with_fees(2_500, 0);
    venue.limit(ALICE, Buy, 100, 100);
    for _ in 0..100 {
        venue.limit(BOB, Sell, 100, 1);
    }
    assert_eq!(venue.balance(FEES, DOLLAR).0, 25);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000 - 10_000 - 25, 0));
}

#[test]
fn many_small_fills_cost_what_one_large_one_does_whoever_takes() {
    // What the account that trades in one order has after meeting the same quantity in one piece, in 7s and in 1s.
    for (maker_ppm, taker_ppm) in [(1_500, 2_500), (333, 777), (999_999, 1), (0, 3)] {
        for large_takes in [false, true] {
            for side in [Buy, Sell] {
                let after = [98, 7, 1].map(|piece| {
                    let mut venue = with_fees(maker_ppm, taker_ppm);
                    if large_takes {
                        (0..98 / piece).for_each(|_| drop(venue.limit(BOB, side.opposite(), 101, piece)));
                        venue.limit(ALICE, side, 101, 98);
                    } else {
                        venue.limit(ALICE, side, 101, 98);
                        (0..98 / piece).for_each(|_| drop(venue.limit(BOB, side.opposite(), 101, piece)));
                    }
                    let paid = venue.balance(FEES, DOLLAR).0 + venue.balance(BOB, DOLLAR).0;
                    assert_eq!(venue.balance(ALICE, DOLLAR).0 + paid, 2_000_000, "nothing is lost\n{}", venue.table());
                    assert_eq!(venue.queue(Buy).len() + venue.queue(Sell).len(), 0, "all has traded");
                    venue.balance(ALICE, DOLLAR)
                });
                assert_eq!([after[0]; 3], after, "{maker_ppm} and {taker_ppm} ppm, {side:?}, takes: {large_takes}");
            }
        }
    }
}

#[test]
fn an_order_that_takes_and_then_rests_pays_each_rate_for_its_part() {
    let mut venue = with_fees(1_000, 3_000);
    venue.limit(ALICE, Sell, 1_000, 1);
    told!(venue, venue.limit(BOB, Buy, 1_000, 2), ["accepted 4", "trade 1@1000 3>4, fees 1 3"]);
    told!(venue, venue.limit(ALICE, Sell, 1_000, 1), ["accepted 3", "trade 1@1000 4>3, fees 1 3"]);
}

#[test]
fn the_rate_is_fixed_when_the_order_is_accepted() {
    let mut venue = with_fees(1_000, 0);
    venue.limit(ALICE, Sell, 1_000, 10);
    let tier = SetFeeTier { deadline: 0, instrument: X, tier: 0, maker_ppm: 500_000, taker_ppm: 0 };
    venue.send(&Command::SetFeeTier(tier));
    told!(venue, venue.limit(BOB, Buy, 1_000, 10), ["accepted 4", "trade 10@1000 3>4, fees 10 0"]);
}

#[test]
fn an_account_trades_at_its_tier_or_at_tier_0_where_there_is_none() {
    let mut venue = with_fees(0, 1_000);
    let tier = SetFeeTier { deadline: 0, instrument: X, tier: 2, maker_ppm: 0, taker_ppm: 100 };
    venue.send(&Command::SetFeeTier(tier));
    for (fee_tier, fee) in [(2, 1), (3, 10), (0, 10)] {
        venue.send(&Command::ChangeAccount(ChangeAccount { fee_tier: Some(fee_tier), ..settings(BOB) }));
        venue.limit(ALICE, Sell, 1_000, 10);
        let trade = format!("trade 10@1000 3>4, fees 0 {fee}");
        told!(venue, venue.limit(BOB, Buy, 1_000, 10), ["accepted 4", &trade]);
    }
    let tier =
        |tier, maker_ppm| Command::SetFeeTier(SetFeeTier { deadline: 0, instrument: X, tier, maker_ppm, taker_ppm: 0 });
    told!(venue, venue.send(&tier(16, 0)), ["refused tier_invalid"]);
    told!(venue, venue.send(&tier(0, 1_000_001)), ["refused tier_invalid"]);
    told!(
        venue,
        venue.send(&Command::ChangeAccount(ChangeAccount { fee_tier: Some(16), ..settings(BOB) })),
        ["refused tier_invalid"]
    );
}

#[test]
fn a_hold_rounds_up_and_ends_with_the_order() {
    let mut venue = with_fees(1, 1);
    venue.limit(ALICE, Buy, 100, 3);
    assert_eq!(venue.balance(ALICE, DOLLAR).1, 301);
    venue.limit(BOB, Sell, 100, 2);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000 - 200, 101));
    venue.limit(BOB, Sell, 100, 1);
    assert_eq!(venue.balance(ALICE, DOLLAR), (1_000_000 - 300, 0));
}

#[test]
fn a_market_buy_holds_nothing() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Sell, 100, 1);
    venue.order(market(BOB, Buy, 5));
    assert_eq!(venue.balance(BOB, DOLLAR), (1_000_000 - 100, 0));
}

#[test]
fn money_enters_and_leaves_by_the_external_account() {
    let mut venue = Venue::open();
    let outside = venue.balance(EXTERNAL, DOLLAR).0;
    told!(venue, venue.cash(ALICE, CashKind::Deposit, DOLLAR, 5), ["moved 3 5"]);
    told!(venue, venue.cash(ALICE, CashKind::Withdrawal, DOLLAR, 3), ["moved 3 -3"]);
    told!(venue, venue.cash(ALICE, CashKind::Adjustment, DOLLAR, -1), ["moved 3 -1"]);
    assert_eq!(venue.balance(ALICE, DOLLAR).0, 1_000_001);
    assert_eq!(venue.balance(EXTERNAL, DOLLAR).0, outside - 1);
}

#[test]
fn what_is_held_cannot_be_withdrawn() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 1_000, 999);
    told!(venue, venue.cash(ALICE, CashKind::Withdrawal, DOLLAR, 1_001), ["refused insufficient_funds"]);
    told!(venue, venue.cash(ALICE, CashKind::Adjustment, DOLLAR, -1_001), ["refused insufficient_funds"]);
    told!(venue, venue.cash(ALICE, CashKind::Withdrawal, DOLLAR, 1_000), ["moved 3 -1000"]);
}

#[test]
fn a_movement_needs_an_asset_an_account_and_an_amount() {
    let mut venue = Venue::open();
    for asset in [0, 3, u16::MAX] {
        told!(venue, venue.cash(ALICE, CashKind::Deposit, asset, 1), ["refused asset_unknown"]);
    }
    for (kind, amount) in [
        (CashKind::Deposit, 0),
        (CashKind::Deposit, -1),
        (CashKind::Withdrawal, 0),
        (CashKind::Withdrawal, -1),
        (CashKind::Adjustment, 0),
    ] {
        told!(venue, venue.cash(ALICE, kind, DOLLAR, amount), ["refused amount_invalid"]);
    }
    for account in [0, EXTERNAL, 6] {
        told!(venue, venue.cash(account, CashKind::Deposit, DOLLAR, 1), ["refused account_unknown"]);
    }
}

#[test]
fn collected_fees_can_be_withdrawn() {
    let mut venue = with_fees(0, 1_000);
    venue.limit(ALICE, Sell, 1_000, 10);
    venue.limit(BOB, Buy, 1_000, 10);
    told!(venue, venue.cash(FEES, CashKind::Withdrawal, DOLLAR, 11), ["refused insufficient_funds"]);
    told!(venue, venue.cash(FEES, CashKind::Withdrawal, DOLLAR, 10), ["moved 1 -10"]);
}

#[test]
fn a_position_keeps_its_cost_and_realises_when_it_closes() {
    let mut venue = Venue::open();
    let position = |venue: &Venue| {
        let view = venue.runner.engine().account(CAROL).expect("an account");
        view.positions.iter().map(|p| (p.quantity, p.cost, p.realised, p.fees)).collect::<Vec<_>>()
    };
    venue.limit(ALICE, Sell, 100, 10);
    venue.limit(CAROL, Buy, 100, 10);
    assert_eq!(position(&venue), [(10, 1_000, 0, 0)]);
    venue.limit(ALICE, Buy, 120, 4);
    venue.limit(CAROL, Sell, 120, 4);
    assert_eq!(position(&venue), [(6, 600, 80, 0)]);
    venue.limit(ALICE, Buy, 90, 8);
    venue.limit(CAROL, Sell, 90, 8);
    assert_eq!(position(&venue), [(-2, -180, 20, 0)], "closed at a loss, then short");
}
