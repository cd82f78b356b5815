"""Orders, the journal and the venue's switches in the back office."""

from apps.orders.admin.tables import FillAdmin, OrderAdmin, PositionAdmin, PositionLimitAdmin
from apps.orders.admin.venue import VenueStateAdmin

__all__ = ["FillAdmin", "OrderAdmin", "PositionAdmin", "PositionLimitAdmin", "VenueStateAdmin"]
