"""What every HTTP answer gets: its request's id."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.decorators import sync_and_async_middleware, sync_only_middleware

from cift.logs.context import LogContext
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
            response.headers[REQUEST_ID_HEADER] = request_id
            return response

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        request_id = before(request)
        with LogContext(request_id=request_id):
            response: HttpResponseBase = get_response(request)
        response.headers[REQUEST_ID_HEADER] = request_id
        return response

    return synchronous


class SlashMiddleware(CommonMiddleware):
    """Leads to the address with a slash at its end by 308: after 301, clients make a GET of what was a POST."""

    response_redirect_class = partial(HttpResponsePermanentRedirect, preserve_request=True)  # type: ignore[assignment]


@sync_only_middleware
def one_thread_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Make Django run the middleware before this one in the view's thread: each of its own hops there and back costs.

    It must be the last of the list.
    """
    return get_response
