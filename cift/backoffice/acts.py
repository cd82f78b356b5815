"""An operator's act: written down, done through a service, and its end written down.

The record of what was asked is durable before the command leaves, so no act is in the journal alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect

from cift.backoffice.contracts import operator_sessions, recorders
from cift.errors.application import ApplicationError
from cift.errors.codes import CODES
from cift.logs.context import log_note
from cift.orderservice.consistency import JournalPlace
from cift.orderservice.journal import journal_reads
from cift.orderservice.performing import Performed
from cift.processes.threads import database_call
from cift.processes.turns import async_to_sync
from cift.times import clock_ns
from cift.wire.base import Event

DEADLINE_NS = 10_000_000_000
"""How long a command of the back office may be on its way: one later than this is refused, so no outcome stays open."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

E = TypeVar("E", bound=Event)
View = TypeVar("View", bound=Callable[..., Any])


class Actor(NamedTuple):
    """Who acts, and from where."""

    user: Any
    address: str
    request_id: str


VENUE = Actor(None, "", "")
"""The venue itself: it finishes what operators have decided."""


def actor_of(request: HttpRequest) -> Actor:
    """Say who asks, to the audit records and to the log."""
    log_note(user=request.user.pk)
    return Actor(request.user, request.META.get("REMOTE_ADDR") or "", getattr(request, "request_id", ""))


def record(
    actor: Actor,
    *,
    action: str,
    subject: str,
    outcome: str = "done",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **more: Any,
) -> int:
    """Append to the audit records, in the caller's transaction if there is one; give the record's number."""
    return recorders["default"].append(
        at=clock_ns(),
        actor=actor.user,
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        subject=subject,
        outcome=outcome,
        before=before,
        after=after,
        **more,
    )


def command_act(
    actor: Actor,
    *,
    action: str,
    subject: str,
    command: Callable[[], Awaitable[Performed[E]]],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Performed[E]:
    """Send a command of the back office, between the two records of it; waits, bounded, until the tables show it.

    Raises:
        ApplicationError: what the command raises.

    """
    asked = record(actor, action=action, subject=subject, outcome="asked", before=before, after=after)
    try:
        performed: Performed[E] = async_to_sync(_awaited)(command)
    except ApplicationError as error:
        record(actor, action=action, subject=subject, about=asked, **_refusal(error))
        raise
    record(actor, action=action, subject=subject, sequence=performed.event.sequence, about=asked)
    _shown(performed.number)
    return performed


async def command_acted(
    actor: Actor, *, action: str, subject: str, command: Callable[[], Awaitable[Performed[E]]], after: Mapping[str, Any]
) -> Performed[E]:
    """Send a command as `command_act` does, from the event loop; waits for no table.

    Raises:
        ApplicationError: what the command raises.

    """

    def write(**more: Any) -> int:
        return record(actor, action=action, subject=subject, **more)

    asked = await database_call(write, outcome="asked", after=after)
    try:
        performed = await command()
    except ApplicationError as error:
        await database_call(write, **_refusal(error), about=asked)
        raise
    await database_call(write, sequence=performed.event.sequence, about=asked)
    return performed


def _refusal(error: ApplicationError) -> dict[str, Any]:
    outcome = "unknown" if error.code == "outcome_unknown" else "refused"
    return {"outcome": outcome, "code": error.code, "sequence": error.extra.get("sequence", 0)}


def dangerous(act: View) -> View:
    """Declare an action of a table, or a page, dangerous: what is sent to it is done with a fresh second factor alone.

    A form of a table is dangerous without a word (`CommandAdmin.save_model`). Each action and page says `dangerous` or
    `harmless`; a test finds one that says neither.
    """

    @wraps(act)
    def guarded(*arguments: Any, **options: Any) -> Any:
        request = next(each for each in arguments if isinstance(each, HttpRequest))
        if request.method not in _SAFE:
            try:
                second_factor_require(request)
            except ApplicationError as error:
                tell(request, error)
                return HttpResponseRedirect(request.get_full_path())
        return act(*arguments, **options)

    guarded.is_dangerous = True  # type: ignore[attr-defined]
    return cast("View", guarded)


def harmless(act: View) -> View:
    """Declare an action of a table, or a page, harmless: it shows, or nobody loses anything by it."""
    act.is_dangerous = False  # type: ignore[attr-defined]
    return act


def second_factor_require(request: HttpRequest) -> None:
    """Refuse who has not lately shown a second factor, where the settings want one: for every dangerous act.

    Raises:
        ApplicationError: `forbidden`.

    """
    if not operator_sessions["default"].is_second_factor_fresh(request):
        raise ApplicationError("forbidden", "This needs your second factor: give it at /account/second-factor/ first.")


def words_of(error: ApplicationError) -> str:
    """Say an error in a sentence for an operator."""
    known = CODES.get(error.code)
    words = error.detail or (known.title if known else error.code)
    if error.code == "outcome_unknown":
        words = "No answer came in time: look whether it took effect before you do it again"
    return f"{words.rstrip('.')}."


def tell(request: HttpRequest, error: ApplicationError) -> None:
    """Show an error on the operator's next page."""
    messages.error(request, words_of(error))


def deadline() -> int:
    """Return the deadline of a command that leaves now, ns since the epoch."""
    return clock_ns() + DEADLINE_NS


async def _awaited(command: Callable[[], Awaitable[Performed[E]]]) -> Performed[E]:
    return await command()


def _shown(number: int) -> None:
    """Wait for the tables; where they are late, the operator's page is a little old."""
    place = JournalPlace(shard=settings.MATCHING["SHARD"], number=number)
    try:
        journal_reads["default"].projection_wait(place)
    except ApplicationError as error:
        if error.code != "projection_behind":
            raise
