"""A middleware that adds to answers and nothing else, on Django's synchronous and asynchronous path alike."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase

Handler = Callable[[HttpRequest], Any]


def answers_passed(
    get_response: Handler, add: Callable[[HttpRequest, HttpResponseBase], HttpResponseBase]
) -> Callable[[HttpRequest], Any]:
    """Return a handler whose answers `add` has been at; it hops no thread."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return add(request, await answer)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return add(request, get_response(request))

    return synchronous
