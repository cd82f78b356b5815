"""The limits on HTTP calls that Django answers: an address's at the door, an account's once it is known whose it is."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cift.errors.application import ApplicationError
from cift.errors.problems import problem_response
from cift.ratelimits import Standing, address_counted, kind_of_call, rate_limits, tighter

_STANDING = "rate_standing"


@sync_and_async_middleware
def rate_limits_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Take an address's place for each call, and tell each answer how who asked stands; hops no thread."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            refusal = _place_take(request)
            if refusal is not None:
                return refusal
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return _told(request, await answer)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        return _place_take(request) or _told(request, get_response(request))

    return synchronous


def _place_take(request: HttpRequest) -> HttpResponseBase | None:
    kind = kind_of_call(request.method or "", request.path_info)
    if kind is not None:
        try:
            who = address_counted(request.META.get("REMOTE_ADDR") or "")
            standing_note(request, rate_limits.take(f"{kind}-address", who))
        except ApplicationError as error:
            return problem_response(error, request)
    return None


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    standing: Standing | None = getattr(request, _STANDING, None)
    # Who was refused, or has tried a password, is told of that limit already.
    if standing is not None and "RateLimit" not in response.headers:
        for name, value in standing.headers.items():
            response.headers[name] = value
    return response


def standing_note(request: HttpRequest, standing: Standing) -> None:
    """Remember how who asks stands, if no other limit is tighter."""
    setattr(request, _STANDING, tighter(standing, getattr(request, _STANDING, None)))


def market_weight_take(request: Request, *, weight: int) -> None:
    """Take further places of an address for a read of public market data that is worth more than one.

    Raises:
        ApplicationError: `rate_limited`.

    """
    if weight:
        inner = request._request  # noqa: SLF001 - REST framework has no other name for it
        who = address_counted(inner.META.get("REMOTE_ADDR") or "")
        standing_note(inner, rate_limits.take("market-address", who, weight=weight))


class AccountThrottle(BaseThrottle):
    """Takes a user's place for each private read; order entry takes its own, by what is in it."""

    def allow_request(self, request: Request, _view: Any) -> bool:
        """Take the place.

        Raises:
            ApplicationError: `rate_limited`.

        """
        inner = request._request  # noqa: SLF001 - REST framework has no other name for it
        if kind_of_call(inner.method or "", inner.path_info) == "reads" and request.user.pk is not None:
            standing_note(inner, rate_limits.take("reads-account", str(request.user.pk)))
        return True
