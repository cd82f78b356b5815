"""History of trades, behind one contract: `tick_stores["default"]` is what the setting TICK_STORES says."""

from apps.marketdata.ticks.base import TickStore
from cift.backends import BackendHandler

tick_stores: BackendHandler[TickStore] = BackendHandler("TICK_STORES", TickStore)  # type: ignore[type-abstract]
