"""An address's limit at the door: who has no place is answered in the event loop, before Django costs anything.

Who does not heed refusals is answered late: a refusal costs little, and a client that asks again at once makes many.
Past an address's places under `refusals-address` each waits REFUSAL_S. At most HELD_MAX wait at a time in a process;
the others are answered at once, and their connections end.
"""

import asyncio
from typing import Any

from cift.errors.application import ApplicationError
from cift.http.answers import problem_send
from cift.http.bodies import body_bytes
from cift.http.costs import django_cost
from cift.http.proxies import Application, Scope
from cift.logs.context import LogContext
from cift.ratelimits import Standing, address_counted, rate_limits
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_STANDING = "cift.standing"

REFUSAL_S = 1.0
HELD_MAX = 1_000


class RefusalPace:
    """Which refusals wait before they are answered."""

    def __init__(self, *, held_max: int = HELD_MAX, refusal_s: float = REFUSAL_S) -> None:
        """Begin with none that waits."""
        self._held = 0
        self._held_max = held_max
        self._refusal_s = refusal_s

    async def wait(self, who: str, error: ApplicationError) -> None:
        """Wait before an address is told that it has no place, if it was often; any other error is told at once."""
        if error.code != "rate_limited":
            return
        try:
            rate_limits.check("refusals-address", who)
        except ApplicationError:
            if self._held >= self._held_max:
                error.headers["Connection"] = "close"
                return
            self._held += 1
            try:
                await asyncio.sleep(self._refusal_s)
            finally:
                self._held -= 1


pace = RefusalPace()
"""This process's."""


def calls_limited(application: Application) -> Application:
    """Take the places of each call for its address, and pass an application those that have them."""

    async def limited(scope: Scope, receive: Any, send: Any) -> None:
        cost = django_cost(scope["method"], scope["path"], scope["query_string"], body_bytes(scope))
        try:
            scope[_STANDING] = rate_limits.take(f"{cost.kind}-address", who_asks(scope), weight=cost.places)
        except ApplicationError as error:
            given = next((value for name, value in scope["headers"] if name.lower() == _REQUEST_ID), b"")
            request_id = request_id_of(given.decode("latin-1"))
            await pace.wait(who_asks(scope), error)
            with LogContext(request_id=request_id):
                await problem_send(send, error, request_id=request_id, secure=scope["scheme"] == "https")
        else:
            await application(scope, receive, send)

    return limited


def who_asks(scope: Scope) -> str:
    """Return what counts as the address a call comes from."""
    client = scope["client"]
    return address_counted(client[0] if client else "")


def standing_of(scope: Scope) -> Standing | None:
    """Return how the address stood when a call was let in; None for a call that was not counted."""
    standing: Standing | None = scope.get(_STANDING)
    return standing
