"""What can be wrong with the settings of market data."""

from typing import Any

from django.core.checks import CheckMessage, register

from apps.marketdata.ticks import tick_stores
from cift.checks import backends_check


@register()
def tick_stores_check(*_arguments: Any, **_options: Any) -> list[CheckMessage]:
    """Make the stores of trades."""
    return [*backends_check(tick_stores)]
