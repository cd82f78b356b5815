"""Order entry for programs: a plain ASGI application before Django, at the same addresses.

JSON with a Bearer token to the order calls, to the lists of one's own orders and fills, and the public book, are
answered here, in the event loop. A request that is anything else (a session, a browser, another media type, a method or
an address not below) goes on to Django unread. What a request means is the entry's, the addresses' and the lists' to
say, so both ways give one answer.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple

from django.conf import settings
from django.http import QueryDict

from apps.accounts.identity.authentication import BEARER
from apps.accounts.identity.principals import principal_find
from apps.marketdata.apis import book_answer, book_depth_read
from apps.orders.entry import operations
from apps.orders.entry.answers import Answer
from apps.orders.rest.own_lists import FILLS, ORDERS, OwnPage, fills_read, orders_read
from apps.orders.rest.url_params import (
    body_with_id,
    cancel_all_given,
    cancel_given,
    client_order_id_read,
    order_id_read,
    order_read,
)
from apps.orders.selectors import told_await
from cift.errors.application import ApplicationError
from cift.http.answers import json_send, pairs_of, problem_send
from cift.http.bodies import body_bytes
from cift.http.caching import MARKET_DATA, NO_STORE
from cift.http.costs import program_cost
from cift.http.hosts import host_is_ours
from cift.http.limits import pace, who_asks
from cift.http.measured import CallMeasured
from cift.http.proxies import Application, Scope
from cift.logs.context import LogContext
from cift.orderservice.consistency import place_of
from cift.processes.threads import database_call, database_call_in_turn
from cift.ratelimits import Standing, rate_limits, tighter
from cift.request_ids import request_id_of
from cift.rest.lists import PagedList
from cift.rest.queries import AT_LEAST_FIELDS, query_none, query_read
from cift.strictjson import JsonInvalidError, json_parse
from cift.times import clock_ns

PAGE_ROWS_SHORT = 100
"""Pages of so many rows are made whoever else works meanwhile, in two or three milliseconds; longer ones in turn."""

_PREFIX = "/api/v1/"
_PREFIX_LENGTH = len(_PREFIX)

logger = logging.getLogger(__name__)


class Asked:
    """One request: who asks (0: nobody), its query and body, the variable part of its address; and how they stand."""

    __slots__ = ("account", "body", "named", "origin", "path", "query", "standing", "user")

    def __init__(self, *, scope: Scope, host: bytes, named: str, standing: Standing) -> None:
        """Begin with what is known at the door."""
        self.user = self.account = 0
        self.origin = f"{scope['scheme']}://{host.decode('latin-1')}"
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.body = b""
        self.named = named
        self.standing = standing

    def note(self, standing: Standing) -> None:
        """Remember how who asks stands, if no other limit is tighter."""
        self.standing = tighter(standing, self.standing)

    @property
    def query_params(self) -> QueryDict:
        """The query."""
        return QueryDict(self.query)

    def build_absolute_uri(self, location: str) -> str:
        """Return the address of a path on the host that was asked."""
        return self.origin + location


Handler = Callable[[Asked], Awaitable[Answer]]


async def _perform(operation: operations.Operation, given: Any, asked: Asked) -> Answer:
    asked.note(operations.rate_limit_consume(given, user=asked.user))
    return await operations.perform(operation, given, account=asked.account, at=clock_ns())


async def _submit(asked: Asked) -> Answer:
    query_none(asked.query_params)
    return await _perform(operations.order_submit, _json(asked.body), asked)


async def _cancel_all(asked: Asked) -> Answer:
    return await _perform(operations.order_cancel_all, cancel_all_given(asked.query_params), asked)


async def _batch(asked: Asked) -> Answer:
    query_none(asked.query_params)
    return await _perform(operations.order_batch, _json(asked.body), asked)


async def _amend(asked: Asked) -> Answer:
    query_none(asked.query_params)
    return await _perform(operations.order_amend, body_with_id(_json(asked.body), order_id_read(asked.named)), asked)


async def _cancel(asked: Asked) -> Answer:
    named = {"id": str(order_id_read(asked.named))}
    return await _perform(operations.order_cancel, cancel_given(asked.query_params, **named), asked)


async def _cancel_by_client_order_id(asked: Asked) -> Answer:
    named = {"client_order_id": client_order_id_read(asked.named)}
    return await _perform(operations.order_cancel, cancel_given(asked.query_params, **named), asked)


async def _order(asked: Asked) -> Answer:
    asked.note(rate_limits.take("reads-account", str(asked.user)))
    await _wait(asked.account, query_read(asked.query_params, AT_LEAST_FIELDS)["at_least"])
    return Answer(200, await database_call(order_read, asked.account, order_id_read(asked.named)))


def _own_list(own: PagedList[Any], page_read: OwnPage) -> Handler:
    async def listed(asked: Asked) -> Answer:
        asked.note(rate_limits.take("reads-account", str(asked.user)))
        query = own.read(asked)
        await _wait(asked.account, query.given["at_least"])
        if query.ask.limit <= PAGE_ROWS_SHORT:
            return Answer(200, await database_call(page_read, asked.account, query))
        return Answer(200, await database_call_in_turn(f"account {asked.account}", page_read, asked.account, query))

    return listed


async def _resolve(asked: Asked) -> Answer:
    asked.note(rate_limits.take("reads-account", str(asked.user)))
    query_read(asked.query_params, {})
    return await operations.order_resolve(client_order_id_read(asked.named), account=asked.account)


async def _book(asked: Asked) -> Answer:
    return Answer(200, await book_answer(asked.named, depth=book_depth_read(asked.query_params)))


def _json(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json_parse(body)
    except JsonInvalidError as error:
        raise ApplicationError("invalid", str(error), errors=error.errors) from error


async def _wait(account: int, token: str | None) -> None:
    """Wait, without holding a thread, until the tables have what a token names and all the account was told.

    Raises:
        ApplicationError: `invalid`, `projection_behind`.

    """
    await told_await(account, number=0 if token is None else place_of(token).number)


class Route(NamedTuple):
    """A call: who answers it, and its numbers."""

    handler: Handler
    measured: CallMeasured
    public: bool = False


def _route(method: str, call: str, handler: Handler, *, public: bool = False) -> Route:
    return Route(handler, CallMeasured(method, call), public)


def _routes(call: str, handlers: Mapping[str, Handler], *, public: bool = False) -> dict[str, Route]:
    return {method: _route(method, call, handler, public=public) for method, handler in handlers.items()}


_STATIC: dict[tuple[str, str], Route] = {
    (method, call): _route(method, call, handler)
    for (method, call), handler in {
        ("POST", "orders/"): _submit,
        ("GET", "orders/"): _own_list(ORDERS, orders_read),
        ("GET", "fills/"): _own_list(FILLS, fills_read),
        ("DELETE", "orders/"): _cancel_all,
        ("POST", "orders/batch/"): _batch,
    }.items()
}
_ORDER = re.compile(r"orders/([^/]+)/")
_BY_CLIENT_ORDER_ID = re.compile(r"orders/by-client-order-id/([^/]+)/")
_BOOK = re.compile(r"instruments/([^/]+)/book/")
_NAMED: tuple[tuple[re.Pattern[str], dict[str, Route]], ...] = (
    (_ORDER, _routes("orders/{order_id}/", {"PATCH": _amend, "DELETE": _cancel, "GET": _order})),
    (
        _BY_CLIENT_ORDER_ID,
        _routes(
            "orders/by-client-order-id/{client_order_id}/", {"GET": _resolve, "DELETE": _cancel_by_client_order_id}
        ),
    ),
    (_BOOK, _routes("instruments/{symbol}/book/", {"GET": _book}, public=True)),
)
_WITH_BODY = frozenset({"POST", "PATCH"})
_HEADERS = frozenset(
    {b"authorization", b"accept", b"content-type", b"content-length", b"transfer-encoding", b"host", b"x-request-id"}
)


def programs_served(application: Application) -> Application:
    """Answer programs' order calls; `application` has everything else."""

    async def served(scope: Scope, receive: Any, send: Any) -> None:
        began = perf_counter()
        found = _found(scope)
        headers = None if found is None else _headers(scope)
        if found is None or headers is None or not _is_program(scope, headers, public=found[0].public):
            await application(scope, receive, send)
            return
        (handler, measured, public), named = found
        request_id = request_id_of(headers.get(b"x-request-id", b"").decode("latin-1"))
        secure = scope["scheme"] == "https"
        cost = program_cost(scope["method"], scope["path"], scope["query_string"], body_bytes(scope))
        asked = None
        with LogContext(request_id=request_id) as logged:
            try:
                standing = rate_limits.take(f"{cost.kind}-address", who_asks(scope), weight=cost.places)
                asked = Asked(scope=scope, host=headers.get(b"host", b""), named=named, standing=standing)
                await _caller_find(asked, headers.get(b"authorization"), public=public)
                logged.account = asked.account or None
                if scope["method"] in _WITH_BODY:
                    asked.body = (await receive())["body"]
                answer = await handler(asked)
            except ApplicationError as error:
                if asked is not None:
                    error.headers = {**asked.standing.headers, **error.headers}
                measured.answered(error.status, began)
                await pace.wait(who_asks(scope), error)
                await problem_send(send, error, request_id=request_id, secure=secure)
            except Exception:
                # Whatever it was, the request gets its one answer.
                logger.exception("a program's request failed")
                measured.answered(HTTPStatus.INTERNAL_SERVER_ERROR, began)
                fault = ApplicationError("internal", headers=None if asked is None else asked.standing.headers)
                await problem_send(send, fault, request_id=request_id, secure=secure)
            else:
                measured.answered(answer.status, began)
                told = pairs_of({"Cache-Control": MARKET_DATA if public else NO_STORE, **asked.standing.headers})
                await json_send(
                    send, answer.body, status=answer.status, request_id=request_id, secure=secure, headers=told
                )

    return served


def _found(scope: Scope) -> tuple[Route, str] | None:
    path: str = scope["path"]
    if not path.startswith(_PREFIX):
        return None
    method, rest = scope["method"], path[_PREFIX_LENGTH:]
    route = _STATIC.get((method, rest))
    if route is not None:
        return route, ""
    for pattern, routes in _NAMED:
        match = pattern.fullmatch(rest)
        if match is not None:
            # `orders/batch/` is no order's address, whatever the method.
            found = None if rest == "orders/batch/" else routes.get(method)
            return None if found is None else (found, match.group(1))
    return None


def _headers(scope: Scope) -> dict[bytes, bytes] | None:
    """Return the headers that matter; None where one comes twice."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _HEADERS:
            if name in headers:
                return None
            headers[name] = value
    return headers


def _is_program(scope: Scope, headers: dict[bytes, bytes], *, public: bool) -> bool:
    """Return whether this is JSON for a program, with nothing in it that is Django's to judge."""
    return (
        (_bearer(headers.get(b"authorization")) or (public and b"authorization" not in headers))
        and _json_accepted(headers.get(b"accept", b"*/*"))
        and b"format=" not in scope["query_string"]
        and _json_sent(scope["method"], headers)
        and (scope["scheme"] == "https" or not settings.SECURE_SSL_REDIRECT)
        and host_is_ours(headers.get(b"host", b""))
    )


def _bearer(authorization: bytes | None) -> bool:
    return authorization is not None and authorization[:6].lower() == b"bearer"


def _json_accepted(accept: bytes) -> bool:
    return b"text/html" not in accept and (b"*/*" in accept or b"application/json" in accept)


def _json_sent(method: str, headers: dict[bytes, bytes]) -> bool:
    if method in _WITH_BODY:
        return headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower() == b"application/json"
    return headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers


async def _caller_find(asked: Asked, authorization: bytes | None, *, public: bool) -> None:
    """Find who asks, and the account they trade with.

    Raises:
        ApplicationError: `unauthenticated`, `forbidden`, `database_busy`.

    """
    if authorization is None:
        return
    match = BEARER.fullmatch(authorization.decode("latin-1"))
    principal = await principal_find(match.group(1) if match else "")
    asked.user = principal.user
    if principal.account is not None:
        asked.account = principal.account
    elif not public:
        raise ApplicationError("forbidden", "This user has no trading account.")
