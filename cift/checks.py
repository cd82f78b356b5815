"""What can be wrong with the settings, told by `manage.py check` before anything starts."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from cift.backends import BackendHandler
from cift.backoffice.contracts import operator_sessions, recorders
from cift.bus import buses
from cift.monitoring.health import checks as readiness_checks
from cift.orderservice.journal import journal_reads
from cift.wire.base import COMMANDS_PER_FRAME_MAX

ENGINE_MODULE = "cift_matching"
IDS_KEY_BYTES = 16

SECRET_LENGTH_MIN = 32
SECRET_LETTERS_MIN = 8
"""Fewer different letters, or bytes, are a repetition and no secret."""


@register()
def settings_check(*_arguments: Any, **_options: Any) -> list[CheckMessage]:
    """Look at everything the project's own settings name."""
    return [*_backends(), *_engine(), *_matching()]


@register(deploy=True)
def deployment_check(*_arguments: Any, **_options: Any) -> list[CheckMessage]:
    """Name each setting by which a venue in production would be open to strangers."""
    return [*_secrets(), *_exposed()]


def _secrets() -> Iterator[Error]:
    for name in ("SECRET_KEY", "TOKENS_KEY"):
        secret: str = getattr(settings, name)
        if len(secret) < SECRET_LENGTH_MIN:
            yield Error(f"{name} has fewer than {SECRET_LENGTH_MIN} letters.", id="cift.E005")
        elif len(set(secret)) < SECRET_LETTERS_MIN:
            yield Error(f"{name} repeats the same few letters.", id="cift.E005")
    if settings.SECRET_KEY == settings.TOKENS_KEY:
        yield Error("SECRET_KEY and TOKENS_KEY are the same.", id="cift.E005")
    if len(set(settings.MATCHING["IDS_KEY"])) < SECRET_LETTERS_MIN:
        yield Error("MATCHING['IDS_KEY'] repeats the same few bytes.", id="cift.E005")


def _exposed() -> Iterator[Error]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("ALLOWED_HOSTS takes any host.", id="cift.E006")
    if settings.DEBUG:
        yield Error("DEBUG is on.", id="cift.E006")


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
    for handler in (buses, journal_reads, recorders, operator_sessions):
        yield from backends_check(handler)
    yield from backends_check(readiness_checks, default=False)


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
