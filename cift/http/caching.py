"""Who may keep an answer: nobody, unless it is the same for all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from cift.http.passing import answers_passed

NO_STORE = "no-store"

MARKET_DATA = "no-cache"
"""May be kept, but is asked for each time: it is as old as the answer."""

_MARKET = ("/api/v1/instruments/", "/api/v1/tickers/")
_JSON = "application/json"


@sync_and_async_middleware
def cache_control_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Let nobody keep an answer that does not say itself who may; hops no thread.

    Market data is the same for all, but for its page in HTML, which says who looks at it.
    """
    return answers_passed(get_response, _told)


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    found = response.status_code == HTTPStatus.OK and kind == _JSON
    is_market_data = found and request.path_info.startswith(_MARKET)
    response.headers.setdefault("Cache-Control", MARKET_DATA if is_market_data else NO_STORE)
    return response
