"""The wire is one schema: golden bytes, made by the engine's side, are read and made again here."""

import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.orders.commands import COMMANDS
from apps.orders.events import EVENTS, event_decode
from cift.wire.base import Command, command_encode
from cift.wire.reasons import Reason

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"

CASES = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("commands", "events")}
BY_NAME: dict[str, Any] = {kind.__name__: kind for kind in (*COMMANDS, *EVENTS)}


def plain(value: Any) -> Any:
    """Show a message's fields as the golden files write them."""
    if isinstance(value, msgspec.Struct):
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name != "version"}
        return {"kind": type(value).__name__, "fields": fields} if isinstance(value, Command) else fields
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def named(case: dict[str, Any]) -> str:
    return f"{case['kind']}: {case['name']}"


@pytest.mark.parametrize("case", CASES["commands"], ids=named)
def test_a_command_s_golden_bytes_are_read_and_made(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["hex"])

    command = msgspec.msgpack.decode(encoded, type=BY_NAME[case["kind"]])

    assert plain(command)["fields"] == case["fields"]
    assert isinstance(command, Command)
    assert command_encode(command) == encoded


@pytest.mark.parametrize("case", CASES["events"], ids=named)
def test_an_event_s_golden_bytes_are_read_and_made(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["hex"])

    event = event_decode(encoded)

    assert type(event) is BY_NAME[case["kind"]]
    assert plain(event) == case["fields"]
    assert msgspec.msgpack.encode(event) == encoded


def test_every_command_and_event_has_golden_bytes() -> None:
    assert {case["kind"] for case in CASES["commands"]} == {kind.__name__ for kind in COMMANDS}
    assert {case["kind"] for case in CASES["events"]} == {kind.__name__ for kind in EVENTS}


@pytest.mark.parametrize(("file", "kinds"), [("command/kind.rs", COMMANDS), ("event.rs", EVENTS)])
def test_kinds_have_the_engine_s_numbers(file: str, kinds: tuple[type[msgspec.Struct], ...]) -> None:
    source = (ROOT / "matching_rs" / "core" / "src" / file).read_text()
    engine = {name: int(number) for name, number in re.findall(r"pub const ([A-Z_]+): u8 = (\d+);", source)}
    ours = {re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).upper(): kind.__struct_config__.tag for kind in kinds}

    assert ours == {name: number for name, number in engine.items() if name in ours}
    assert set(engine) - set(ours) <= {"COMMAND_VERSION", "FLAG_POST_ONLY"}


def test_reasons_are_the_engine_s() -> None:
    source = (ROOT / "matching_rs" / "core" / "src" / "reason.rs").read_text()
    engine = {name: int(number) for number, name in re.findall(r'\w+ = (\d+), "(\w+)";', source)}

    assert {reason.code: reason.value for reason in Reason} == engine
    assert all(reason.title for reason in Reason)
