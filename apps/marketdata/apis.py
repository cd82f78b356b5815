"""REST of reference data, books and trades: public, no login."""

from django.http import QueryDict
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.marketdata.books import CHECKSUM_LEVELS
from apps.marketdata.models import Instrument
from apps.marketdata.reference import InstrumentReference, references
from apps.marketdata.selectors import book_find, instrument_by_symbol, instruments_all
from apps.marketdata.shapes import (
    BookBody,
    InstrumentBody,
    TickerBody,
    TradeBody,
    book_body,
    instrument_body,
    ticker_body,
    trade_body,
)
from apps.marketdata.ticks import tick_stores
from cift.errors.application import ApplicationError
from cift.fields import Field
from cift.processes.threads import database_call
from cift.processes.turns import async_to_sync
from cift.rest.lists import PagedList
from cift.rest.pages import page_answer, page_ask
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, integer, query_read, read_wait
from cift.rest.schema import STORE_READS, WRITER_READS, described, page_of
from cift.times import clock_ns
from cift.wire.queries import BookFound

DEPTH_MAX = 5_000
DEPTH_DEFAULT = 50

TRADE_FILTERS = {**SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}
BOOK_FIELDS = {"depth": Field(integer(least=1, most=DEPTH_MAX), default=DEPTH_DEFAULT)}


def _body(row: Instrument) -> InstrumentBody:
    return instrument_body(row, row.fee_tiers.all())


INSTRUMENTS = PagedList(filters={**PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("id",), shape=_body)


class InstrumentListApi(APIView):
    """What is traded."""

    permission_classes = (AllowAny,)

    @described(answers={200: page_of(InstrumentBody)}, query=INSTRUMENTS.filters)
    def get(self, request: Request) -> Response:
        """List the instruments, last listed first."""
        query = INSTRUMENTS.read_waited(request)
        return Response(query.answer(query.rows(instruments_all().prefetch_related("fee_tiers"))))


class InstrumentDetailApi(APIView):
    """One instrument."""

    permission_classes = (AllowAny,)

    @described(answers={200: InstrumentBody}, query=AT_LEAST_FIELDS)
    def get(self, request: Request, symbol: str) -> Response:
        """Return its terms as they are now."""
        read = query_read(request.query_params, AT_LEAST_FIELDS)
        read_wait(read["at_least"])
        row = instrument_by_symbol(symbol)
        if row is None:
            raise ApplicationError("not_found", "There is no such instrument.")
        return Response(_body(row))


class BookApi(APIView):
    """An instrument's book."""

    permission_classes = (AllowAny,)

    @described(answers={200: BookBody}, query=BOOK_FIELDS, errors=WRITER_READS)
    def get(self, request: Request, symbol: str) -> Response:
        """Return the best levels as the writer has them."""
        depth = book_depth_read(request.query_params)
        return Response(async_to_sync(book_answer)(symbol, depth=depth))


class TickerApi(APIView):
    """An instrument's best prices."""

    permission_classes = (AllowAny,)

    @described(answers={200: TickerBody}, errors=(*WRITER_READS, *STORE_READS))
    def get(self, request: Request, symbol: str) -> Response:
        """Return best bid and offer and the last price as the writer has them, and the last 24 hours."""
        query_read(request.query_params, {})
        return Response(async_to_sync(ticker_answer)(symbol))


class TradeListApi(APIView):
    """An instrument's trades."""

    permission_classes = (AllowAny,)

    @described(answers={200: page_of(TradeBody)}, query=TRADE_FILTERS, errors=STORE_READS)
    def get(self, request: Request, symbol: str) -> Response:
        """List them, newest first."""
        read = query_read(request.query_params, TRADE_FILTERS)
        ask = page_ask(read)
        read_wait(read["at_least"])
        reference = references.read_symbol(symbol)
        if reference is None:
            raise ApplicationError("not_found", "There is no such instrument.")
        found = tick_stores["default"].trades_page(
            reference.id,
            limit=ask.limit + 1,
            cursor=ask.key[0] if ask.key else None,
            newer=ask.newer,
            start=read["start"],
            end=read["end"],
        )
        return Response(
            page_answer(
                found,
                ask,
                request,
                shape=lambda trade: trade_body(trade, reference),
                key_of=lambda trade: (trade.sequence,),
            )
        )


def book_depth_read(query: QueryDict) -> int:
    """Read how many levels are wanted.

    Raises:
        ApplicationError: `invalid`.

    """
    depth: int = query_read(query, BOOK_FIELDS)["depth"]
    return depth


async def book_answer(symbol: str, *, depth: int) -> BookBody:
    """Read a book.

    Raises:
        ApplicationError: `not_found`, `venue_unavailable`, `overloaded`.

    """
    reference, book = await _book_read(symbol, depth=max(depth, CHECKSUM_LEVELS))
    return book_body(book, reference, depth=depth)


async def ticker_answer(symbol: str) -> TickerBody:
    """Read a book's top, and what was traded in 24 hours.

    Raises:
        ApplicationError: `not_found`, `venue_unavailable`, `overloaded`.

    """
    reference, book = await _book_read(symbol, depth=1)
    days = await database_call(tick_stores["default"].statistics, [reference.id], at=clock_ns())
    return ticker_body(book, days[reference.id], reference)


async def _book_read(symbol: str, *, depth: int) -> tuple[InstrumentReference, BookFound]:
    reference = references.by_symbol(symbol) or await references.find_symbol(symbol)
    book = await book_find(instrument=reference.id, depth=depth) if reference else None
    if reference is None or book is None:
        raise ApplicationError("not_found", "There is no such instrument.")
    return reference, book
