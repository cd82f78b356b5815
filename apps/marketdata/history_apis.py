"""REST of what was: candles, and the last 24 hours of all instruments; public, no login."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.marketdata.candles.folding import Candle
from apps.marketdata.candles.intervals import CANDLES_MAX, INTERVALS_S, NS_PER_S, begin_behind
from apps.marketdata.reference import reference_read, references
from apps.marketdata.selectors import instruments_all
from apps.marketdata.shapes import CandleBody, DayTickerBody, candle_body, day_ticker_body
from apps.marketdata.ticks import tick_stores
from apps.marketdata.ticks.base import CandleSpan, StorePlace
from cift.errors.application import ApplicationError, FieldError
from cift.fields import Field, choice
from cift.rest.pages import PageAsk, cursor_url, page_answer, page_ask, rows_paged
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, integer, query_read, read_wait
from cift.rest.schema import STORE_READS, described, page_of
from cift.times import clock_ns

CANDLES_DEFAULT = 500
"""How much a read gives for one place under the limit of an address."""

FINAL_CACHE = "public, max-age=60"
OPEN_CACHE = "no-cache"

CANDLE_FILTERS: Mapping[str, Field] = {
    "interval": Field(choice(INTERVALS_S), required=True),
    **SPAN_FIELDS,
    "limit": Field(integer(least=1, most=CANDLES_MAX), default=CANDLES_DEFAULT),
    "cursor": PAGE_FIELDS["cursor"],
    **AT_LEAST_FIELDS,
}
TICKER_FILTERS: Mapping[str, Field] = {**PAGE_FIELDS, **AT_LEAST_FIELDS}


class CandleListApi(APIView):
    """An instrument's candles."""

    permission_classes = (AllowAny,)

    @described(answers={200: page_of(CandleBody)}, query=CANDLE_FILTERS, errors=STORE_READS)
    def get(self, request: Request, symbol: str) -> Response:
        """List them, newest first, without gaps."""
        given = query_read(request.query_params, CANDLE_FILTERS)
        ask = _ask_read(given)
        read_wait(given["at_least"])
        reference = references.read_symbol(symbol)
        if reference is None:
            raise ApplicationError("not_found", "There is no such instrument.")
        store = tick_stores["default"]
        place = store.place(at=clock_ns())
        stretch = _stretch(given, ask, place)
        span = CandleSpan([], None, None)
        if stretch.first < stretch.end:
            span = store.candles(reference.id, interval_s=given["interval"], start=stretch.first, end=stretch.end)
        shown = list(_filled(span, stretch))[::-1]
        begins = max(stretch.least, span.begins_at or 0)
        older = bool(shown) and shown[-1].start_at > begins
        newer = bool(shown) and stretch.end < stretch.before
        answer = {
            "results": [
                candle_body(each, reference, closed=each.start_at + stretch.step <= place.final_until) for each in shown
            ],
            "next": cursor_url(request, (shown[-1].start_at,), newer=False) if older else None,
            "previous": cursor_url(request, (shown[0].start_at,), newer=True) if newer else None,
        }
        is_final = bool(shown) and shown[0].start_at + stretch.step <= place.final_until and bool(newer or given["end"])
        return Response(answer, headers={"Cache-Control": FINAL_CACHE if is_final else OPEN_CACHE})


class DayTickerListApi(APIView):
    """The last 24 hours of all instruments."""

    permission_classes = (AllowAny,)
    page_name = "Tickers"

    @described(answers={200: page_of(DayTickerBody)}, query=TICKER_FILTERS, errors=STORE_READS)
    def get(self, request: Request) -> Response:
        """List what was traded of each instrument in 24 hours, last listed first."""
        given = query_read(request.query_params, TICKER_FILTERS)
        ask = page_ask(given)
        read_wait(given["at_least"])
        rows = list(rows_paged(instruments_all(), ask, key=("id",)))
        days = tick_stores["default"].statistics([row.id for row in rows], at=clock_ns())
        return Response(
            page_answer(
                rows,
                ask,
                request,
                shape=lambda row: day_ticker_body(row, days[row.id], reference_read(row.id)),
                key_of=lambda row: (row.id,),
            ),
            headers={"Cache-Control": OPEN_CACHE},
        )


class _Stretch(NamedTuple):
    """A page's candles, from `first` to before `end`, of those that are asked for, from `least` to before `before`.

    All in ns since epoch, UTC, and whole multiples of the interval, `step`.
    """

    first: int
    end: int
    least: int
    before: int
    step: int


def _ask_read(given: Mapping[str, Any]) -> PageAsk:
    """Read which page is asked for.

    Raises:
        ApplicationError: `invalid`: its bounds are not of the interval's candles, or in the wrong order.

    """
    step = given["interval"] * NS_PER_S
    errors = [
        FieldError(field=name, code="invalid", detail="A whole multiple of the interval is wanted, counted from 1970.")
        for name in ("start", "end")
        if given[name] is not None and given[name] % step
    ]
    if not errors and None not in (given["start"], given["end"]) and given["start"] >= given["end"]:
        errors.append(FieldError(field="end", code="out_of_range", detail="The end is later than the start."))
    ask = page_ask(given)
    if ask.key is not None and ask.key[0] % step:
        errors.append(FieldError(field="cursor", code="malformed", detail="This is no cursor of this list."))
    if errors:
        raise ApplicationError("invalid", errors=errors)
    return ask


def _stretch(given: Mapping[str, Any], ask: PageAsk, place: StorePlace) -> _Stretch:
    interval_s = given["interval"]
    step = interval_s * NS_PER_S
    least = given["start"] or 0
    before = begin_behind(place.known_until, interval_s=interval_s)
    if given["end"] is not None:
        before = min(before, given["end"])
    first, end = least, before
    if ask.key is not None and ask.newer:
        first = max(first, ask.key[0] + step)
        end = min(end, first + ask.limit * step)
    else:
        end = min([end, *(ask.key or ())])
        first = max(first, end - ask.limit * step)
    return _Stretch(first, end, least, before, step)


def _filled(span: CandleSpan, stretch: _Stretch) -> Iterator[Candle]:
    """Return a candle for every interval, from the first there is: one without trades has the price before it."""
    if span.begins_at is None:
        return
    traded = {candle.start_at: candle for candle in span.candles}
    close = span.close_before
    for start in range(max(stretch.first, span.begins_at), stretch.end, stretch.step):
        candle = traded.get(start)
        if candle is not None:
            close = candle.close
            yield candle
        elif close is not None:
            yield Candle(start, close, close, close, close, 0, 0, 0, 0, 0)
