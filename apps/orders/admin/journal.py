"""The journal's pages: batches by number, newest first, and what is in one."""

from typing import Any

import msgspec
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.orders.admin.pages import page, permitted
from apps.orders.events import section_decode
from apps.orders.models import JournalBatch
from apps.orders.selectors import shard
from cift.backoffice.acts import harmless
from cift.backoffice.tables import moment_shown
from cift.wire.base import frame_split

BATCHES_PER_PAGE = 50
EVENTS_SHOWN_MAX = 500

_NUMBER_MAX = 2**63 - 1


@require_safe
@permitted("orders.view_journalbatch")
@harmless
def journal_view(request: HttpRequest) -> HttpResponse:
    """List batches: the newest, those before a number, or the one with an event's sequence."""
    rows = JournalBatch.objects.filter(shard=shard())
    before, sequence = _number(request, "before"), _number(request, "sequence")
    if sequence is not None:
        rows = rows.filter(first_sequence__lte=sequence).order_by("-first_sequence")[:1]
    else:
        rows = rows.order_by("-number")
        rows = (rows if before is None else rows.filter(number__lt=before))[: BATCHES_PER_PAGE + 1]
    columns = ("number", "at", "epoch", "first_sequence", "last_sequence", "engine_version", "size", "chain")
    found = [
        {**row, "at": moment_shown(row["at"]), "events": row["last_sequence"] - row["first_sequence"] + 1}
        for row in rows.annotate(size=Length("commands") + Length("events")).values(*columns)
    ]
    shown = found[:BATCHES_PER_PAGE]
    for row in shown:
        row["chain"] = bytes(row["chain"]).hex()[:16]
    older = shown[-1]["number"] if len(found) > BATCHES_PER_PAGE else None
    return page(request, "journal.html", title="Journal", batches=shown, older=older, is_newest=before is None)


@require_safe
@permitted("orders.view_journalbatch")
@harmless
def journal_detail_view(request: HttpRequest, number: int) -> HttpResponse:
    """Show a batch and its events."""
    batch = JournalBatch.objects.filter(shard=shard(), number=number).first() if number <= _NUMBER_MAX else None
    if batch is None:
        raise Http404
    events: list[dict[str, Any]] = []
    more = False
    for section in frame_split(bytes(batch.events)):
        for event in section_decode(section):
            if len(events) == EVENTS_SHOWN_MAX:
                more = True
                break
            fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "sequence"}
            events.append({"sequence": event.sequence, "name": type(event).__name__, "fields": fields})
    return page(
        request,
        "journal_batch.html",
        title=f"Batch {number}",
        batch=batch,
        at=moment_shown(batch.at),
        chain=bytes(batch.chain).hex(),
        commands=len(frame_split(bytes(batch.commands))),
        events=events,
        more=more,
    )


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "").strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(_NUMBER_MAX)) else None
    return number if number is not None and number <= _NUMBER_MAX else None
