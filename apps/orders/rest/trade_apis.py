"""REST of what came of orders: the caller's fills and positions, and everybody's trades."""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity.authentication import account_of_request
from apps.marketdata.reference import reference_read, references
from apps.marketdata.shapes import TradeBody
from apps.orders.models import Position
from apps.orders.rest.own_lists import FILLS, fills_read
from apps.orders.rest.pages import trades_page
from apps.orders.selectors import positions_of_account
from apps.orders.shapes import FillBody, PositionBody, position_body, trade_body
from cift.errors.application import ApplicationError
from cift.rest.lists import PagedList
from cift.rest.pages import page_answer, page_ask
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, query_read, read_wait, sequence_at
from cift.rest.schema import described, page_of

TRADE_FILTERS = {**SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}


def _position_shape(row: Position) -> PositionBody:
    return position_body(row, reference_read(row.instrument_id))


POSITIONS = PagedList(filters={**PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("instrument_id",), shape=_position_shape)


class FillListApi(APIView):
    """The caller's fills."""

    @described(answers={200: page_of(FillBody)}, query=FILLS.filters)
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        query = FILLS.read_waited(request)
        return Response(fills_read(account_of_request(request).pk, query))


class TradeListApi(APIView):
    """An instrument's trades."""

    permission_classes = (AllowAny,)

    @described(answers={200: page_of(TradeBody)}, query=TRADE_FILTERS)
    def get(self, request: Request, symbol: str) -> Response:
        """List them, newest first."""
        read = query_read(request.query_params, TRADE_FILTERS)
        ask = page_ask(read)
        read_wait(read["at_least"])
        reference = references.read_symbol(symbol)
        if reference is None:
            raise ApplicationError("not_found", "There is no such instrument.")
        first, before = sequence_at(read["start"]), sequence_at(read["end"])
        found = trades_page(reference.id, ask, first=first, before=before)
        return Response(
            page_answer(found, ask, request, shape=lambda fill: trade_body(fill, reference), key_of=FILLS.key_of)
        )


class PositionListApi(APIView):
    """The caller's positions."""

    @described(answers={200: page_of(PositionBody)}, query=POSITIONS.filters)
    def get(self, request: Request) -> Response:
        """List them, one for each instrument traded, last listed first."""
        query = POSITIONS.read_waited(request)
        return Response(query.answer(query.rows(positions_of_account(account_of_request(request).pk))))
