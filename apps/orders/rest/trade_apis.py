"""REST of what came of orders: the caller's fills and positions."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity.authentication import account_of_request
from apps.marketdata.reference import reference_read
from apps.orders.models import Position
from apps.orders.rest.own_lists import FILLS, fills_read
from apps.orders.selectors import positions_of_account
from apps.orders.shapes import FillBody, PositionBody, position_row_body
from cift.rest.lists import PagedList
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS
from cift.rest.schema import described, page_of


def _position_shape(row: Position) -> PositionBody:
    return position_row_body(row, reference_read(row.instrument_id))


POSITIONS = PagedList(filters={**PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("instrument_id",), shape=_position_shape)


class FillListApi(APIView):
    """The caller's fills."""

    @described(answers={200: page_of(FillBody)}, query=FILLS.filters)
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        account = account_of_request(request).pk
        return Response(fills_read(account, FILLS.read_waited(request, account=account)))


class PositionListApi(APIView):
    """The caller's positions."""

    @described(answers={200: page_of(PositionBody)}, query=POSITIONS.filters)
    def get(self, request: Request) -> Response:
        """List them, one for each instrument traded, last listed first."""
        account = account_of_request(request).pk
        query = POSITIONS.read_waited(request, account=account)
        return Response(query.answer(query.rows(positions_of_account(account))))
