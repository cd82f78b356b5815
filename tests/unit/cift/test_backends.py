from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from cift.backends import BackendHandler
from cift.bus import buses
from cift.bus.base import Bus
from cift.bus.local import LocalBus


def described(**entry: Any) -> Any:
    return override_settings(BUSES={"default": entry})


def test_an_alias_has_one_instance() -> None:
    assert isinstance(buses["default"], LocalBus)
    assert buses["default"] is buses["default"]


def test_a_changed_setting_makes_a_new_instance() -> None:
    before = buses["default"]
    with described(BACKEND="cift.bus.local.LocalBus", OPTIONS={"socket": "elsewhere.sock"}):
        during = buses["default"]

    assert during is not before


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({}, "names no BACKEND"),
        ({"BACKEND": "cift.bus.nowhere.Bus"}, "names no BACKEND"),
        ({"BACKEND": "cift.bus.mailbox.Mailbox"}, "is not a Bus"),
        ({"BACKEND": "cift.bus.buses"}, "is not a Bus"),
    ],
)
def test_a_backend_that_cannot_be_is_named(entry: dict[str, Any], complaint: str) -> None:
    with described(**entry), pytest.raises(ImproperlyConfigured, match=complaint):
        buses["default"]


def test_an_alias_that_is_not_there_is_named() -> None:
    handler: BackendHandler[Bus] = BackendHandler("BUSES", Bus)  # type: ignore[type-abstract]

    with pytest.raises(ImproperlyConfigured, match="BUSES has no 'other'"):
        handler["other"]
