"""The venue as a whole: its overview, its kill switch, mass cancels, its journal."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from apps.orders.admin.journal import journal_detail_view, journal_view
from apps.orders.admin.overview import overview_data_view, overview_view
from apps.orders.admin.switches import kill_switch_view, mass_cancel_view
from apps.orders.models import VenueState
from cift.backoffice.tables import ProjectedAdmin

_VIEWS: tuple[tuple[str, Any, str], ...] = (
    ("overview/", overview_view, "overview"),
    ("overview/data/", overview_data_view, "overview_data"),
    ("kill-switch/", kill_switch_view, "kill_switch"),
    ("mass-cancel/", mass_cancel_view, "mass_cancel"),
    ("journal/", journal_view, "journal"),
    ("journal/<int:number>/", journal_detail_view, "journal_detail"),
)


@admin.register(VenueState)
class VenueStateAdmin(ProjectedAdmin):
    """The venue's switches, and under its address the pages that are no table's."""

    list_display = ("shard", "killed")
    ordering = ("shard",)

    def get_urls(self) -> list[URLPattern]:
        """Put the pages before the table's own."""
        own = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in _VIEWS]
        urls: list[URLPattern] = super().get_urls()
        return own + urls
