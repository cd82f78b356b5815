//! Several commands in one, and many orders canceled at once.

use cift_core::command::{AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, Command, Side};

use super::{ALICE, BOB, Buy, CAROL, NOTHING, Sell, SubmitOrder, Venue, submit, told};

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

fn batch(atomic: bool, members: Vec<BatchMember<'_>>) -> Command<'_> {
    Command::Batch(Batch { account: ALICE, deadline: 0, atomic, members })
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
    told!(venue, again, ["duplicate, same true", "duplicate, same true", "done 2, refused 0"]);
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

#[test]
fn a_batch_is_of_one_account() {
    let mut venue = Venue::open();
    let other = BatchMember::Submit(SubmitOrder { id: "b", ..submit(BOB, Buy, 100, 1) });
    told!(venue, venue.send(&batch(false, vec![order("a", 1), other])), ["refused malformed"]);
    let of_nobody = Command::Batch(Batch { account: 99, deadline: 0, atomic: false, members: vec![] });
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
