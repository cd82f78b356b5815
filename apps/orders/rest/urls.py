"""Addresses of orders, fills and positions, under `/api/v1/`."""

from django.urls import path

from apps.orders.rest.apis import (
    OrderBatchApi,
    OrderByClientOrderIdApi,
    OrderDetailApi,
    OrderEventListApi,
    OrderListApi,
)
from apps.orders.rest.trade_apis import FillListApi, PositionListApi

urlpatterns = [
    path("orders/", OrderListApi.as_view(), name="orders"),
    path("orders/batch/", OrderBatchApi.as_view(), name="order-batch"),
    path(
        "orders/by-client-order-id/<str:client_order_id>/",
        OrderByClientOrderIdApi.as_view(),
        name="order-by-client-order-id",
    ),
    path("orders/<str:order_id>/", OrderDetailApi.as_view(), name="order"),
    path("orders/<str:order_id>/events/", OrderEventListApi.as_view(), name="order-events"),
    path("fills/", FillListApi.as_view(), name="fills"),
    path("positions/", PositionListApi.as_view(), name="positions"),
]
