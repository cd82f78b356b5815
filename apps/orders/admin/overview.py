"""The live overview: a page, and the numbers it asks for every second."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.orders.admin.pages import page, permitted
from apps.orders.monitoring.overview import overview
from cift.backoffice.acts import harmless

_DIGITS_MAX = 18

_TILES = (
    ("orders", "Orders a second"),
    ("lag_batches", "Batches not projected"),
    ("lag_ms", "Projection is behind"),
    ("open_orders", "Open orders"),
    ("accounts", "Accounts"),
    ("writer", "Order service"),
    ("queue", "Commands queued"),
    ("sockets", "Sockets of its process"),
    ("sequence", "Sequence"),
    ("batch", "Batch"),
    ("epoch", "Epoch"),
)
"""What the page shows of the numbers, and under which title."""


@require_safe
@permitted("orders.view_venuestate")
@harmless
def overview_view(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return page(request, "overview.html", title="Overview", tiles=_TILES)


@never_cache
@require_safe
@permitted("orders.view_venuestate")
@harmless
def overview_data_view(request: HttpRequest) -> HttpResponse:
    """Answer the numbers; `after` is the `projected_sequence` of the answer before."""
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX else None
    data: dict[str, Any] = overview(after=after)
    return JsonResponse(data)
