"""REST of orders: thin views over the entry and the selectors."""

from typing import Any

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity.authentication import account_of_request
from apps.marketdata.reference import reference_read
from apps.orders.entry import operations
from apps.orders.entry.answers import Answer
from apps.orders.entry.batches import BatchAnswer
from apps.orders.entry.fields import CANCEL_ALL_FIELDS
from apps.orders.entry.schema import (
    AMEND_BODY,
    AMEND_ERRORS,
    BATCH_BODY,
    BATCH_ERROR_EXTRAS,
    BATCH_ERRORS,
    CANCEL_ALL_ERROR_EXTRAS,
    CANCEL_ALL_ERRORS,
    CANCEL_BY_CLIENT_ERROR_EXTRAS,
    CANCEL_ERRORS,
    CHANGE_ERROR_EXTRAS,
    SUBMIT_BODY,
    SUBMIT_ERROR_EXTRAS,
    SUBMIT_ERRORS,
)
from apps.orders.explaining.event_pages import order_event_body, order_events
from apps.orders.explaining.explanation import order_life
from apps.orders.matching.errors import JournalUnavailableError
from apps.orders.rest.own_lists import ORDERS, orders_read
from apps.orders.rest.url_params import (
    CANCEL_QUERY,
    body_refuse,
    body_with_id,
    cancel_all_given,
    cancel_given,
    client_order_id_read,
    order_id_read,
    order_read,
    order_row_read,
)
from apps.orders.shapes import OrderAnswer, OrderBody, OrderEventBody, OrderLifeBody, OrdersAnswer
from cift.errors.application import ApplicationError
from cift.processes.turns import async_to_sync
from cift.rest.limits import standing_note
from cift.rest.pages import cursor_url, page_answer, page_ask
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, query_none, query_read, read_wait
from cift.rest.schema import WRITER_READS, described, page_of
from cift.times import clock_ns

EVENT_FILTERS = {**PAGE_FIELDS, **AT_LEAST_FIELDS}


def _performed(operation: operations.Operation, given: Any, request: Request) -> Response:
    account = account_of_request(request).pk
    standing_note(request._request, operations.rate_limit_consume(given, user=request.user.pk or 0))  # noqa: SLF001 - no other name
    answer = async_to_sync(operations.perform)(operation, given, account=account, at=clock_ns())
    return _response(answer)


def _body(request: Request) -> bytes:
    body: bytes = request._request.body  # noqa: SLF001 - read as it is, whatever its media type
    return body


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status)


class OrderListApi(APIView):
    """The caller's orders."""

    @described(answers={200: page_of(OrderBody)}, query=ORDERS.filters)
    def get(self, request: Request) -> Response:
        """List them, newest first."""
        account = account_of_request(request).pk
        return Response(orders_read(account, ORDERS.read_waited(request, account=account)))

    @described(
        answers={201: OrderAnswer, 200: OrderAnswer},
        body=SUBMIT_BODY,
        errors=SUBMIT_ERRORS,
        error_extras=SUBMIT_ERROR_EXTRAS,
    )
    def post(self, request: Request) -> Response:
        """Enter an order; 201 with the order as it stands after matching."""
        query_none(request.query_params)
        return _performed(operations.order_submit, request.data, request)

    @described(
        answers={200: OrdersAnswer},
        query=CANCEL_ALL_FIELDS,
        errors=CANCEL_ALL_ERRORS,
        error_extras=CANCEL_ALL_ERROR_EXTRAS,
    )
    def delete(self, request: Request) -> Response:
        """Cancel all orders that fit; `all=true` where no filter is meant."""
        body_refuse(_body(request))
        return _performed(operations.order_cancel_all, cancel_all_given(request.query_params), request)


class OrderDetailApi(APIView):
    """One of the caller's orders."""

    @described(answers={200: OrderBody}, query=AT_LEAST_FIELDS)
    def get(self, request: Request, order_id: str) -> Response:
        """Return the order as it stands."""
        read = query_read(request.query_params, AT_LEAST_FIELDS)
        account = account_of_request(request).pk
        read_wait(read["at_least"], account=account)
        return Response(order_read(account, order_id_read(order_id)))

    @described(answers={200: OrderAnswer}, body=AMEND_BODY, errors=AMEND_ERRORS, error_extras=CHANGE_ERROR_EXTRAS)
    def patch(self, request: Request, order_id: str) -> Response:
        """Change its price or its total quantity."""
        query_none(request.query_params)
        return _performed(operations.order_amend, body_with_id(request.data, order_id_read(order_id)), request)

    @described(answers={200: OrderAnswer}, query=CANCEL_QUERY, errors=CANCEL_ERRORS, error_extras=CHANGE_ERROR_EXTRAS)
    def delete(self, request: Request, order_id: str) -> Response:
        """Cancel it."""
        body_refuse(_body(request))
        named = {"id": str(order_id_read(order_id))}
        return _performed(operations.order_cancel, cancel_given(request.query_params, **named), request)


class OrderEventListApi(APIView):
    """What happened to one of the caller's orders."""

    @described(answers={200: page_of(OrderEventBody, beside=OrderLifeBody)}, query=EVENT_FILTERS)
    def get(self, request: Request, order_id: str) -> Response:
        """List its events, newest first; the first page has its command, the book it met and why it traded or not."""
        read = query_read(request.query_params, EVENT_FILTERS)
        ask = page_ask(read)
        account = account_of_request(request).pk
        read_wait(read["at_least"], account=account)
        order = order_row_read(account, order_id_read(order_id))
        reference = reference_read(order.instrument_id)
        try:
            events = order_events(order, ask)
            life = OrderLifeBody() if ask.key is not None else order_life(order, reference)
        except JournalUnavailableError as error:
            raise ApplicationError("database_busy") from error
        page = page_answer(
            events.found,
            ask,
            request,
            shape=lambda told: order_event_body(order, told, reference),
            key_of=lambda told: (told.event.sequence,),
        )
        if events.edge is not None:
            page["previous" if ask.newer else "next"] = cursor_url(request, (events.edge,), newer=ask.newer)
        return Response(page | msgspec.structs.asdict(life))


class OrderBatchApi(APIView):
    """Several commands in one request."""

    @described(answers={200: BatchAnswer}, body=BATCH_BODY, errors=BATCH_ERRORS, error_extras=BATCH_ERROR_EXTRAS)
    def post(self, request: Request) -> Response:
        """Apply them in order; an answer each."""
        query_none(request.query_params)
        return _performed(operations.order_batch, request.data, request)


class OrderByClientOrderIdApi(APIView):
    """One of the caller's orders by the id the caller gave it."""

    @described(answers={200: OrderBody}, errors=(*WRITER_READS, "projection_behind"))
    def get(self, request: Request, client_order_id: str) -> Response:
        """Return the order as the writer knows it; behind the command's deadline a 404 is final."""
        query_read(request.query_params, {})
        account = account_of_request(request).pk
        return _response(
            async_to_sync(operations.order_resolve)(client_order_id_read(client_order_id), account=account)
        )

    @described(
        answers={200: OrderAnswer}, query=CANCEL_QUERY, errors=CANCEL_ERRORS, error_extras=CANCEL_BY_CLIENT_ERROR_EXTRAS
    )
    def delete(self, request: Request, client_order_id: str) -> Response:
        """Cancel it."""
        body_refuse(_body(request))
        named = {"client_order_id": client_order_id_read(client_order_id)}
        return _performed(operations.order_cancel, cancel_given(request.query_params, **named), request)
