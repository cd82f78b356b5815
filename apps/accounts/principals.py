"""Who asks, for programs and sockets: remembered for a moment, so that an order costs no query."""

import time
from collections import OrderedDict
from threading import Lock

from apps.accounts.ended import families_ended_listen
from apps.accounts.sessions import Principal, principal_read
from apps.accounts.tickets import ticket_redeem
from apps.accounts.tokens import Claims, TokenInvalidError, TokenKind, token_read
from cift.errors import ApplicationError
from cift.threads import database_call
from cift.times import clock_ns

PRINCIPALS_MAX = 10_000
AGE_S_MAX = 1.0
"""How long a login that has ended elsewhere may still be let in."""


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

    def get(self, claims: Claims) -> Principal | None:
        """Give who was behind the claims a moment ago."""
        with self._lock:
            entry = self._known.get(claims)
            if entry is None or time.monotonic() - entry[0] > AGE_S_MAX:
                return None
            return entry[1]

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


async def principal_find(token: str) -> Principal:
    """Find who an access token lets in; at most `AGE_S_MAX` behind the database.

    Raises:
        ApplicationError: `unauthenticated`; `database_busy`.

    """
    try:
        claims = token_read(token, TokenKind.ACCESS)
        known = principals.get(claims)
        if known is not None:
            return known
        read_at, cleared = time.monotonic(), principals.cleared
        found = await database_call(principal_read, claims, at=clock_ns())
    except TokenInvalidError as error:
        raise ApplicationError("unauthenticated", str(error), headers={"WWW-Authenticate": "Bearer"}) from error
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
