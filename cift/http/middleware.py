"""What every HTTP answer gets: its request's id, its length, and the one shape of errors."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponsePermanentRedirect,
)
from django.middleware.common import CommonMiddleware
from django.utils.decorators import sync_and_async_middleware, sync_only_middleware

from cift.errors.application import ApplicationError
from cift.errors.problems import problem_response
from cift.logs.context import LogContext
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED)


@sync_and_async_middleware
def request_id_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Assign each request an id and each answer the id of its request; hops no thread on the asynchronous path."""

    def before(request: HttpRequest) -> str:
        request_id = request_id_of(request.headers.get(REQUEST_ID_HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]
        return request_id

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            request_id = before(request)
            with LogContext(request_id=request_id):
                answer: Awaitable[HttpResponseBase] = get_response(request)
                response = await answer
            return answer_finished(response, request)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        request_id = before(request)
        with LogContext(request_id=request_id):
            response: HttpResponseBase = get_response(request)
        return answer_finished(response, request)

    return synchronous


def answer_finished(response: HttpResponseBase, request: HttpRequest) -> HttpResponseBase:
    """Return an answer with its request's id and its length, and a refusal of the method in the shape of all errors.

    What may be done at an address is no secret: OPTIONS is told whoever asks.
    """
    if "Allow" in response.headers and request.method == "OPTIONS" and response.status_code in _REFUSALS:
        response = _in_place_of(response, HttpResponse(status=HTTPStatus.NO_CONTENT))
        del response.headers["Content-Type"]
        if "OPTIONS" not in response.headers["Allow"]:
            response.headers["Allow"] += ", OPTIONS"
    elif isinstance(response, HttpResponseNotAllowed):
        response = _in_place_of(response, problem_response(ApplicationError("method_not_allowed"), request))
    if response.status_code == HTTPStatus.NO_CONTENT:
        # An answer that has no body has no length either (RFC 9110, 8.6).
        del response.headers["Content-Length"]
    elif isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
    response.headers[REQUEST_ID_HEADER] = request.request_id  # type: ignore[attr-defined]
    return response


def _in_place_of(old: HttpResponseBase, new: HttpResponse) -> HttpResponse:
    """Return an answer with what was added to the one it replaces."""
    for name, value in old.headers.items():
        if name not in ("Content-Type", "Content-Length", "WWW-Authenticate"):
            new.headers.setdefault(name, value)
    new.cookies = old.cookies
    return new


class SlashMiddleware(CommonMiddleware):
    """Leads to the address with a slash at its end by 308: after 301, clients make a GET of what was a POST."""

    response_redirect_class = partial(HttpResponsePermanentRedirect, preserve_request=True)  # type: ignore[assignment]


@sync_only_middleware
def one_thread_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Make Django run the middleware before this one in the view's thread: each of its own hops there and back costs.

    It must be the last of the list.
    """
    return get_response
