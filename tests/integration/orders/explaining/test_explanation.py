"""An order's life, told from the journal alone, and the book it met, held against the engine's own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.codes import SelfTradePrevention
from apps.accounts.models import Account
from apps.marketdata.codes import Side
from apps.marketdata.reference import references
from apps.orders.auditing.audit import audit
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import AmendOrder, Batch, CancelOrder, SubmitOrder
from apps.orders.events import AnyEvent, OrderAccepted, OrderAmended, OrderReduced, OrderRejected, section_decode
from apps.orders.explaining.book import book_before
from apps.orders.explaining.explanation import NoSuchOrderError, as_json, explain, order_life
from apps.orders.explaining.story import story_read
from apps.orders.matching import engine as rust
from apps.orders.matching.followers import Follower
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.retention import ShardRetention
from apps.orders.matching.revisions import revisions_of
from apps.orders.matching.verifier import ShardVerifier
from apps.orders.models import BookMark, Order, OrderRevision, Retention
from apps.orders.state import OrderChange, order_ids_of
from cift.wire.queries import BookQuery, OpenOrdersQuery
from tests.support.shard import (
    AAPL_USD,
    BTC_USD,
    TRADERS,
    CountedConnection,
    Flow,
    batch_append,
    events_of,
    journal_fill,
)

A, B, C = 3, 4, 5
DECREMENT = SelfTradePrevention.DECREMENT


def follow() -> None:
    references.load()
    Follower(0, once=True).project()
    Follower(0, once=True).verify()
    references.load()


@pytest.fixture
def engine(sqlite: object) -> rust.Engine:
    """An open shard without orders."""
    return journal_fill(0)


def order(account: int, side: Side, price: int, quantity: int, **terms: Any) -> SubmitOrder:
    flow = Flow(seed=account * price + quantity)
    plain = {
        "account": account,
        "id": f"{account}-{side.name}-{price}-{quantity}-{terms.pop('n', 0)}",
        "instrument": AAPL_USD,
        "side": side,
        "type": OrderType.LIMIT,
        "tif": TimeInForce.GTC,
        "flags": 0,
        "stp": SelfTradePrevention.DEFAULT,
        "price": price,
        "quantity": quantity,
        "quote_amount": 0,
    }
    return flow.submit(**(plain | terms))


def everything() -> Iterator[AnyEvent]:
    """Every event of the journal, decoded one by one."""
    for rows in Journal(0).chunks(0):
        for row in rows:
            for section in rust.sections(row.events):
                yield from section_decode(section)


def entered(engine: rust.Engine, *commands: Any) -> list[int]:
    """Append a batch; give the ids of the orders it entered."""
    batch = batch_append(Journal(0), engine, list(commands))
    return [event.order_id for event in events_of(batch) if isinstance(event, OrderAccepted | OrderRejected)]


def test_the_book_met_is_the_engine_s_at_every_batch(databases: str) -> None:
    last = journal_fill(1_500)
    verifier = ShardVerifier(0, every_batches=1_000, every_s=60, mark_events=150)
    while verifier.step():
        pass
    assert BookMark.objects.count() > 10
    engine = rust.engine_new(0)
    for rows in Journal(0).chunks(0):
        for row in rows:
            for instrument in (AAPL_USD, BTC_USD) if row.number > 2 and row.number % 3 == 0 else ():
                book = book_before(shard=0, instrument=instrument, sequence=row.first_sequence)
                found = rust.ask(engine, OpenOrdersQuery(instrument))
                for side in Side:
                    mine = [(o.order_id, o.price, o.leaves) for o in book.orders.values() if o.side == side]
                    theirs = [(each.order_id, each.price, each.leaves) for each in found if each.side == side]
                    # Within a price the order of the queue, over all prices the same orders.
                    assert sorted(mine, key=lambda o: o[1]) == sorted(theirs, key=lambda o: o[1])
                levels = rust.ask(engine, BookQuery(instrument, depth=5))
                assert levels is not None
                assert book.levels(Side.BUY, depth=5) == levels.bids
                assert book.levels(Side.SELL, depth=5) == levels.asks
            engine.apply(row.commands, number=row.number, at=row.at)
    assert engine.chain == last.chain


@pytest.mark.parametrize("projected", ["all", "half", "none"])
def test_every_order_s_story_has_exactly_its_events(sqlite: object, projected: str) -> None:
    journal_fill(900)
    if projected != "none":
        projector = ShardProjector(0, batches_max=12)
        while projector.step() and projected == "all":
            pass
    expected: dict[int, list[int]] = {}
    for event in everything():
        if isinstance(event, OrderAccepted | OrderRejected):
            expected[event.order_id] = [event.sequence]
        elif isinstance(event, OrderChange):
            for order_id in order_ids_of(event):
                expected[order_id].append(event.sequence)
    assert len(expected) > 500
    for order_id, sequences in list(expected.items())[:: 3 if projected == "all" else 11]:
        story = story_read(order_id, journal=Journal(0))
        assert story is not None
        assert [told.event.sequence for told in story.events] == sequences
        assert (story.submit.id, story.submit.account) == (story.first.id, story.first.account)


def test_revisions_are_noted_exactly_and_the_audit_sees_one_that_is_not(databases: str) -> None:
    journal_fill(900)
    follow()
    expected = [(e.sequence, e.order_id, e.account) for e in everything() if isinstance(e, OrderAmended | OrderReduced)]
    assert len(expected) > 20
    assert [each for rows in Journal(0).chunks(0) for row in rows for each in revisions_of(row.events)] == expected
    assert (
        list(OrderRevision.objects.order_by("sequence").values_list("sequence", "order_id", "account_id")) == expected
    )
    assert audit(0).violation is None
    call_command("rebuild_projection")
    assert audit(0).violation is None
    OrderRevision.objects.filter(sequence=expected[7][0]).delete()
    assert audit(0).violation is not None
    assert audit(0).violation.sequence == expected[7][0]  # type: ignore[union-attr]


@pytest.mark.parametrize("rows_a_step", [2, 10_000])
def test_simulated_orders_have_the_same_story_whatever_has_left_the_tables(sqlite: object, rows_a_step: int) -> None:
    journal_fill(600)
    follow()
    Account.objects.filter(id__in=TRADERS).update(simulated=True)
    before = {
        order_id: story_read(order_id, journal=Journal(0)) for order_id in Order.objects.values_list("id", flat=True)
    }
    keeper, halfway = ShardRetention(0, keep_ns=0, step_rows=rows_a_step), 0
    while keeper.step():
        place = Retention.objects.get(shard=0)
        for order_id in Order.objects.filter(sequence=place.sequence + 1).values_list("id", flat=True):
            if place.within and halfway < 20:
                halfway += 1
                assert story_read(order_id, journal=Journal(0)) == before[order_id]
    assert (halfway > 5) == (rows_a_step == 2)
    assert Order.objects.count() < len(before) // 2
    assert audit(0).violation is None
    for order_id, story in list(before.items())[::7]:
        assert story_read(order_id, journal=Journal(0)) == story


def test_a_simulated_order_that_rests_for_long_is_read_by_its_revisions_alone(
    engine: rust.Engine,
) -> None:
    (rung,) = entered(engine, order(A, Side.SELL, 15_500, 3))
    for number in range(60):
        entered(engine, order(B, Side.BUY, 14_000, 1, n=number))
        if number % 20 == 10:
            entered(engine, AmendOrder(account=A, order_id=rung, price=15_500 + number, quantity=None))
    follow()
    Account.objects.filter(id__in=TRADERS).update(simulated=True)
    keeper = ShardRetention(0, keep_ns=0)
    while keeper.step():
        pass
    assert Retention.objects.get(shard=0).sequence > 60
    connection = CountedConnection()

    story = story_read(rung, journal=Journal(0, connection=connection))

    assert story is not None
    assert [type(told.event) for told in story.events] == [OrderAccepted, *[OrderAmended] * 3]
    # Its four batches, and the journal's last.
    assert sum(connection.rows_read) <= 5


def test_an_order_that_traded_and_rested_is_told(engine: rust.Engine) -> None:
    entered(engine, order(A, Side.SELL, 15_005, 3), order(B, Side.SELL, 15_005, 2), order(B, Side.SELL, 15_010, 9))
    (taker,) = entered(engine, order(C, Side.BUY, 15_005, 8))
    entered(engine, AmendOrder(account=C, order_id=taker, price=None, quantity=7))
    entered(engine, order(A, Side.SELL, 15_005, 1))
    entered(engine, CancelOrder(account=C, order_id=taker))
    follow()
    told = json.loads(json.dumps(as_json(explain(taker, shard=0))))

    assert told["book"]["asks"] == [["150.05", "5", 2], ["150.1", "9", 1]]
    assert told["book"]["bids"] == []
    assert [event["event"] for event in told["events"]] == ["accepted", "fill", "fill", "amended", "fill", "canceled"]
    assert told["why"] == [
        "When it came the best ask was 150.05, with 5 of 2 orders.",
        "It traded 5 at once, at 150.05, with 2 orders.",
        "3 rested at 150.05, first there.",
        "Later it was amended or reduced 1 time.",
        "Later it traded 1 in 1 trade.",
        "It ended with 1 canceled: canceled by its owner (user_requested).",
    ]
    assert told["order"]["status"] == "canceled"


def test_why_an_order_did_not_trade_is_told(engine: rust.Engine) -> None:
    (far,) = entered(engine, order(A, Side.BUY, 14_000, 5))
    entered(engine, order(B, Side.SELL, 15_000, 5))
    below, rejected, killed, market, batched = entered(
        engine,
        order(C, Side.BUY, 14_900, 5),
        order(C, Side.BUY, 15_000, 5, flags=FLAG_POST_ONLY),
        order(C, Side.BUY, 15_000, 9, tif=TimeInForce.FOK),
        order(
            C, Side.SELL, 0, 50, type=OrderType.MARKET, tif=TimeInForce.IOC, n=1, stp=SelfTradePrevention.CANCEL_NEWEST
        ),
        Batch(account=A, atomic=False, members=[CancelOrder(account=A, order_id=far), order(A, Side.BUY, 14_901, 4)]),
    )
    follow()

    def why(order_id: int) -> str:
        return " ".join(explain(order_id, shard=0).why)

    assert "there was no ask" in why(far)
    assert "its price, 149, was below that" in why(below)
    assert "5 rested at 149, first there" in why(below)
    assert "It was refused" in why(rejected)
    assert "post_only_would_cross" in why(rejected)
    assert "9 canceled: could not be filled at once and in full (fill_or_kill)" in why(killed)
    assert "self_trade_prevention" in why(market)
    # The batch's own cancel came before the order that followed it.
    book = explain(batched, shard=0).book
    assert [level[0] for level in book.bids] == ["149"]


def test_a_reduction_is_told(engine: rust.Engine) -> None:
    # Accounts 5 and 6 are of one group.
    (maker,) = entered(engine, order(5, Side.SELL, 15_000, 9, stp=DECREMENT))
    entered(engine, order(6, Side.BUY, 15_000, 4, stp=DECREMENT))
    follow()
    assert [event.text for event in explain(maker, shard=0).events][1:] == [
        "reduced by 4 instead of trading with its own group, 5 left"
    ]


def test_the_command_tells_it_as_text_and_as_json(engine: rust.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    (order_id,) = entered(engine, order(A, Side.SELL, 15_005, 3))
    follow()
    call_command("explain", str(order_id))
    said = capsys.readouterr().out
    assert f"order {order_id}" in said
    assert "3 rested at 150.05, first there." in said
    call_command("explain", str(order_id), json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(as_json(explain(order_id, shard=0))))


def test_an_owner_is_told_the_same_as_an_operator(engine: rust.Engine) -> None:
    entered(engine, order(A, Side.SELL, 15_005, 3))
    (order_id,) = entered(engine, Batch(account=B, atomic=False, members=[order(B, Side.BUY, 15_005, 8)]))
    follow()
    row, reference = Order.objects.get(id=order_id), references.read_id(AAPL_USD)
    assert reference is not None
    told = explain(order_id, shard=0)

    life = order_life(row, reference)

    assert (life.command, life.book, life.why) == (told.command, told.book, told.why)
    assert told.command.in_batch
    assert told.why[1] == "It traded 3 at once, at 150.05, with 1 order."
    assert order_life(row, reference) is life
    # The journal has more than the tables: the owner is told what the tables have.
    entered(engine, CancelOrder(account=B, order_id=order_id))
    assert order_life(row, reference) is life
    assert len(explain(order_id, shard=0).why) == len(told.why) + 1
    follow()
    row.refresh_from_db()
    assert order_life(row, reference).why == explain(order_id, shard=0).why

    of_many = order_life(row, reference, events_max=2)
    assert (of_many.command, of_many.book, of_many.why) == (told.command, told.book, None)


@pytest.mark.parametrize("given", ["0", "-1", "abc", "12345", str(2**62), str(2**63), ""])
def test_an_order_that_is_not_there_is_one_line(engine: rust.Engine, given: str) -> None:
    with pytest.raises(CommandError, match=r"the journal has no order|is no order's id"):
        call_command("explain", given)


def test_an_empty_journal_has_no_order(sqlite: object) -> None:
    with pytest.raises(NoSuchOrderError):
        explain(1 << 20, shard=0)
