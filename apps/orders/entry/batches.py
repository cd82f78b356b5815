"""The answer to a batch: one for each of its commands, in order."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, cast

import msgspec

from apps.orders.commands import Batch, BatchMember, SubmitOrder
from apps.orders.entry.answers import (
    Answer,
    changed,
    first_whole_outcome,
    members_split,
    order_remember,
    refusal,
    resolve_tell,
    submitted,
    token_at,
)
from apps.orders.entry.order_cache import order_terms
from apps.orders.events import AnyEvent, BatchDone, OrderAmended, OrderCanceled
from apps.orders.reasons import Reason
from apps.orders.selectors import id_find
from apps.orders.services import Outcome
from apps.orders.shapes import OrderAnswer
from apps.orders.state import OrderTerms
from cift.errors.application import ApplicationError
from cift.errors.problems import error_of
from cift.texts import TokenText
from cift.wire.outcomes import CommandDuplicate, CommandRejected

ITEMS_PER_TURN = 16
"""So many commands of a batch are answered in one turn of the event loop; then others get theirs."""

ErrorText = Annotated[dict[str, Any], msgspec.Meta(description="`code`, `detail`, and what the code brings besides.")]


class BatchItem(msgspec.Struct, gc=False):
    """What one command of a batch was answered: an order, or an error."""

    status: int
    order: OrderAnswer | None
    error: ErrorText | None


class BatchAnswer(msgspec.Struct, gc=False):
    """What each command of a batch was answered, in order; without a token where none of them was sent."""

    results: list[BatchItem]
    consistency_token: TokenText | None


Refused = Mapping[int, ApplicationError]
"""The errors of commands that were not sent, by their places among all of a batch."""


def batch_unsent(refused: Refused) -> Answer:
    """Answer a batch none of whose commands was sent."""
    results = [_refused_item(error) for _, error in sorted(refused.items())]
    return Answer(HTTPStatus.OK, BatchAnswer(results=results, consistency_token=None))


async def batch_done(batch: Batch, outcome: Outcome, refused: Refused) -> Answer:
    """Answer a batch, those of its commands that were not sent in their places; one sent before as it was then.

    Raises:
        ApplicationError: the reason the whole batch was refused for; `duplicate_client_order_id`; `outcome_unknown`:
            what it came to the first time cannot be read.

    """
    last = outcome.events[-1]
    repeated = isinstance(last, CommandDuplicate)
    if isinstance(last, CommandDuplicate):
        outcome = await first_whole_outcome(last)
        last = outcome.events[-1]
    if not isinstance(last, BatchDone):
        raise _refused(outcome.events)
    parts = members_split(outcome.events[:-1])
    if not repeated:
        for events in parts:
            order_remember(events, at=outcome.at)
    known = await _changed_orders(parts)
    results = []
    for member, events in zip(batch.members, parts, strict=True):
        item = await _item(member, msgspec.structs.replace(outcome, events=events), known)
        if repeated and item.order is not None:
            item.status = HTTPStatus.OK
        results.append(item)
        if len(results) % ITEMS_PER_TURN == 0:
            # Others get their turn.
            await asyncio.sleep(0)
    for place, error in sorted(refused.items()):
        results.insert(place, _refused_item(error))
    return Answer(HTTPStatus.OK, BatchAnswer(results=results, consistency_token=token_at(outcome)))


async def _changed_orders(parts: Sequence[Sequence[AnyEvent]]) -> Mapping[int, OrderTerms] | None:
    """Find the terms of all orders a batch amended or canceled in one go: one by one would cost a query each.

    None: they cannot be read now. The batch is done all the same, so each of these members is answered for itself.
    """
    ids = [part[0].order_id for part in parts if isinstance(part[0], OrderAmended | OrderCanceled)]
    try:
        return await order_terms.find(ids)
    except ApplicationError:
        return None


def _refused(events: Sequence[AnyEvent]) -> ApplicationError:
    """Name the reason of the batch, and of the member that caused it."""
    last = events[-1]
    if not isinstance(last, CommandRejected):
        return ApplicationError("internal")
    error = refusal(last)
    if last.reason is Reason.BATCH_MEMBER_REFUSED:
        member = events[0]
        error.extra["reason"] = getattr(member, "reason", last.reason).code
        if client_order_id := getattr(member, "id", ""):
            error.extra["client_order_id"] = client_order_id
    return error


async def _item(member: BatchMember, outcome: Outcome, known: Mapping[int, OrderTerms] | None) -> BatchItem:
    try:
        answer = await _answer(member, outcome, known)
    except ApplicationError as error:
        resolve_tell(error, member.deadline)
        if isinstance(member, SubmitOrder):
            error.extra = {"client_order_id": member.id, **error.extra}
        return _refused_item(error)
    return BatchItem(status=answer.status, order=cast("OrderAnswer", answer.body), error=None)


def _refused_item(error: ApplicationError) -> BatchItem:
    return BatchItem(status=error.status, order=None, error=error_of(error))


async def _answer(member: BatchMember, outcome: Outcome, known: Mapping[int, OrderTerms] | None) -> Answer:
    if isinstance(member, SubmitOrder):
        return await submitted(outcome)
    order_id = member.order_id
    if not order_id and isinstance(outcome.events[0], CommandRejected):
        order_id = (await id_find(account=member.account, client_order_id=getattr(member, "id", ""))).order_id
    return await changed(outcome, account=member.account, order_id=order_id, known=known)
