"""An address's limit at the door: who has no place is answered in the event loop, before Django costs anything."""

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


def calls_limited(application: Application) -> Application:
    """Take the places of each call for its address, and pass an application those that have them."""

    async def limited(scope: Scope, receive: Any, send: Any) -> None:
        cost = django_cost(scope["method"], scope["path"], scope["query_string"], body_bytes(scope))
        try:
            scope[_STANDING] = rate_limits.take(f"{cost.kind}-address", who_asks(scope), weight=cost.places)
        except ApplicationError as error:
            given = next((value for name, value in scope["headers"] if name.lower() == _REQUEST_ID), b"")
            request_id = request_id_of(given.decode("latin-1"))
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
