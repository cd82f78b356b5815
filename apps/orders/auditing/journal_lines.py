"""The journal's batches as JSON lines: what `manage.py journal export` writes; shapes: docs/how-to/journal.md."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import msgspec

from apps.orders.commands import OpenVenue, command_decode
from apps.orders.events import section_decode
from apps.orders.matching.journal import JournalRow
from cift.wire.base import frame_split

_encode = msgspec.json.Encoder().encode

_HIDDEN = "hidden"


def line_of(row: JournalRow) -> bytes:
    """Write a batch as one line."""
    *sections, last = frame_split(row.events)
    return _encode(
        {
            "number": row.number,
            "epoch": row.epoch,
            "first_sequence": row.first_sequence,
            "last_sequence": row.last_sequence,
            "at": row.at,
            "engine_version": row.engine_version,
            "chain": row.chain.hex(),
            "commands": [_command(command) for command in frame_split(row.commands)],
            "events": [list(_events(section)) for section in sections],
            "batch_events": list(_events(last)),
        }
    )


def _command(message: bytes) -> dict[str, Any]:
    """Return a command's fields; bytes that are none, which the engine refused as such, are given in hex."""
    try:
        command = command_decode(message)
    except msgspec.MsgspecError:
        return {"name": None, "bytes": message.hex()}
    fields = _fields(command)
    if isinstance(command, OpenVenue):
        # The secret under which client ids are remembered.
        fields["hash_key"] = _HIDDEN
    return fields


def _events(section: bytes) -> Iterator[dict[str, Any]]:
    return map(_fields, section_decode(section))


def _fields(message: msgspec.Struct) -> dict[str, Any]:
    named = {name: _plain(getattr(message, name)) for name in message.__struct_fields__}
    return {"name": type(message).__name__, **named}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, IntEnum):
        return value.name.lower()
    return value
