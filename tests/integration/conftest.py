"""What the tests of orders share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.marketdata.reference import references
from apps.orders.entry.order_cache import order_terms
from apps.orders.matching.projector import ShardProjector
from cift.bus import buses
from tests.support.buses import ScriptedBus
from tests.support.shard import journal_fill


@pytest.fixture
def bus(sqlite: Path, settings: Settings) -> Iterator[ScriptedBus]:
    """A venue's tables without its order service, and a bus to script one."""
    journal_fill(20)
    while ShardProjector(0).step():
        pass
    references.forget()
    order_terms.forget()
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.ScriptedBus"}}
    made = buses["default"]
    assert isinstance(made, ScriptedBus)
    yield made
    references.forget()
