"""Assets, instruments and fees in the back office."""

from django.contrib import admin

from apps.marketdata.models import Asset, FeeTier, Instrument
from cift.admin import ProjectedAdmin


@admin.register(Asset)
class AssetAdmin(ProjectedAdmin):
    """What is held and paid with."""

    list_display = ("id", "symbol", "scale")


@admin.register(Instrument)
class InstrumentAdmin(ProjectedAdmin):
    """What is traded."""

    list_display = ("id", "symbol", "kind", "status", "tick_size", "lot_size", "reference_price", "simulated")
    list_filter = ("kind", "status", "simulated")
    list_select_related = ("base", "quote")


@admin.register(FeeTier)
class FeeTierAdmin(ProjectedAdmin):
    """What trading costs."""

    list_display = ("instrument", "tier", "maker_ppm", "taker_ppm")
    list_select_related = ("instrument",)
