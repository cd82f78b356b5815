"""The edge all orders enter by: a request's fields → a command → the bus → an answer.

REST, sockets and programs over plain HTTP share it, so each case has one answer whichever way it came. An operation
reads the request and sends its command; what it returns then waits for the answer. Who has several to send, sends them
in order without waiting for the answers in between.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from apps.marketdata.reference import reference_of
from apps.orders.commands import AmendOrder, Batch, BatchMember, CancelOrder, SubmitOrder
from apps.orders.entry.answers import (
    Answer,
    changed,
    order_remember,
    orders_done,
    resolve_tell,
    submitted,
    submitted_now,
    taken,
)
from apps.orders.entry.batches import Refused, batch_done, batch_unsent
from apps.orders.entry.order_cache import order_terms
from apps.orders.entry.reading import amend_read, batch_read, cancel_all_read, cancel_read, submit_read
from apps.orders.selectors import id_find, orders_current
from apps.orders.services import Outcome, order_command_send, outcome_of
from apps.orders.shapes import order_body
from cift.errors.application import ApplicationError
from cift.logs.context import LogContext, log_note
from cift.orderservice.performing import command_send_with_callback
from cift.processes.threads import database_call
from cift.ratelimits import Standing, rate_limits
from cift.wire.base import BATCH_MEMBERS_MAX, Reply
from cift.wire.outcomes import CommandRejected

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request whose command is on its way; `answer`, called once, waits for what it came to.

    Raises (when the answer is awaited):
        ApplicationError: what the request is answered with instead.

    """

    answer: Callable[[], Awaitable[Answer]]


class Operation(Protocol):
    """Reads a request of an account and sends its command.

    Raises:
        ApplicationError: what the request is answered with; nothing was sent.

    """

    async def __call__(self, given: Any, *, account: int, at: int) -> Sent:
        """Do so; `at`: the time in ns."""


Submitted = Answer | ApplicationError | Awaitable[Answer]
"""What a plain order is answered, or what awaits that where the journal must be read."""


async def perform(operation: Operation, given: Any, *, account: int, at: int) -> Answer:
    """Do an operation and wait for its answer.

    Raises:
        ApplicationError: what the request is answered with instead.

    """
    sent = await operation(given, account=account, at=at)
    return await sent.answer()


def rate_limit_consume(given: Any, *, user: int) -> Standing:
    """Take a user's place for an operation; a batch takes one for each of its commands.

    Raises:
        ApplicationError: `rate_limited`.

    """
    members = given.get("orders") if isinstance(given, dict) else None
    weight = min(max(len(members), 1), BATCH_MEMBERS_MAX) if isinstance(members, list) else 1
    return rate_limits.take("orders-account", str(user), weight=weight)


def rate_limit_check(*, user: int) -> None:
    """Take a user's place for one order, as `rate_limit_consume` does, where nobody is told how they stand.

    Raises:
        ApplicationError: `rate_limited`.

    """
    rate_limits.check("orders-account", str(user))


async def order_submit(given: Any, *, account: int, at: int) -> Sent:
    """Enter an order."""
    order = await submit_read(given, account=account, at=at)
    log_note(order_id=order.id)
    return Sent(partial(_submit_answer, order, order_command_send(order)))


async def order_amend(given: Any, *, account: int, at: int) -> Sent:
    """Change an open order."""
    amend = await amend_read(given, account=account, at=at)
    log_note(order_id=amend.order_id)
    return Sent(partial(_amend_answer, amend, order_command_send(amend)))


async def order_cancel(given: Any, *, account: int, at: int) -> Sent:
    """Cancel an order by its id or the client's."""
    cancel = cancel_read(given, account=account, at=at)
    log_note(order_id=cancel.order_id or cancel.id)
    return Sent(partial(_cancel_answer, cancel, order_command_send(cancel)))


async def order_cancel_all(given: Any, *, account: int, at: int) -> Sent:
    """Cancel all orders that fit."""
    cancel = await cancel_all_read(given, account=account, at=at)
    return Sent(partial(orders_done, _known(order_command_send(cancel), cancel.deadline, {})))


async def order_batch(given: Any, *, account: int, at: int) -> Sent:
    """Apply several commands in order."""
    batch, refused = await batch_read(given, account=account, at=at)
    if not batch.members:
        return Sent(partial(_ready, batch_unsent(refused)))
    return Sent(partial(_batch_answer, batch, refused, order_command_send(batch)))


OPERATIONS: Mapping[str, Operation] = {
    "order.submit": order_submit,
    "order.amend": order_amend,
    "order.cancel": order_cancel,
    "order.cancel_all": order_cancel_all,
    "order.batch": order_batch,
}
"""By the names they have on a socket."""


async def order_resolve(client_order_id: str, *, account: int) -> Answer:
    """Look an order up by the client's id, as the writer knows it: behind a command's deadline a no is final.

    Raises:
        ApplicationError: `not_found`; `venue_unavailable`, `overloaded`.

    """
    found = await id_find(account=account, client_order_id=client_order_id)
    if found.order_id:
        state = (await database_call(orders_current, [found.order_id])).get(found.order_id)
        if state is not None:
            return Answer(HTTPStatus.OK, order_body(state, await reference_of(state.instrument)))
    raise ApplicationError("not_found", "There is no such order.")


async def _submit_answer(order: SubmitOrder, outcome: Awaitable[Outcome]) -> Answer:
    try:
        done = await outcome
        order_remember(done.events, at=done.at)
        return await submitted(done)
    except ApplicationError as error:
        # The first answer may be what is not known: it is looked up like this one's own.
        resolve_tell(error, order.deadline)
        _name(error, order)
        raise


def order_submit_with_callback(order: SubmitOrder, callback: Callable[[Submitted], None]) -> None:
    """Enter a plain order (see `fast_order`); callbacks are called once each, in the order they were given in."""
    command_send_with_callback(order, lambda reply: callback(_plain_answer(order, reply)))


def _plain_answer(order: SubmitOrder, reply: Reply | ApplicationError) -> Submitted:
    if isinstance(reply, ApplicationError):
        resolve_tell(reply, order.deadline)
        return _name(reply, order)
    try:
        done = outcome_of(reply)
        answer = taken(done) or submitted_now(done)
    except ApplicationError as error:
        return _name(error, order)
    except Exception:
        # Whatever it was, the request gets its one answer.
        with LogContext(account=order.account, order_id=order.id):
            logger.exception("a reply could not be decoded")
        return ApplicationError("internal")
    if answer is None:
        return _submit_answer(order, _ready(done))
    order_remember(done.events, at=done.at)
    return answer


def _name(error: ApplicationError, order: SubmitOrder) -> ApplicationError:
    error.extra = {"client_order_id": order.id, **error.extra}
    return error


async def _ready(there: T) -> T:
    return there


async def _cancel_answer(cancel: CancelOrder, outcome: Awaitable[Outcome]) -> Answer:
    done = await _known_of(cancel, outcome)
    order_id = cancel.order_id
    if not order_id and isinstance(done.events[0], CommandRejected):
        order_id = (await id_find(account=cancel.account, client_order_id=cancel.id)).order_id
    return await changed(done, account=cancel.account, order_id=order_id)


async def _amend_answer(amend: AmendOrder, outcome: Awaitable[Outcome]) -> Answer:
    return await changed(await _known_of(amend, outcome), account=amend.account, order_id=amend.order_id)


async def _batch_answer(batch: Batch, refused: Refused, outcome: Awaitable[Outcome]) -> Answer:
    ids = [member.id for member in batch.members if isinstance(member, SubmitOrder)]
    try:
        done = await _known(outcome, batch.deadline, {"client_order_ids": ids})
    except ApplicationError as error:
        if error.code == "outcome_unknown":
            error.extra["client_order_ids"] = await _ids_to_look_up(batch.members)
        raise
    return await batch_done(batch, done, refused)


async def _known_of(command: AmendOrder | CancelOrder, outcome: Awaitable[Outcome]) -> Outcome:
    """Wait for what became of one order's change; where it is not known, name the id the order is looked up by."""
    named = {"id": str(command.order_id)} if command.order_id else {}
    if isinstance(command, CancelOrder) and command.id:
        named["client_order_id"] = command.id
    try:
        return await _known(outcome, command.deadline, named)
    except ApplicationError as error:
        if error.code == "outcome_unknown" and (ids := await _ids_to_look_up([command])):
            error.extra["client_order_id"] = ids[0]
        raise


async def _ids_to_look_up(commands: Sequence[BatchMember]) -> list[str]:
    """Return the ids the orders of an account's commands are looked up by, as far as memory and tables tell them."""
    others = [command.order_id for command in commands if not isinstance(command, SubmitOrder) and command.order_id]
    try:
        found = await order_terms.find(others)
    except ApplicationError:
        found = {}
    ids = []
    for command in commands:
        if isinstance(command, SubmitOrder) or not command.order_id:
            ids.append(getattr(command, "id", ""))
        elif (terms := found.get(command.order_id)) is not None and terms.account == command.account:
            ids.append(terms.client_order_id)
    return ids


async def _known(outcome: Awaitable[Outcome], deadline: int, named: Mapping[str, Any]) -> Outcome:
    """Wait for an outcome; where it is not known, tell from when on a look-up is final.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    try:
        return await outcome
    except ApplicationError as error:
        error.extra = {**named, **error.extra}
        resolve_tell(error, deadline)
        raise
