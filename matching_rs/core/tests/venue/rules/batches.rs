//! Several commands in one, and many orders canceled at once.

use cift_core::Config;
use cift_core::command::{AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, Command, Side};

use cift_core::journal::Runner;

use super::{ALICE, BOB, Buy, CAROL, NOTHING, Sell, SubmitOrder, Venue, listing, submit, told};

fn everything() -> CancelOrders {
    CancelOrders { account: 0, deadline: 0, instrument: 0, side: None, price_min: None, price_max: None }
}

fn full() -> Venue {
    let mut venue = Venue::open();
    for (account, side, price) in
        [(ALICE, Buy, 98), (BOB, Buy, 99), (ALICE, Buy, 99), (ALICE, Sell, 101), (BOB, Sell, 102)]
    {
        venue.limit(account, side, price, 1);
    }
    venue
}

fn mass(venue: &mut Venue, cancel: CancelOrders) -> Vec<String> {
    venue.send(&Command::CancelOrders(cancel))
}

#[test]
fn a_mass_cancel_takes_an_accounts_orders_oldest_first() {
    let mut venue = full();
    let told = mass(&mut venue, CancelOrders { account: ALICE, ..everything() });
    let canceled = "canceled 3 1 mass_cancel";
    told!(venue, told, [canceled, canceled, canceled, "canceled 3 in all"]);
    assert_eq!(venue.queue(Buy), [(BOB, 99, 1)], "{}", venue.table());
}

#[test]
fn a_mass_cancel_takes_a_side_a_price_range_or_an_instrument() {
    let mut venue = full();
    let side = |side: Side| CancelOrders { account: ALICE, side: Some(side), ..everything() };
    told!(venue, mass(&mut venue, side(Sell)), ["canceled 3 1 mass_cancel", "canceled 1 in all"]);
    let range = CancelOrders { price_min: Some(99), price_max: Some(101), ..everything() };
    let told = mass(&mut venue, range);
    told!(venue, told, ["canceled 3 1 mass_cancel", "canceled 4 1 mass_cancel", "canceled 2 in all"]);
    let elsewhere = CancelOrders { instrument: 2, ..everything() };
    told!(venue, mass(&mut venue, elsewhere), ["refused instrument_unknown"]);
    told!(venue, mass(&mut venue, CancelOrders { account: 99, ..everything() }), ["refused account_unknown"]);
    let told = mass(&mut venue, CancelOrders { instrument: 1, ..everything() });
    told!(venue, told, ["canceled 3 1 mass_cancel", "canceled 4 1 mass_cancel", "canceled 2 in all"]);
    told!(venue, mass(&mut venue, everything()), ["canceled 0 in all"]);
}

#[test]
fn a_mass_cancel_is_done_in_slices_between_which_others_get_their_turn() {
    let mut venue = Venue::with(super::listing(), Config { mass_cancel_slice: 2, ..Config::default() });
    for price in 91..96 {
        venue.limit(ALICE, Buy, price, 1);
    }
    let all = CancelOrders { account: ALICE, ..everything() };
    let canceled = "canceled 3 1 mass_cancel";
    told!(venue, mass(&mut venue, all), [canceled, canceled, "canceled 2, more to come"]);
    assert!(venue.runner.engine().is_canceling());
    // Another account trades meanwhile, with an order that is to be canceled and one that came later.
    told!(venue, venue.limit(ALICE, Buy, 94, 1), ["accepted 3"]);
    told!(venue, venue.limit(BOB, Sell, 95, 1), ["accepted 4", "trade 1@95 3>4"]);
    let again = Runner::restore(&venue.runner.snapshot()).expect("a whole state");
    assert_eq!(again.engine().state_hash(), venue.runner.engine().state_hash());
    venue.runner = again;
    told!(venue, venue.send(&Command::ContinueCancels), [canceled, canceled, "canceled 2, more to come"]);
    // It cannot know that the later order is the last.
    told!(venue, venue.send(&Command::ContinueCancels), ["canceled 0 in all"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 94, 1)], "{}", venue.table());
    assert!(!venue.runner.engine().is_canceling());
    told!(venue, venue.send(&Command::ContinueCancels), ["canceled 0 in all"]);
    assert_eq!(venue.balance(ALICE, super::DOLLAR).1, 94, "the others hold nothing");
}

#[test]
fn a_mass_cancel_asked_for_again_while_it_goes_on_takes_what_has_come_since() {
    let mut venue = Venue::with(super::listing(), Config { mass_cancel_slice: 1, ..Config::default() });
    for price in 91..94 {
        venue.limit(ALICE, Buy, price, 1);
    }
    let all = CancelOrders { account: ALICE, ..everything() };
    let canceled = "canceled 3 1 mass_cancel";
    told!(venue, mass(&mut venue, all), [canceled, "canceled 1, more to come"]);
    venue.limit(ALICE, Buy, 80, 1);
    told!(venue, mass(&mut venue, all), ["canceled 0, more to come"]);
    while venue.runner.engine().is_canceling() {
        venue.send(&Command::ContinueCancels);
    }
    assert_eq!(venue.queue(Buy), [], "{}", venue.table());
}

#[test]
fn an_account_has_a_bounded_number_of_mass_cancels_under_way_and_each_gets_its_turn() {
    let mut venue = Venue::with(super::listing(), Config { mass_cancel_slice: 1, ..Config::default() });
    for price in 11..21 {
        venue.limit(ALICE, Buy, price, 1);
        venue.limit(BOB, Buy, price, 1);
    }
    let above = |account: u32, price: i64| CancelOrders { account, price_min: Some(price), ..everything() };
    for price in 11..15 {
        let told = mass(&mut venue, above(ALICE, price));
        assert_eq!(told.last().map(String::as_str), Some("canceled 1, more to come"), "{told:?}");
    }
    told!(venue, mass(&mut venue, above(ALICE, 15)), ["refused mass_cancels_limit"]);
    told!(venue, mass(&mut venue, above(ALICE, 14)), ["canceled 0, more to come"]);
    let told = mass(&mut venue, above(BOB, 11));
    told!(venue, told, ["canceled 4 1 mass_cancel", "canceled 1, more to come"]);
    let mut whose = Vec::new();
    for _ in 0..5 {
        whose.extend(venue.send(&Command::ContinueCancels).iter().filter_map(|told| told.chars().nth(9)));
    }
    assert!(whose.contains(&'4'), "BOB's turn comes after ALICE's four: {whose:?}");
    while venue.runner.engine().is_canceling() {
        venue.send(&Command::ContinueCancels);
    }
    assert_eq!(venue.queue(Buy), [], "{}", venue.table());
}

fn batch(atomic: bool, members: Vec<BatchMember<'_>>) -> Command<'_> {
    Command::Batch(Batch { account: ALICE, id: "", deadline: 0, atomic, members })
}

fn order(id: &'static str, quantity: i64) -> BatchMember<'static> {
    BatchMember::Submit(SubmitOrder { id, ..submit(ALICE, Buy, 100, quantity) })
}

#[test]
fn each_member_of_a_batch_has_its_own_result() {
    let mut venue = Venue::open();
    let missing = BatchMember::Cancel(CancelOrder { account: ALICE, deadline: 0, order_id: 9, id: "" });
    let members = vec![order("a", 1), order("b", 1_000_000), missing, order("c", 2), order("c", 2)];
    let told = venue.send(&batch(false, members));
    let expected = [
        "accepted 3",
        "rejected insufficient_funds",
        "refused order_unknown",
        "accepted 3",
        "duplicate, same true",
        "done 3, refused 2",
    ];
    told!(venue, told, expected);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 1), (ALICE, 100, 2)], "{}", venue.table());
}

#[test]
fn an_atomic_batch_is_applied_whole() {
    let mut venue = Venue::open();
    let told = venue.send(&batch(true, vec![order("a", 1), order("b", 2)]));
    told!(venue, told, ["accepted 3", "accepted 3", "done 2, refused 0"]);
    assert_eq!(venue.queue(Buy), [(ALICE, 100, 1), (ALICE, 100, 2)], "{}", venue.table());
    let again = venue.send(&batch(true, vec![order("a", 1), order("b", 2)]));
    told!(venue, again, ["duplicate, same true"]);
}

#[test]
fn an_atomic_batch_with_one_refused_member_does_nothing_and_may_be_sent_again() {
    let mut venue = Venue::open();
    let missing = BatchMember::Cancel(CancelOrder { account: ALICE, deadline: 0, order_id: 9, id: "" });
    for (members, why) in [
        (vec![order("a", 1), order("b", 1_000_000)], "rejected insufficient_funds"),
        (vec![order("a", 1), missing], "refused order_unknown"),
        (vec![order("a", 1), order("a", 1)], "rejected already_exists"),
    ] {
        told!(venue, venue.send(&batch(true, members)), [why, "refused batch_member_refused"]);
        assert_eq!(venue.queue(Buy), [], "{}", venue.table());
    }
    told!(venue, venue.send(&batch(true, vec![order("a", 1)])), ["accepted 3", "done 1, refused 0"]);
}

#[test]
fn an_atomic_batch_that_is_refused_makes_no_remembered_id_leave() {
    // Nine ids opened and funded the accounts, so three more fill the table.
    let mut venue = Venue::with(listing(), Config { ids_max: 12, ..Config::default() });
    let (mine, others) = (["cash-1", "cash-2", "x", "y", "z"], ["cash-3", "cash-4"]);
    for id in ["x", "y", "z"] {
        told!(
            venue,
            venue.order(SubmitOrder { id, ..submit(ALICE, Buy, 100, 1_000_000) }),
            ["rejected insufficient_funds"]
        );
    }
    let told = venue.send(&batch(true, vec![order("a", 1), order("b", 1), order("c", 1_000_000)]));
    told!(venue, told, ["rejected insufficient_funds", "refused batch_member_refused"]);
    let engine = venue.runner.engine();
    assert!(mine.iter().all(|id| engine.lookup(ALICE, id).is_some()));
    assert!(others.iter().all(|id| engine.lookup(BOB, id).is_some()));
    told!(venue, venue.send(&batch(true, vec![order("a", 1)])), ["accepted 3", "done 1, refused 0"]);
    assert!(venue.runner.engine().lookup(ALICE, "cash-1").is_none(), "only what is taken needs room");
}

#[test]
fn the_members_of_an_atomic_batch_pass_risk_together() {
    let mut venue = Venue::open();
    // Either fits alone, both do not.
    let quantity = 6_000;
    let told = venue.send(&batch(true, vec![order("a", quantity), order("b", quantity)]));
    told!(venue, told, ["rejected insufficient_funds", "refused batch_member_refused"]);
    told!(venue, venue.send(&batch(true, vec![order("a", quantity)])), ["accepted 3", "done 1, refused 0"]);
    // A cancel gives back what the next member needs.
    let order_id = venue.open_order(ALICE, 0);
    let cancel = BatchMember::Cancel(CancelOrder { account: ALICE, deadline: 0, order_id, id: "" });
    let told = venue.send(&batch(true, vec![cancel, order("b", quantity)]));
    assert_eq!(told.last().map(String::as_str), Some("done 2, refused 0"), "{told:?}");
    assert_eq!(venue.queue(Buy), [(ALICE, 100, quantity)], "{}", venue.table());
}

#[test]
fn an_atomic_batch_takes_orders_by_quantity_and_cancels_alone() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 90, 5);
    let order_id = venue.open_order(ALICE, 0);
    let amend =
        BatchMember::Amend(AmendOrder { account: ALICE, deadline: 0, order_id, price: None, quantity: Some(1) });
    let told = venue.send(&batch(true, vec![amend]));
    told!(venue, told, ["refused order_invalid", "refused batch_member_refused"]);
    let by_quote = BatchMember::Submit(SubmitOrder { id: "q", ..super::by_quote(ALICE, Buy, 100) });
    let told = venue.send(&batch(true, vec![by_quote]));
    told!(venue, told, ["rejected order_invalid", "refused batch_member_refused"]);
}

#[test]
fn what_an_atomic_batch_matches_is_not_part_of_its_check() {
    let mut venue = Venue::open();
    venue.limit(BOB, Sell, 100, 1);
    let fok = SubmitOrder { time_in_force: super::TimeInForce::Fok, ..submit(ALICE, Buy, 100, 2) };
    let killed = BatchMember::Submit(SubmitOrder { id: "k", ..fok });
    let told = venue.send(&batch(true, vec![killed, order("a", 2)]));
    told!(
        venue,
        told,
        ["accepted 3", "canceled 3 2 fill_or_kill", "accepted 3", "trade 1@100 4>3", "done 2, refused 0"]
    );
}

fn named<'a>(id: &'a str, deadline: u64, members: Vec<BatchMember<'a>>) -> Command<'a> {
    Command::Batch(Batch { account: ALICE, id, deadline, atomic: true, members })
}

fn end(order_id: u64) -> BatchMember<'static> {
    BatchMember::Cancel(CancelOrder { account: ALICE, deadline: 0, order_id, id: "" })
}

#[test]
fn an_atomic_batch_whose_ids_are_known_is_still_all_or_nothing() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 90, 5);
    let there = venue.open_order(ALICE, 0);
    venue.order(SubmitOrder { id: "x", ..submit(ALICE, Buy, 80, 1) });
    let open = venue.queue(Buy);
    let amend = AmendOrder { account: ALICE, deadline: 0, order_id: there, price: None, quantity: Some(1) };
    let (other, same) = (order("x", 2), BatchMember::Submit(SubmitOrder { id: "x", ..submit(ALICE, Buy, 80, 1) }));
    let refused = "refused batch_member_refused";
    for (id, members, why) in [
        ("p", vec![other, end(there)], ["duplicate, same false", refused]),
        ("q", vec![same, end(there)], ["duplicate, same true", refused]),
        ("r", vec![same, BatchMember::Amend(amend)], ["duplicate, same true", refused]),
        ("s", vec![end(there), other], ["duplicate, same false", refused]),
    ] {
        told!(venue, venue.send(&batch(true, members.clone())), why);
        told!(venue, venue.send(&named(id, 0, members.clone())), why);
        told!(venue, venue.send(&named(id, 0, members)), ["duplicate, same true"]);
        told!(venue, venue.send(&named(id, 0, vec![end(there)])), ["duplicate, same false"]);
        assert_eq!(venue.queue(Buy), open, "{}", venue.table());
    }
}

#[test]
fn the_outcome_of_an_atomic_batch_is_remembered_under_its_id() {
    let mut venue = Venue::open();
    let deadline = venue.at + 3;
    told!(venue, venue.send(&named("done", deadline, vec![order("a", 1)])), ["accepted 3", "done 1, refused 0"]);
    let poor = || vec![order("b", 1), order("c", 1_000_000)];
    let refusal = ["rejected insufficient_funds", "refused batch_member_refused"];
    told!(venue, venue.send(&named("refused", deadline, poor())), refusal);
    venue.cash(ALICE, super::CashKind::Deposit, super::DOLLAR, 1_000_000_000);
    venue.at = deadline + 1;
    venue.runner = Runner::restore(&venue.runner.snapshot()).expect("a whole state");
    let queue = venue.queue(Buy);
    told!(venue, venue.send(&named("done", deadline, vec![order("a", 1)])), ["duplicate, same true"]);
    told!(venue, venue.send(&named("refused", deadline, poor())), ["duplicate, same true"]);
    told!(venue, venue.send(&named("refused", 0, vec![order("b", 1)])), ["duplicate, same false"]);
    told!(venue, venue.send(&named("late", deadline, vec![order("d", 1)])), ["refused deadline_passed"]);
    assert_eq!(venue.queue(Buy), queue, "{}", venue.table());
    told!(venue, venue.send(&named("late", 0, vec![order("d", 1)])), ["accepted 3", "done 1, refused 0"]);
    // Without an id of its own only what was done is remembered: what had no effect may be tried again.
    told!(venue, venue.send(&batch(true, vec![order("e", 1), end(1)])), ["refused order_unknown", refusal[1]]);
    told!(venue, venue.send(&batch(true, vec![order("e", 1), end(1)])), ["refused order_unknown", refusal[1]]);
}

#[test]
fn the_ids_of_batches_and_orders_are_of_one_kind() {
    let mut venue = Venue::open();
    venue.order(SubmitOrder { id: "a", ..submit(ALICE, Buy, 100, 1) });
    told!(venue, venue.send(&named("a", 0, vec![order("b", 1)])), ["duplicate, same false"]);
    let told = venue.send(&named("c", 0, vec![order("c", 1)]));
    told!(venue, told, ["rejected already_exists", "refused batch_member_refused"]);
    told!(venue, venue.send(&named("c", 0, vec![order("c", 1)])), ["duplicate, same true"]);
    told!(venue, venue.order(SubmitOrder { id: "c", ..submit(ALICE, Buy, 100, 1) }), ["duplicate, same false"]);
    for id in ["..", "line\n", &"x".repeat(65)] {
        told!(venue, venue.send(&named(id, 0, vec![order("d", 1)])), ["refused id_invalid"]);
    }
    let several = Command::Batch(Batch { account: ALICE, id: "s", deadline: 0, atomic: false, members: vec![] });
    told!(venue, venue.send(&several), ["refused id_invalid"]);
}

#[test]
fn a_refused_atomic_batch_takes_no_remembered_ids_place() {
    // The opening's nine, one order that has ended, and room for one more.
    let mut venue = Venue::with(super::listing(), Config { ids_max: 11, ..Config::default() });
    venue.order(SubmitOrder { id: "a", ..super::market(ALICE, Buy, 1) });
    for _ in 0..3 {
        let told = venue.send(&batch(true, vec![order("b", 1), order("c", 1), order("d", 1_000_000)]));
        told!(venue, told, ["rejected insufficient_funds", "refused batch_member_refused"]);
    }
    let opening = super::OpenAccount { id: "alice", deadline: 0, owner: 1, group: 0 };
    told!(venue, venue.send(&Command::OpenAccount(opening)), ["duplicate, same true"]);
}

#[test]
fn a_market_order_of_an_atomic_batch_goes_as_far_as_from_the_touch_it_meets() {
    let mut venue = Venue::with(super::ListInstrument { slippage_ppm: 100_000, ..super::listing() }, Config::default());
    for (price, quantity) in [(100, 1), (150, 1), (170, 1)] {
        venue.limit(BOB, Sell, price, quantity);
    }
    let market = |id: &'static str| BatchMember::Submit(SubmitOrder { id, ..super::market(ALICE, Buy, 1) });
    let two = BatchMember::Submit(SubmitOrder { id: "two", ..super::market(ALICE, Buy, 2) });
    let told = venue.send(&batch(true, vec![market("one"), two]));
    let expected = [
        "accepted 3",
        "trade 1@100 4>3",
        "accepted 3",
        "trade 1@150 4>3",
        "canceled 3 1 slippage_cap",
        "done 2, refused 0",
    ];
    told!(venue, told, expected);
}

#[test]
fn only_what_rests_counts_as_an_open_order_of_an_atomic_batch() {
    let mut venue = Venue::open();
    venue.limit(BOB, Sell, 100, 100);
    let settings = super::settings(ALICE);
    venue.send(&Command::ChangeAccount(super::ChangeAccount { open_orders_max: Some(1), ..settings }));
    let now = |id: &'static str, time_in_force| {
        BatchMember::Submit(SubmitOrder { id, time_in_force, ..submit(ALICE, Buy, 100, 1) })
    };
    let (ioc, fok) = (now("i", super::TimeInForce::Ioc), now("f", super::TimeInForce::Fok));
    let market = BatchMember::Submit(SubmitOrder { id: "m", ..super::market(ALICE, Buy, 1) });
    let rests = |id: &'static str| BatchMember::Submit(SubmitOrder { id, ..submit(ALICE, Buy, 90, 1) });
    let told = venue.send(&batch(true, vec![rests("a"), rests("b")]));
    told!(venue, told, ["rejected open_orders_limit", "refused batch_member_refused"]);
    let told = venue.send(&batch(true, vec![ioc, fok, market, rests("a")]));
    assert_eq!(told.last().map(String::as_str), Some("done 4, refused 0"), "{told:?}");
    assert_eq!(venue.queue(Buy), [(ALICE, 90, 1)], "{}", venue.table());
}

#[test]
fn a_batch_is_of_one_account() {
    let mut venue = Venue::open();
    let other = BatchMember::Submit(SubmitOrder { id: "b", ..submit(BOB, Buy, 100, 1) });
    told!(venue, venue.send(&batch(false, vec![order("a", 1), other])), ["refused malformed"]);
    let of_nobody = Command::Batch(Batch { account: 99, id: "", deadline: 0, atomic: false, members: vec![] });
    told!(venue, venue.send(&of_nobody), ["refused account_unknown"]);
    told!(venue, venue.send(&batch(false, vec![])), ["done 0, refused 0"]);
    assert_eq!(venue.queue(Buy), []);
}

#[test]
fn the_members_of_a_batch_are_applied_in_order() {
    let mut venue = Venue::open();
    venue.limit(ALICE, Buy, 100, 5);
    let order_id = venue.open_order(ALICE, 0);
    let amend = AmendOrder { account: ALICE, deadline: 0, order_id, price: None, quantity: Some(3) };
    let cancel = CancelOrder { account: ALICE, deadline: 0, order_id, id: "" };
    let members = vec![BatchMember::Amend(amend), BatchMember::Cancel(cancel), BatchMember::Amend(amend)];
    let told = venue.send(&batch(false, members));
    let expected =
        ["amended 3 3@100 leaves 3 kept", "canceled 3 3 user_requested", "refused order_unknown", "done 2, refused 1"];
    told!(venue, told, expected);
}

#[test]
fn a_cancel_of_nothing_is_refused() {
    let mut venue = Venue::open();
    for (order_id, id) in [(0, ""), (0, "never-seen"), (1, ""), (u64::MAX >> 1, "")] {
        let cancel = CancelOrder { account: CAROL, deadline: 0, order_id, id };
        told!(venue, venue.send(&Command::CancelOrder(cancel)), ["refused order_unknown"]);
    }
    assert_eq!(venue.queue(Buy).len(), NOTHING.len());
}
