"""The bus feeds are told by."""

import pytest
from pytest_django import Settings

from cift.bus import buses
from tests.support.buses import FeedBus


@pytest.fixture
def bus(settings: Settings) -> FeedBus:
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.FeedBus"}}
    made = buses["default"]
    assert isinstance(made, FeedBus)
    return made
