"""The bus between the venue's parts: `buses["default"]` is what the setting BUSES says."""

from cift.backends import BackendHandler
from cift.bus.base import Bus

buses: BackendHandler[Bus] = BackendHandler("BUSES", Bus)  # type: ignore[type-abstract]
