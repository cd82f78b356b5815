from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.test import override_settings

from apps.marketdata.checks import tick_stores_check
from cift import checks
from cift.env import SetupError
from cift.exposure import exposed_refuse


def found() -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in checks.settings_check()]


def test_the_settings_as_they_are_have_nothing_wrong() -> None:
    assert found() == []


def test_a_bus_that_cannot_be_made_is_named() -> None:
    with override_settings(BUSES={"default": {"BACKEND": "cift.bus.local.LocalBus", "OPTIONS": {"port": 1}}}):
        ((check, text),) = found()

    assert check == "cift.E001"
    assert text.startswith("BUSES['default'] cannot be used")


@pytest.mark.parametrize(
    ("setting", "contract", "check"),
    [
        ("BUSES", "cift.bus.base.Bus", checks.settings_check),
        ("JOURNAL_READS", "cift.orderservice.journal.JournalReads", checks.settings_check),
        ("AUDIT_RECORDERS", "cift.backoffice.contracts.AuditRecorder", checks.settings_check),
        ("OPERATOR_SESSIONS", "cift.backoffice.contracts.OperatorSessions", checks.settings_check),
        ("TICK_STORES", "apps.marketdata.ticks.base.TickStore", tick_stores_check),
    ],
)
def test_a_backend_that_does_not_keep_its_contract_is_named(setting: str, contract: str, check: Any) -> None:
    assert check() == []
    for backend, complaint in (
        ("cift.bus.mailbox.Mailbox", f"is not a {contract.rpartition('.')[2]}"),
        ("cift.nowhere.Backend", "names no BACKEND that can be imported"),
        # The contract itself: a class that leaves its methods out.
        (contract, "abstract"),
    ):
        with override_settings(**{setting: {"default": {"BACKEND": backend}}}):
            (message,) = check()
        assert message.id == "cift.E001"
        assert message.msg.startswith(f"{setting}['default'] cannot be used")
        assert complaint in message.msg
    with override_settings(**{setting: {}}):
        assert [message.msg for message in check()] == [f"{setting} has no 'default'."]


def test_an_engine_that_is_not_built_is_said() -> None:
    with mock.patch.object(checks, "ENGINE_MODULE", "cift_nowhere"):
        assert found() == [("cift.E002", "The engine is not built.")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"QUEUE_COMMANDS_MAX": 0},
        {"BATCH_COMMANDS_MAX": 1_001},
        {"LEASE_S": 0},
        {"IDS_MAX": 1_999_999},
        {"IDS_KEY": b"short"},
    ],
)
def test_a_bound_of_the_order_service_that_cannot_be_is_named(wrong: dict[str, Any]) -> None:
    with override_settings(MATCHING={**settings.MATCHING, **wrong}):
        ((check, text),) = found()

    assert check == "cift.E003"
    assert next(iter(wrong)) in text


_SOUND: dict[str, Any] = {
    "SECRET_KEY": "Zb3-kq9_Vw7xN1mT5rYd8sHf2gJp6cLa",
    "TOKENS_KEY": "Qe4-hu8_Bn2vM6kR0tXw9zKj3lGo7iPy",
    "MATCHING": {"IDS_KEY": bytes(range(16))},
    "ALLOWED_HOSTS": ["venue.example"],
    "DEBUG": False,
}


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, []),
        ({"SECRET_KEY": _SOUND["SECRET_KEY"][:-1]}, ["SECRET_KEY has fewer"]),
        ({"TOKENS_KEY": "ab" * 32}, ["TOKENS_KEY repeats"]),
        ({"TOKENS_KEY": _SOUND["SECRET_KEY"]}, ["SECRET_KEY and TOKENS_KEY are the same"]),
        ({"MATCHING": {"IDS_KEY": bytes(16)}}, ["MATCHING['IDS_KEY'] repeats"]),
        ({"ALLOWED_HOSTS": ["venue.example", "*"], "DEBUG": True}, ["ALLOWED_HOSTS takes", "DEBUG is on"]),
    ],
)
def test_what_would_open_a_venue_in_production_is_named_each_by_itself(
    changed: dict[str, Any], names: list[str]
) -> None:
    with override_settings(**{**_SOUND, **changed}):
        told = [message.msg for message in checks.deployment_check()]

    assert len(told) == len(names)
    assert all(text.startswith(name) for text, name in zip(told, names, strict=True))


def test_what_serves_is_refused_with_all_of_it_in_one_line_where_the_settings_say_so() -> None:
    unsafe = {**_SOUND, "SECRET_KEY": "short", "DEBUG": True}
    with override_settings(**unsafe, EXPOSED_REFUSED=False):
        exposed_refuse()
    with override_settings(**_SOUND, EXPOSED_REFUSED=True):
        exposed_refuse()

    with override_settings(**unsafe, EXPOSED_REFUSED=True), pytest.raises(SetupError) as refused:
        exposed_refuse()

    assert "SECRET_KEY has fewer" in str(refused.value)
    assert "DEBUG is on" in str(refused.value)
    assert "\n" not in str(refused.value)
