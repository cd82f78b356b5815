"""The standard flow is the same everywhere: a benchmark's numbers are worth comparing only over the same work."""

import struct
from pathlib import Path

import pytest

from tests.performance.flow import HEADER, RECORD, FlowType, StandardFlow, TradeTally


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (StandardFlow(1, 20_000, 1_000, 7), TradeTally(3_573, 132_402, 0xDCFB383B6B01E2DC)),
        (StandardFlow(5, 20_000, 100, 9), TradeTally(3_460, 131_645, 0x3FE3916DE213474C)),
        (StandardFlow(100, 50_000, 50, 3), TradeTally(8_954, 344_616, 0x832DC995DA99B796)),
    ],
)
def test_a_flow_comes_to_the_trades_the_standard_generator_gives(flow: StandardFlow, expected: TradeTally) -> None:
    records = list(flow.records())
    assert flow.expected == expected
    assert len(records) == flow.symbols * flow.live + flow.messages


def test_half_adds_two_fifths_cancel_a_tenth_take() -> None:
    flow = StandardFlow(1, 20_000, 1_000, 7)
    kinds = [record.type for record in flow.records()][flow.live :]
    assert [kinds.count(kind) for kind in FlowType] == [10_281, 7_691, 2_028]


def test_the_file_holds_every_record_and_what_they_come_to(tmp_path: Path) -> None:
    flow = StandardFlow(2, 500, 20, 1)
    flow.write(tmp_path / "flow.bin")
    packed = (tmp_path / "flow.bin").read_bytes()
    magic, symbols, live, resting, messages, *_, trades, quantity, seal, adds, cancels, takes = HEADER.unpack_from(
        packed
    )
    assert (magic, symbols, live, resting, messages) == (b"CFLW0001", 2, 20, 40, 500)
    assert TradeTally(trades, quantity, seal) == flow.expected
    assert adds + cancels + takes == 500
    assert list(struct.iter_unpack(RECORD.format, packed[HEADER.size :])) == [tuple(each) for each in flow.records()]
