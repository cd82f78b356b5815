"""REST of orders, fills and positions: thin views over the entry and the selectors."""

from typing import Any, TypeVar

import msgspec
from asgiref.sync import async_to_sync
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.authentication import account_of_request
from apps.marketdata.reference import references
from apps.orders import entry
from apps.orders.addressed import (
    body_with_id,
    client_order_id_read,
    order_id_read,
    order_read,
    order_shape,
    reference_read,
)
from apps.orders.answers import Answer
from apps.orders.models import Fill, Position
from apps.orders.params import CLIENT_ORDER_ID, SYMBOL
from apps.orders.selectors import (
    fills_of_account,
    orders_of_account,
    positions_of_account,
)
from apps.orders.shapes import (
    SIDES,
    STATUSES,
    FillBody,
    PositionBody,
    fill_body,
    fill_of_row,
    position_body,
)
from cift.fields import Field, choice, moment
from cift.rest.pages import page_answer
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, query_given, query_read, read_wait
from cift.times import clock_ns

RowT = TypeVar("RowT", bound=Model)

_SPAN_FIELDS = {"start": Field(moment), "end": Field(moment)}

_ORDER_FILTERS = {
    "symbol": Field(SYMBOL),
    "status": Field(choice(STATUSES)),
    "side": Field(choice(SIDES)),
    "client_order_id": Field(CLIENT_ORDER_ID),
    **_SPAN_FIELDS,
    **PAGE_FIELDS,
    **AT_LEAST_FIELDS,
}

_FILL_FILTERS = {"symbol": Field(SYMBOL), **_SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}


def _performed(operation: entry.Operation, given: Any, request: Request) -> Response:
    account = account_of_request(request).pk
    answer = async_to_sync(entry.perform)(operation, given, account=account, at=clock_ns())
    return _response(answer)


def _response(answer: Answer) -> Response:
    return Response(msgspec.to_builtins(answer.body), status=answer.status)


def _filtered(rows: QuerySet[RowT], **wanted: Any) -> QuerySet[RowT]:
    """Keep the rows that have what is wanted; None: anything."""
    symbol = wanted.pop("symbol")
    if symbol is not None:
        reference = references.read_symbol(symbol)
        wanted["instrument_id"] = reference.id if reference else 0
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def _fill_shape(row: Fill) -> FillBody:
    return fill_body(fill_of_row(row), reference_read(row.instrument_id))


def _position_shape(row: Position) -> PositionBody:
    return position_body(row, reference_read(row.instrument_id))


class OrderListApi(APIView):
    """The caller's orders."""

    def get(self, request: Request) -> Response:
        """List them, newest first."""
        read = query_read(request.query_params, _ORDER_FILTERS)
        read_wait(read["at_least"])
        rows = _filtered(
            orders_of_account(account_of_request(request).pk),
            symbol=read["symbol"],
            status=read["status"],
            side=read["side"],
            client_order_id=read["client_order_id"],
            created_at__gte=read["start"],
            created_at__lt=read["end"],
        )
        return Response(page_answer(rows, order_shape, request, limit=read["limit"], cursor=read["cursor"]))

    def post(self, request: Request) -> Response:
        """Enter an order; 201 with the order as it stands after matching."""
        return _performed(entry.order_submit, request.data, request)

    def delete(self, request: Request) -> Response:
        """Cancel all orders that fit."""
        return _performed(entry.order_cancel_all, query_given(request.query_params), request)


class OrderDetailApi(APIView):
    """One of the caller's orders."""

    def get(self, request: Request, order_id: str) -> Response:
        """Give the order as it stands."""
        read = query_read(request.query_params, AT_LEAST_FIELDS)
        read_wait(read["at_least"])
        found = order_read(account_of_request(request).pk, order_id_read(order_id))
        return Response(msgspec.to_builtins(found))

    def patch(self, request: Request, order_id: str) -> Response:
        """Change its price or its total quantity."""
        return _performed(entry.order_amend, body_with_id(request.data, order_id_read(order_id)), request)

    def delete(self, request: Request, order_id: str) -> Response:
        """Cancel it."""
        return _performed(entry.order_cancel, {"id": str(order_id_read(order_id))}, request)


class OrderBatchApi(APIView):
    """Several commands in one request."""

    def post(self, request: Request) -> Response:
        """Apply them in order; an answer each."""
        return _performed(entry.order_batch, request.data, request)


class OrderByClientOrderIdApi(APIView):
    """One of the caller's orders by the id the caller gave it."""

    def get(self, request: Request, client_order_id: str) -> Response:
        """Give the order as the writer knows it; behind the command's deadline a 404 is final."""
        account = account_of_request(request).pk
        return _response(async_to_sync(entry.order_resolve)(client_order_id_read(client_order_id), account=account))

    def delete(self, request: Request, client_order_id: str) -> Response:
        """Cancel it."""
        return _performed(entry.order_cancel, {"client_order_id": client_order_id_read(client_order_id)}, request)


class FillListApi(APIView):
    """The caller's fills."""

    def get(self, request: Request) -> Response:
        """List them, newest first."""
        read = query_read(request.query_params, _FILL_FILTERS)
        read_wait(read["at_least"])
        rows = _filtered(
            fills_of_account(account_of_request(request).pk),
            symbol=read["symbol"],
            executed_at__gte=read["start"],
            executed_at__lt=read["end"],
        )
        return Response(page_answer(rows, _fill_shape, request, limit=read["limit"], cursor=read["cursor"]))


class PositionListApi(APIView):
    """The caller's positions."""

    def get(self, request: Request) -> Response:
        """List them, one for each instrument traded."""
        read = query_read(request.query_params, {**PAGE_FIELDS, **AT_LEAST_FIELDS})
        read_wait(read["at_least"])
        rows = positions_of_account(account_of_request(request).pk)
        return Response(page_answer(rows, _position_shape, request, limit=read["limit"], cursor=read["cursor"]))
