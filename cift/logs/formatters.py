"""How log lines are written: for people, or for programs; both say what the line belongs to."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from cift.logs.context import log_context

_PLAIN = re.compile(r"[A-Za-z0-9._:\-]{1,128}", re.ASCII)


class LineFormatter(logging.Formatter):
    """Lines for people: time, level, logger, text, and in brackets what the line belongs to."""

    def __init__(self) -> None:
        """Set their shape."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """Put the context behind the text, in front of a traceback."""
        named = _fields_of(record)
        told = " ".join(f"{name}={_spelt(value)}" for name, value in named.items())
        return f"{super().formatMessage(record)} [{told}]" if told else super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """Lines for programs: one JSON object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return msgspec.json.encode(line).decode()


def _fields_of(_record: logging.LogRecord) -> dict[str, int | str]:
    context = log_context()
    return {} if context is None else context.fields()


def _spelt(value: int | str) -> str:
    """Spell a value so that no client's id ends the line or looks like another field."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else ascii(text)
