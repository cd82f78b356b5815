"""What can be wrong with the settings, told by `manage.py check` before anything starts."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from cift.backends import BackendHandler
from cift.backoffice.contracts import operator_sessions, recorders
from cift.bus import buses
from cift.bus.streams import streams
from cift.exposure import doors_open, secrets_weak
from cift.monitoring.access import operators as monitoring_operators
from cift.monitoring.health import checks as readiness_checks
from cift.orderservice.journal import journal_reads
from cift.wire.base import COMMANDS_PER_FRAME_MAX

ENGINE_MODULE = "cift_matching"
IDS_KEY_BYTES = 16


@register()
def settings_check(*_arguments: Any, **_options: Any) -> list[CheckMessage]:
    """Look at everything the project's own settings name."""
    return [*_backends(), *_engine(), *_matching()]


@register("exposure", deploy=True)
def deployment_check(*_arguments: Any, **_options: Any) -> list[CheckMessage]:
    """Name each setting by which a venue in production would be open to strangers."""
    weak = [Error(text, id="cift.E005") for text in secrets_weak()]
    return [*weak, *(Error(text, id="cift.E006") for text in doors_open())]


def engine_is_built() -> bool:
    """Return whether the compiled engine is installed."""
    return find_spec(ENGINE_MODULE) is not None


def backends_check(handler: BackendHandler[Any], *, default: bool = True) -> Iterator[Error]:
    """Make all backends of a setting; `default`: it must have one of that alias."""
    for fault in handler.faults():
        yield Error(fault, id="cift.E001")
    if default and "default" not in getattr(settings, handler.setting, {}):
        yield Error(f"{handler.setting} has no 'default'.", id="cift.E001")


def _backends() -> Iterator[Error]:
    for handler in (buses, journal_reads, recorders, operator_sessions, monitoring_operators):
        yield from backends_check(handler)
    for others in (streams, readiness_checks):
        yield from backends_check(others, default=False)


def _engine() -> Iterator[Error]:
    if not engine_is_built():
        yield Error("The engine is not built.", hint="Run make setup.", id="cift.E002")


def _matching() -> Iterator[Error]:
    matching = settings.MATCHING
    bounds = {
        "OPEN_ORDERS_MAX": 2**20 - 1,
        "IDS_MAX": 2**22 - 1,
        "IDS_WINDOW_S": 10 * 24 * 60 * 60,
        "QUEUE_COMMANDS_MAX": 1_000_000,
        "BATCH_COMMANDS_MAX": COMMANDS_PER_FRAME_MAX,
        "SNAPSHOT_EVERY_BATCHES": 1_000_000,
        "LEASE_S": 600,
    }
    for name, most in bounds.items():
        if not 1 <= matching[name] <= most:
            yield Error(f"MATCHING[{name!r}] must be from 1 to {most}.", id="cift.E003")
    # Ids of open orders stay; were they to fill the half that is divided among the accounts, no new id could be taken.
    if matching["IDS_MAX"] < 2 * matching["OPEN_ORDERS_MAX"]:
        yield Error("MATCHING['IDS_MAX'] must be at least twice MATCHING['OPEN_ORDERS_MAX'].", id="cift.E003")
    if len(matching["IDS_KEY"]) != IDS_KEY_BYTES:
        yield Error(f"MATCHING['IDS_KEY'] must have {IDS_KEY_BYTES} bytes.", id="cift.E003")
