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
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from cift.errors.application import ApplicationError
from cift.errors.problems import problem_response
from cift.logs.context import LogContext
from cift.processes.turns import turns
from cift.ratelimits import address_counted
from cift.request_ids import REQUEST_ID_HEADER, request_id_of


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
    """Return an answer with its request's id and its length, and a refusal of the method in the shape of all errors."""
    if isinstance(response, HttpResponseNotAllowed):
        if request.method == "OPTIONS":
            # A function's, which refuses it as one method of many.
            response = _in_place_of(response, _allowed(response.headers["Allow"]))
        else:
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


class OptionsMiddleware(MiddlewareMixin):
    """Answers OPTIONS by what a view has, before anybody is asked who they are (RFC 9110, 9.3.7).

    What may be done at an address is no secret, and the same whoever asks: `Allow` says it, and there is no body.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _arguments: Any, _named: Any
    ) -> HttpResponse | None:
        """Answer; None: another method, or a view that is a function."""
        of = getattr(view, "view_class", None)
        if request.method != "OPTIONS" or of is None:
            return None
        has = {name for name in of.http_method_names if hasattr(of, name)} | ({"head"} if hasattr(of, "get") else set())
        return _allowed(", ".join(name.upper() for name in of.http_method_names if name in has))


def _allowed(methods: str) -> HttpResponse:
    if "OPTIONS" not in methods:
        methods += ", OPTIONS"
    response = HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Allow": methods})
    del response.headers["Content-Type"]
    return response


class SlashMiddleware(CommonMiddleware):
    """Leads to the address with a slash at its end by 308: after 301, clients make a GET of what was a POST."""

    response_redirect_class = partial(HttpResponsePermanentRedirect, preserve_request=True)  # type: ignore[assignment]


class TurnsMiddleware:
    """Lets one view at a time work, and makes Django run the middleware before this one in the view's thread.

    Each of its own hops there and back costs. It must be the last of the list.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Take the view, and what is made of its answer."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer when its turn comes."""
        with turns.taken(address_counted(request.META.get("REMOTE_ADDR") or "")):
            return self._get_response(request)

    def process_view(self, _request: HttpRequest, view: Callable[..., Any], _arguments: Any, _named: Any) -> None:
        """Leave the turn to another where the view works in the event loop."""
        if iscoroutinefunction(view):
            turns.end()
