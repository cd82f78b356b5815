"""From a command's events to its answer."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from apps.marketdata.reference import reference_of, references
from apps.orders.codes import Liquidity
from apps.orders.entry.fast_answer import taken_text
from apps.orders.entry.order_cache import order_terms
from apps.orders.events import (
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderRejected,
    OrdersCanceled,
    Trade,
)
from apps.orders.lifecycle import TERMINAL
from apps.orders.reasons import Reason
from apps.orders.selectors import orders_current, shard
from apps.orders.services import Outcome, outcome_of
from apps.orders.shapes import ORDERS_ANSWERED_MAX, STATUS_NAMES, OrdersAnswer, order_answer, order_body
from apps.orders.state import FillState, OrderChange, OrderState, OrderTerms, fill_of, order_ids_of
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import JournalPlace, token_of
from cift.orderservice.performing import first_answer
from cift.processes.threads import database_call
from cift.times import clock_ns, time_format
from cift.wire.outcomes import CommandDuplicate, CommandRejected

_REASONS_OF_MEMBERS = frozenset({Reason.USER_REQUESTED, Reason.AMENDED_BELOW_FILLED})
"""A cancel for one of these is a command's own first event; for another it is a consequence."""


RESOLVE_MARGIN_NS = 1_000_000_000
"""Added to a deadline before a look-up's no is final: clocks of different machines differ."""

_UNREAD = frozenset({"projection_behind", "database_busy"})
"""What may be in the way of an answer though what it is to tell is done."""


class Answer(NamedTuple):
    """What a request is answered with: an HTTP status and a body."""

    status: int
    body: msgspec.Struct | dict[str, Any] | msgspec.Raw


def token_at(outcome: Outcome) -> str:
    """Return the consistency token of an outcome."""
    return token_of(JournalPlace(shard=shard(), number=outcome.number))


def refusal(event: OrderRejected | CommandRejected) -> ApplicationError:
    """Return the error a refusal is answered with."""
    extra: dict[str, object] = {"sequence": event.sequence}
    if event.id:
        extra["client_order_id"] = event.id
    if isinstance(event, OrderRejected):
        extra["id"] = str(event.order_id)
    return ApplicationError(event.reason.code, extra=extra)


def resolve_tell(error: ApplicationError, deadline: int) -> None:
    """Add to an unknown outcome from when on a look-up is final."""
    if error.code == "outcome_unknown":
        error.extra["resolve_after"] = time_format(deadline - clock_ns.lead_ns + RESOLVE_MARGIN_NS)


@contextmanager
def done_told(outcome: Outcome) -> Iterator[None]:
    """Say of an answer that cannot be read that the command is done, and what a later read is to see.

    Raises:
        ApplicationError: what was raised within.

    """
    try:
        yield
    except ApplicationError as error:
        if error.code in _UNREAD:
            error.detail = "It is done; how it stands now could not be read in time."
            error.extra |= {"sequence": outcome.events[-1].sequence, "consistency_token": token_at(outcome)}
        raise


async def submitted(outcome: Outcome) -> Answer:
    """Answer a new order.

    Raises:
        ApplicationError: the reason it was refused for; `duplicate_client_order_id`.

    """
    status = HTTPStatus.CREATED
    if isinstance(first := outcome.events[0], CommandDuplicate):
        outcome, status = await first_outcome(first), HTTPStatus.OK
    if isinstance(first := outcome.events[0], OrderAccepted):
        with done_told(outcome):
            await reference_of(first.instrument)
    answer = submitted_now(outcome, status=status)
    if answer is None:
        raise ApplicationError("duplicate_client_order_id", extra={"client_order_id": getattr(first, "id", "")})
    return answer


def submitted_now(outcome: Outcome, *, status: HTTPStatus = HTTPStatus.CREATED) -> Answer | None:
    """Answer a new order from what is in memory; None: that does not do, `submitted` is to answer.

    Raises:
        ApplicationError: the reason it was refused for.

    """
    first = outcome.events[0]
    if isinstance(first, OrderRejected | CommandRejected):
        raise refusal(first)
    reference = references.by_id(first.instrument) if isinstance(first, OrderAccepted) else None
    if reference is None or not isinstance(first, OrderAccepted):
        return None
    state = OrderState.of_event(first, at=outcome.at)
    fills = applied(state, outcome.events[1:], at=outcome.at)
    return Answer(status, order_answer(state, reference, fills=fills, consistency_token=token_at(outcome)))


def taken(outcome: Outcome) -> Answer | None:
    """Answer a plain order that was taken, as text; None: `submitted_now` is to answer."""
    first = outcome.events[0]
    reference = references.by_id(first.instrument) if isinstance(first, OrderAccepted) else None
    if reference is None or not isinstance(first, OrderAccepted):
        return None
    text = taken_text(first, outcome.events[1:], reference, at=outcome.at, token=token_at(outcome))
    return None if text is None else Answer(HTTPStatus.CREATED, text)


async def first_outcome(duplicate: CommandDuplicate) -> Outcome:
    """Read what an order of a repeated id was answered the first time, alone or in a batch.

    Raises:
        ApplicationError: `duplicate_client_order_id`; `outcome_unknown`: the journal cannot be read.

    """
    whole = await first_whole_outcome(duplicate)
    for events in members_split(whole.events):
        if events[0].sequence == duplicate.first_sequence:
            return msgspec.structs.replace(whole, events=events)
    raise ApplicationError("outcome_unknown", "The first answer cannot be read.")


async def first_whole_outcome(duplicate: CommandDuplicate) -> Outcome:
    """Read all that the command came to whose id is repeated.

    Raises:
        ApplicationError: `duplicate_client_order_id`; `outcome_unknown`: the journal cannot be read.

    """
    if not duplicate.same_payload:
        raise ApplicationError(
            "duplicate_client_order_id", extra={"client_order_id": duplicate.id, "sequence": duplicate.sequence}
        )
    return outcome_of(await first_answer(duplicate.first_sequence))


def applied(state: OrderState, events: Sequence[AnyEvent], *, at: int) -> list[FillState]:
    """Move an order on by a command's events, and give the fills it took."""
    fills: list[FillState] = []
    for event in events:
        if isinstance(event, OrderChange) and state.id in order_ids_of(event):
            state.apply(event, at=at)
            if isinstance(event, Trade):
                fills.append(fill_of(event, liquidity=Liquidity.TAKER, at=at))
    return fills


def members_split(events: Sequence[AnyEvent]) -> list[tuple[AnyEvent, ...]]:
    """Cut the events of a section apart by the commands that caused them; a lone command gives one part."""
    parts: list[list[AnyEvent]] = []
    for event in events:
        if _begins(event) or not parts:
            parts.append([])
        parts[-1].append(event)
    return [tuple(part) for part in parts]


def _begins(event: AnyEvent) -> bool:
    if isinstance(event, OrderCanceled):
        return event.reason in _REASONS_OF_MEMBERS
    return isinstance(event, OrderAccepted | OrderRejected | OrderAmended | CommandDuplicate | CommandRejected)


def order_remember(events: Sequence[AnyEvent], *, at: int) -> None:
    """Remember a new order by its command's events, so that its changes can be answered; one that ended has none."""
    first, last = events[0], events[-1]
    if not isinstance(first, OrderAccepted):
        return
    if isinstance(last, Trade) and not last.taker_leaves:
        return
    if isinstance(last, OrderCanceled) and last.order_id == first.order_id:
        return
    order_terms.put(first, at=at)


async def changed(
    outcome: Outcome, *, account: int, order_id: int, known: Mapping[int, OrderTerms] | None = None
) -> Answer:
    """Answer an amend or a cancel of one order as its events leave it; `known`: terms that have been found already.

    Raises:
        ApplicationError: the reason it was refused for; `not_found`, `order_terminal`; what `done_told` says is done.

    """
    first = outcome.events[0]
    if isinstance(first, CommandRejected):
        if first.reason is Reason.ORDER_UNKNOWN:
            raise await order_missing(account=account, order_id=order_id)
        raise refusal(first)
    if not isinstance(first, OrderCanceled | OrderAmended):
        raise ApplicationError("internal")
    with done_told(outcome):
        terms = (await order_terms.find([first.order_id]) if known is None else known).get(first.order_id)
        if terms is None:
            raise ApplicationError("projection_behind")
        reference = await reference_of(first.instrument)
    state = OrderState.of_change(first, terms, at=outcome.at)
    fills = applied(state, outcome.events[1:], at=outcome.at)
    if state.status in TERMINAL:
        order_terms.drop(state.id)
    return Answer(HTTPStatus.OK, order_answer(state, reference, fills=fills, consistency_token=token_at(outcome)))


async def order_missing(*, account: int, order_id: int) -> ApplicationError:
    """Return why an order cannot be changed: it has ended, or it is not there for this account."""
    state = (await database_call(orders_current, [order_id])).get(order_id) if order_id else None
    if state is None or state.account != account or state.status not in TERMINAL:
        return ApplicationError("not_found", "There is no such order.")
    name = STATUS_NAMES[state.status]
    return ApplicationError(
        "order_terminal",
        f"The order is {name}.",
        extra={"id": str(state.id), "client_order_id": state.client_order_id, "order_status": name},
    )


async def orders_done(outcome: Awaitable[Outcome]) -> Answer:
    """Answer a mass cancel with how many orders it has ended, and the first of them.

    Raises:
        ApplicationError: the reason it was refused for; what `done_told` says is done.

    """
    done = await outcome
    last = done.events[-1]
    if not isinstance(last, OrdersCanceled):
        raise refusal(last) if isinstance(last, CommandRejected) else ApplicationError("internal")
    canceled = [event for event in done.events if isinstance(event, OrderCanceled)]
    told = canceled[:ORDERS_ANSWERED_MAX]
    with done_told(done):
        known = await order_terms.find([event.order_id for event in told])
        if len(known) < len(told):
            raise ApplicationError("projection_behind")
        results = []
        for event in told:
            state = OrderState.of_change(event, known[event.order_id], at=done.at)
            results.append(order_body(state, await reference_of(state.instrument)))
    for event in canceled:
        order_terms.drop(event.order_id)
    token = token_at(done)
    return Answer(
        HTTPStatus.OK, OrdersAnswer(count=last.count, more=last.more, results=results, consistency_token=token)
    )
