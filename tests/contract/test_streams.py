"""The streams' messages: golden bytes are read and made, versions and strange bytes told apart, the page is true."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.marketdata.messages import TradesMessage, trades_decode
from apps.orders.events import EVENTS as EVERY_EVENT
from apps.orders.events import KillSwitchSet
from apps.orders.matching.journal import JournalRow
from apps.orders.publishing.messages import EventsMessage, events_decode, messages_of
from cift.wire.base import event_kind, frame_pack
from cift.wire.streams import (
    STREAMS,
    MessageUnknownError,
    PlaceMessage,
    StreamHead,
    head_decode,
    place_decode,
)
from cift.wire.subjects import ROLES

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
CASES = json.loads((GOLDEN / "streams.json").read_text())
EVENT_CASES = json.loads((GOLDEN / "events.json").read_text())
DECODERS: dict[str, Callable[[bytes], StreamHead]] = {
    "TradesMessage": trades_decode,
    "EventsMessage": events_decode,
    "PlaceMessage": place_decode,
    "StreamHead": head_decode,
}
MEBIBYTE, DAY_S = 1024 * 1024, 86_400


def plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def row_of(*sections: bytes, number: int = 17) -> JournalRow:
    return JournalRow(number, 1, 1, 9, 1_700_000_000_000_000_000, 5, b"", frame_pack(sections), bytes(32))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_message_s_golden_bytes_are_read_and_made(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["hex"])
    message = DECODERS[case["kind"]](encoded)

    assert type(message).__name__ == case["kind"]
    assert plain(message) == case["fields"]
    assert msgspec.msgpack.encode(message) == encoded


def test_every_message_has_golden_bytes() -> None:
    assert {case["kind"] for case in CASES} == {kind.__name__ for kind in (TradesMessage, EventsMessage, PlaceMessage)}


@pytest.mark.parametrize("kind", DECODERS)
def test_another_version_is_told_apart_whatever_its_other_fields(kind: str) -> None:
    for version in (0, 2, 2**63):
        with pytest.raises(MessageUnknownError, match=f"version {version}, and 1 is known"):
            DECODERS[kind](msgspec.msgpack.encode([version, 0, 17, 1, "new", {}]))


@pytest.mark.parametrize("kind", DECODERS)
def test_strange_bytes_are_no_message(kind: str) -> None:
    dice = random.Random(1)  # noqa: S311 - a test's dice
    known = [bytes.fromhex(case["hex"]) for case in CASES if case["kind"] == kind] or [b"\x94\x01\x00\x01\x01"]
    strange = [b"", b"\xc1", b"\x91" * 200_000, *(message[:-1] for message in known)]
    strange += [dice.randbytes(dice.randrange(200)) for _ in range(500)]
    for message in strange:
        with pytest.raises(MessageUnknownError):
            DECODERS[kind](message)


def test_a_field_behind_those_that_are_known_is_left_alone() -> None:
    place = place_decode(msgspec.msgpack.encode([1, 0, 20, 5, 1234, "later"]))
    assert place == PlaceMessage(1, 0, 20, 5, 1234)


@pytest.mark.parametrize("case", EVENT_CASES, ids=lambda case: f"{case['kind']}: {case['name']}")
def test_an_event_s_kind_is_read_without_the_rest(case: dict[str, Any]) -> None:
    (kind,) = (each for each in EVERY_EVENT if each.__name__ == case["kind"])
    assert event_kind(bytes.fromhex(case["hex"])) == kind.__struct_config__.tag


def test_each_kind_of_event_is_in_one_stream_and_a_trade_for_the_public_as_well() -> None:
    of_orders = {
        *("CommandDuplicate", "CommandRejected", "OrderAccepted", "OrderRejected", "Trade"),
        *("OrderCanceled", "OrderAmended", "OrderReduced", "OrdersCanceled", "BatchDone"),
    }
    for case in EVENT_CASES:
        encoded = bytes.fromhex(case["hex"])
        found = {message.stream: message.payload for message in messages_of(row_of(encoded), shard=0)}
        stream = "ORDERS" if case["kind"] in of_orders else "EVENTS"
        assert found.keys() == ({"MARKET_DATA", "ORDERS"} if case["kind"] == "Trade" else {stream})
        assert plain(events_decode(found[stream]))["events"] == [case["fields"]]


def test_a_batch_with_more_events_than_a_message_takes_has_several() -> None:
    event = msgspec.msgpack.encode(KillSwitchSet(sequence=1, on=True))
    messages = list(messages_of(row_of(event * 5_000, event * 5_000), shard=0))
    parts = [events_decode(message.payload) for message in messages]

    assert [len(each.events) for each in parts] == [4_096, 4_096, 1_808]
    assert [each.part for each in parts] == [0, 1, 2]
    subject = "venue_events.events.0"
    assert [message.id for message in messages] == [f"0.17.{subject}", f"0.17.{subject}.1", f"0.17.{subject}.2"]


def test_streams_and_the_bus_share_no_subject() -> None:
    families = {stream.family for stream in STREAMS}
    others = {subject for role in ROLES.values() for subject in (*role.listens, *role.asks, *role.responds)}

    assert len(families) == len(STREAMS)
    assert not {subject for subject in others if subject.partition(".")[0] in families}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_page_says_each_stream_s_bounds(stream: Any) -> None:
    page = (ROOT / "docs" / "reference" / "streams.md").read_text(encoding="utf-8")
    bounds = f"{stream.bytes_max // MEBIBYTE:,} MiB | {stream.age_s // DAY_S} days"
    assert f"| `{stream.name}` | `{stream.subjects[0]}` | {bounds} |" in page
    assert f"dropped for {stream.duplicate_s} s" in page
    assert f"at most {stream.message_bytes_max // MEBIBYTE} MiB" in page
