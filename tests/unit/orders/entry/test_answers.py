"""An answer made of a change's own events and remembered terms is the one the whole journal folds to."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
import pytest

from apps.marketdata.codes import Side
from apps.marketdata.reference import InstrumentReference, references
from apps.orders.codes import Liquidity, OrderType, TimeInForce
from apps.orders.commands import AmendOrder, Batch, CancelOrder, CancelOrders, OpenEpoch, OpenVenue, SubmitOrder
from apps.orders.entry import answers, order_cache
from apps.orders.entry.answers import changed, members_split, order_remember, orders_done, submitted, token_at
from apps.orders.entry.batches import BatchAnswer, batch_done
from apps.orders.entry.order_cache import TermsCache
from apps.orders.events import (
    AnyEvent,
    BatchDone,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    Trade,
    section_decode,
)
from apps.orders.matching import engine as rust
from apps.orders.services import Outcome
from apps.orders.shapes import order_answer, order_body
from apps.orders.state import OrderChange, OrderState, OrderTerms, fill_of, order_ids_of
from cift.errors.application import ApplicationError
from cift.wire.base import Command
from cift.wire.outcomes import CommandRejected
from tests.support.shard import AAPL_USD, BTC_USD, IDS_KEY, T0, TRADERS, Flow, events_of, frame_of, opening

REFERENCES = {
    AAPL_USD: InstrumentReference(
        id=AAPL_USD, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=2
    ),
    BTC_USD: InstrumentReference(
        id=BTC_USD, symbol="BTC-USD", base="BTC", quote="USD", price_scale=2, base_scale=8, quote_scale=2
    ),
}


class Fold:
    """Every order as all events of the journal leave it: what an answer was read from, event by event."""

    def __init__(self) -> None:
        self.states: dict[int, OrderState] = {}

    def take(self, events: Sequence[AnyEvent], at: int) -> None:
        for event in events:
            if isinstance(event, OrderAccepted | OrderRejected):
                self.states[event.order_id] = OrderState.of_event(event, at=at)
            elif isinstance(event, OrderChange):
                for order_id in order_ids_of(event):
                    self.states[order_id].apply(event, at=at)

    def terms(self, order_ids: Sequence[int]) -> dict[int, OrderTerms]:
        """Read as the tables would, for an order that is not in memory."""
        found = {}
        for order_id in order_ids:
            state = self.states[order_id]
            found[order_id] = OrderTerms.of(state, client_order_id=state.client_order_id, created_at=state.created_at)
        return found


def commands_done(commands: int, *, seed: int) -> Iterator[tuple[Command, Outcome]]:
    """Apply random commands to an engine of their own, each with its outcome."""
    engine, flow = rust.engine_new(), Flow(seed)
    waiting: list[Command] = [OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()]
    left = commands
    while waiting or left > 0:
        batch, waiting = waiting or flow.commands(20), []
        left -= len(batch)
        made = engine.apply(frame_of(*batch), number=engine.number + 1, at=max(T0, engine.at) + 1_000_000)
        for command, section in zip(batch, rust.sections(made.events), strict=False):
            events = tuple(section_decode(section))
            flow.see(iter(events))
            yield command, Outcome(number=made.number, at=made.at, events=events)


@pytest.fixture
def fold() -> Iterator[Fold]:
    references.keep(REFERENCES.values())
    yield Fold()
    references.forget()


async def told(command: Command, outcome: Outcome) -> Any:
    """Answer a command as an edge does."""
    match command:
        case SubmitOrder():
            order_remember(outcome.events, at=outcome.at)
            return (await submitted(outcome)).body
        case CancelOrder() | AmendOrder():
            return (await changed(outcome, account=command.account, order_id=command.order_id)).body
        case CancelOrders():
            return (await orders_done(asyncio.sleep(0, outcome))).body
        case Batch():
            return (await batch_done(command, outcome, {})).body
    raise AssertionError(command)


def body_of(fold: Fold, events: Sequence[AnyEvent], outcome: Outcome) -> Any:
    """Write the answer to a command from the fold behind its events."""
    first = events[0]
    assert isinstance(first, OrderAccepted | OrderCanceled | OrderAmended)
    fills = [
        fill_of(event, liquidity=Liquidity.TAKER, at=outcome.at)
        for event in events
        if isinstance(event, Trade) and event.taker_order_id == first.order_id
    ]
    reference = REFERENCES[first.instrument]
    return order_answer(fold.states[first.order_id], reference, fills=fills, consistency_token=token_at(outcome))


def is_refused(events: Sequence[AnyEvent]) -> bool:
    return not isinstance(events[0], OrderAccepted | OrderCanceled | OrderAmended)


def same(answer: Any, expected: Any) -> None:
    assert msgspec.to_builtins(answer) == msgspec.to_builtins(expected)


def check_batch(fold: Fold, answer: BatchAnswer, outcome: Outcome) -> None:
    parts = members_split(outcome.events[:-1])
    for item, events in zip(answer.results, parts, strict=True):
        fold.take(events, outcome.at)
        if is_refused(events):
            assert item.error is not None
        else:
            same(item.order, body_of(fold, events, outcome))


def check(fold: Fold, command: Command, outcome: Outcome, met: Counter[str], *, run: Callable[[Any], Any]) -> None:
    """Hold one command's answer against the fold of all events so far."""
    done = isinstance(outcome.events[-1], BatchDone)
    orders = isinstance(command, SubmitOrder | CancelOrder | AmendOrder | CancelOrders) or done
    if not orders or (not done and isinstance(outcome.events[0], CommandRejected | OrderRejected)):
        fold.take(outcome.events, outcome.at)
        return
    answer = run(told(command, outcome))
    if isinstance(answer, BatchAnswer):
        check_batch(fold, answer, outcome)
        met["batch"] += 1
        return
    fold.take(outcome.events, outcome.at)
    if isinstance(command, CancelOrders):
        canceled = [fold.states[event.order_id] for event in outcome.events if isinstance(event, OrderCanceled)]
        assert (answer.count, answer.more) == (len(canceled), False)
        same(answer.results, [order_body(state, REFERENCES[state.instrument]) for state in canceled])
        met["mass cancel"] += len(canceled)
        return
    same(answer, body_of(fold, outcome.events, outcome))
    note(fold, outcome, met)


def note(fold: Fold, outcome: Outcome, met: Counter[str]) -> None:
    first = outcome.events[0]
    state = fold.states[first.order_id]  # type: ignore[union-attr]
    kind = type(first).__name__
    met[kind] += 1
    met[f"{kind}, filled"] += state.filled_quantity > 0
    met[f"{kind}, reduced"] += state.canceled_quantity > 0 and not isinstance(first, OrderCanceled)
    met["by quote amount"] += state.quote_amount > 0
    met["amended and traded"] += isinstance(first, OrderAmended) and len(outcome.events) > 1
    met["reduced"] += any(isinstance(event, OrderReduced) for event in outcome.events)


@pytest.mark.parametrize("orders_max", [order_cache.ORDERS_MAX, 3], ids=["in memory", "mostly evicted"])
def test_every_answer_is_what_the_journal_folds_to(
    fold: Fold, monkeypatch: pytest.MonkeyPatch, orders_max: int
) -> None:
    reads: list[int] = []
    met: Counter[str] = Counter()

    async def read(order_ids: AbstractSet[int]) -> dict[int, OrderTerms]:
        reads.extend(order_ids)
        return fold.terms(list(order_ids))

    cache = TermsCache(orders_max=orders_max, read=read)
    for module in ("answers", "batches", "order_cache"):
        monkeypatch.setattr(f"apps.orders.entry.{module}.order_terms", cache)
    # Why a batch's member was refused is read from the tables as ever.
    monkeypatch.setattr(answers, "database_call", _at_once)
    monkeypatch.setattr(answers, "orders_current", lambda order_ids: {each: fold.states[each] for each in order_ids})
    with asyncio.Runner() as runner:
        for seed in range(3):
            cache.forget()
            fold.states.clear()
            for command, outcome in commands_done(800, seed=seed):
                check(fold, command, outcome, met, run=runner.run)

    assert len(cache) <= orders_max
    assert bool(reads) == (orders_max < order_cache.ORDERS_MAX)
    wanted = {
        "OrderAccepted", "OrderAmended", "OrderAmended, filled", "OrderAmended, reduced", "OrderCanceled",
        "OrderCanceled, filled", "amended and traded", "batch", "by quote amount", "mass cancel", "reduced",
    }  # fmt: skip
    assert {name for name in wanted if not met[name]} == set(), "the flow never meets these"


async def _nowhere(_order_ids: AbstractSet[int]) -> dict[int, OrderTerms]:
    return {}


async def _at_once(read: Any, *arguments: Any) -> Any:
    return read(*arguments)


def test_an_order_amended_elsewhere_is_answered_as_it_is(fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process has done to an order is in the event, so terms remembered before it are still right."""
    ours = TermsCache()
    monkeypatch.setattr("apps.orders.entry.answers.order_terms", ours)
    ends: dict[int, tuple[OrderCanceled, Outcome]] = {}
    amended: set[int] = set()
    for _, outcome in commands_done(800, seed=9):
        for events in members_split(outcome.events):
            order_remember(events, at=outcome.at)
        fold.take(outcome.events, outcome.at)
        for event in outcome.events:
            if isinstance(event, OrderAmended):
                amended.add(event.order_id)
            if isinstance(event, OrderCanceled) and event.order_id in amended:
                ends[event.order_id] = event, outcome

    assert len(ends) > 10
    for order_id, (event, outcome) in ends.items():
        terms = ours.get(order_id)
        assert terms is not None
        assert OrderState.of_change(event, terms, at=outcome.at) == fold.states[order_id]


def test_a_mass_cancel_of_many_is_answered_with_their_number_and_the_first_of_them(fold: Fold) -> None:
    engine = rust.engine_new()
    begin: list[Command] = [OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()]
    engine.apply(frame_of(*begin), number=1, at=T0)
    rows = [engine.apply(frame_of(*resting(600)), number=2, at=T0 + 1)]
    rows += [engine.apply(frame_of(CancelOrders(account=TRADERS[0])), number=3, at=T0 + 2)]
    for events in members_split(list(events_of(rows[0]))):
        order_remember(events, at=rows[0].at)
    outcome = Outcome(number=3, at=rows[1].at, events=tuple(section_decode(rust.sections(rows[1].events)[0])))

    answer = asyncio.run(told(CancelOrders(account=TRADERS[0]), outcome))

    canceled = [str(event.order_id) for event in outcome.events if isinstance(event, OrderCanceled)]
    assert (answer.count, answer.more, len(canceled)) == (500, True, 500)
    assert [order.id for order in answer.results] == canceled[:100]
    assert all(order_cache.order_terms.get(int(order_id)) is None for order_id in canceled), (
        "what has ended is forgotten"
    )
    order_cache.order_terms.forget()


def resting(count: int) -> list[Command]:
    """Enter so many orders of the first trader that meet nobody."""
    return [
        SubmitOrder(
            account=TRADERS[0],
            id=f"many-{number}",
            instrument=AAPL_USD,
            side=Side.BUY,
            type=OrderType.LIMIT,
            tif=TimeInForce.GTC,
            price=100,
            quantity=1,
        )
        for number in range(count)
    ]


def test_terms_that_are_nowhere_leave_a_change_done_and_untold(fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.orders.entry.answers.order_terms", TermsCache(read=_nowhere))
    canceled = next(
        (command, outcome)
        for command, outcome in commands_done(200, seed=1)
        if isinstance(command, CancelOrder | CancelOrders) and isinstance(outcome.events[0], OrderCanceled)
    )
    with pytest.raises(ApplicationError) as caught:
        asyncio.run(told(*canceled))
    assert caught.value.code == "projection_behind"
    assert caught.value.extra["sequence"] == canceled[1].events[-1].sequence
