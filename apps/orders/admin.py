"""Orders, fills and positions in the back office."""

from django.contrib import admin

from apps.orders.models import Fill, Order, Position, PositionLimit
from cift.admin import ProjectedAdmin


@admin.register(Order)
class OrderAdmin(ProjectedAdmin):
    """What was wanted."""

    list_display = ("id", "account", "instrument", "side", "price", "quantity", "leaves_quantity", "status")
    list_filter = ("status", "side", "instrument")
    search_fields = ("=id", "=account__id", "=client_order_id")
    list_select_related = ("account", "instrument")


@admin.register(Fill)
class FillAdmin(ProjectedAdmin):
    """What was done."""

    list_display = ("id", "order", "account", "instrument", "side", "price", "quantity", "fee", "liquidity")
    list_filter = ("side", "liquidity", "instrument")
    search_fields = ("=id", "=order__id", "=account__id")
    list_select_related = ("account", "instrument", "order")


@admin.register(Position)
class PositionAdmin(ProjectedAdmin):
    """What accounts hold by their trades."""

    list_display = ("account", "instrument", "quantity", "cost", "realised", "fees")
    search_fields = ("=account__id",)
    list_select_related = ("account", "instrument")


@admin.register(PositionLimit)
class PositionLimitAdmin(ProjectedAdmin):
    """How far positions may go."""

    list_display = ("account", "instrument", "limit")
    search_fields = ("=account__id",)
    list_select_related = ("account", "instrument")
