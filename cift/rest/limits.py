"""The limits on HTTP calls that Django answers: an account's, a page's, and what each answer tells of them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cift.http.costs import call_kind, html_places
from cift.http.limits import standing_of
from cift.http.passing import answers_passed
from cift.ratelimits import Standing, address_counted, rate_limits, tighter

_STANDING = "rate_standing"
_HTML = "api"
"""REST framework's name for its pages."""


@sync_and_async_middleware
def rate_limits_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Add to each answer how who asked stands; hops no thread. The places were taken at the door (cift.http.limits)."""
    return answers_passed(get_response, _told)


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    standing = _standing(request)
    # Who was refused, or has tried a password, is told of that limit already.
    if standing is not None and "RateLimit" not in response.headers:
        for name, value in standing.headers.items():
            response.headers[name] = value
    return response


def _standing(request: HttpRequest) -> Standing | None:
    noted: Standing | None = getattr(request, _STANDING, None)
    return noted or standing_of(_scope(request))


def _scope(request: HttpRequest) -> dict[str, Any]:
    return getattr(request, "scope", {})


def standing_note(request: HttpRequest, standing: Standing) -> None:
    """Remember how who asks stands, if no other limit is tighter."""
    setattr(request, _STANDING, tighter(standing, _standing(request)))


class AccountThrottle(BaseThrottle):
    """Takes a user's place for each private read, and an address's for a page in HTML beside those of the call.

    Order entry takes its own, by what is in it. Only here is it known that the answer will be a page.
    """

    def allow_request(self, request: Request, _view: Any) -> bool:
        """Take the places.

        Raises:
            ApplicationError: `rate_limited`.

        """
        inner = request._request  # noqa: SLF001 - REST framework has no other name for it
        kind = call_kind(inner.method or "", inner.path_info)
        if request.accepted_renderer.format == _HTML:
            who = address_counted(inner.META.get("REMOTE_ADDR") or "")
            places = html_places(inner.META.get("QUERY_STRING", "").encode())
            standing_note(inner, rate_limits.take(f"{kind}-address", who, weight=places))
        if kind == "reads" and request.user.pk is not None:
            standing_note(inner, rate_limits.take("reads-account", str(request.user.pk)))
        return True
