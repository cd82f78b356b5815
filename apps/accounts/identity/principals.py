"""Who asks, for programs and sockets: remembered for a moment, so that an order costs no query."""

import asyncio
import time
from collections import OrderedDict
from threading import Lock
from weakref import WeakKeyDictionary

from apps.accounts.identity.ended_sessions import families_ended_listen
from apps.accounts.identity.sessions import Principal, principal_read
from apps.accounts.identity.tickets import ticket_redeem
from apps.accounts.identity.tokens import Claims, TokenInvalidError, TokenKind, token_read
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns

PRINCIPALS_MAX = 10_000
AGE_S_MAX = 1.0
"""How long a login that has ended elsewhere may still be let in."""

_AGE_S_FRESH = 0.5
"""An answer older than this is asked for anew while it is still used: who comes often never waits for it."""


class Principals:
    """The last logins seen, each as the database knew it at most `AGE_S_MAX` ago; used from any thread."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._known: OrderedDict[Claims, tuple[float, Principal]] = OrderedDict()
        self._lock = Lock()
        self._cleared = 0

    @property
    def cleared(self) -> int:
        """Count how often all was forgotten."""
        return self._cleared

    def get(self, claims: Claims) -> tuple[Principal | None, bool]:
        """Return who was behind the claims a moment ago, and whether to ask anew."""
        with self._lock:
            entry = self._known.get(claims)
        age_s = AGE_S_MAX + 1 if entry is None else time.monotonic() - entry[0]
        return (None if entry is None or age_s > AGE_S_MAX else entry[1]), age_s > _AGE_S_FRESH

    def put(self, claims: Claims, principal: Principal, *, read_at: float, cleared: int) -> None:
        """Remember an answer; `read_at`: the monotonic clock before the question, `cleared`: the count then."""
        with self._lock:
            if cleared != self._cleared:
                return
            self._known[claims] = (read_at, principal)
            self._known.move_to_end(claims)
            if len(self._known) > PRINCIPALS_MAX:
                self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
            self._cleared += 1


principals = Principals()
families_ended_listen(principals.clear)


_asking: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Claims, int], asyncio.Task[Principal]]]"
_asking = WeakKeyDictionary()
"""Questions on their way to the database, by claims and by how often all was forgotten before them."""


async def principal_find(token: str) -> Principal:
    """Find who an access token lets in; at most `AGE_S_MAX` behind the database.

    Raises:
        ApplicationError: `unauthenticated`; `database_busy`.

    """
    try:
        claims = token_read(token, TokenKind.ACCESS)
        known, stale = principals.get(claims)
        if known is not None and not stale:
            return known
        asked = _ask(claims)
        return known if known is not None else await asyncio.shield(asked)
    except TokenInvalidError as error:
        raise ApplicationError("unauthenticated", str(error), headers={"WWW-Authenticate": "Bearer"}) from error


def _ask(claims: Claims) -> "asyncio.Task[Principal]":
    """Ask the database, once for all who want to know at this moment."""
    loop = asyncio.get_running_loop()
    asking = _asking.setdefault(loop, {})
    key = (claims, principals.cleared)
    task = asking.get(key)
    if task is None:

        def done(finished: "asyncio.Task[Principal]") -> None:
            asking.pop(key, None)
            if not finished.cancelled():
                # Where nobody waits for it, the next request asks, and is told.
                finished.exception()

        task = asking[key] = loop.create_task(_read(claims, cleared=key[1]))
        task.add_done_callback(done)
    return task


async def _read(claims: Claims, *, cleared: int) -> Principal:
    read_at = time.monotonic()
    found = await database_call(principal_read, claims, at=clock_ns())
    principals.put(claims, found, read_at=read_at, cleared=cleared)
    return found


async def principal_of_ticket(ticket: str) -> Principal:
    """Use up a one-time ticket, and find who it lets in.

    Raises:
        ApplicationError: `unauthenticated`; `database_busy`.

    """
    try:
        return await database_call(ticket_redeem, ticket, at=clock_ns())
    except TokenInvalidError as error:
        raise ApplicationError("unauthenticated", str(error)) from error
