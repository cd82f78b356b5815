"""What a name may be, and that the engine agrees: each rule stands in Python's words and in Rust's."""

import itertools
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from cift_matching import Engine

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash, OpenAccount
from apps.marketdata.codes import InstrumentKind
from apps.marketdata.commands import ListAsset, ListInstrument
from apps.orders.commands import OpenEpoch, OpenVenue
from cift.fields import ASSET_SYMBOL, CLIENT_ORDER_ID, SYMBOL, FieldInvalidError, Kind
from cift.wire.base import Command, command_encode, frame_pack
from cift.wire.reasons import Reason

AT = 1_700_000_000_000_000_000
ACCOUNT = 3
COMMAND_REJECTED = 4
ALPHABET = ("A", "7", "a", ".", "-", "_", ":", "/", "%", " ", "\\", "é")
SHORT = [
    "",
    *("".join(name) for length in (1, 2, 3) for name in itertools.product(ALPHABET, repeat=length)),
]
LONG = [kind * length for kind in ("A", "B.", "7", ".") for length in (15, 16, 17, 30, 31, 32, 33, 63, 64, 65)]


def allows(kind: Kind, name: str) -> bool:
    try:
        kind(name)
    except FieldInvalidError:
        return False
    return True


def batched(commands: list[Command]) -> Iterator[list[Command]]:
    """Frames hold a thousand commands."""
    for start in range(0, len(commands), 1_000):
        yield commands[start : start + 1_000]


def listed(commands: Iterable[Command]) -> list[bool]:
    """Which of some commands an engine carried out."""
    before: list[Command] = [
        OpenVenue(hash_key=bytes(16)),
        OpenEpoch(epoch=1),
        ListAsset(symbol="USD", scale=2),
        ListAsset(symbol="X", scale=0),
        OpenAccount(id="opened", owner=1),
    ]
    engine = Engine()
    told: list[bytes] = []
    for number, part in enumerate(batched([*before, *commands]), start=1):
        batch = engine.apply(frame_pack([command_encode(command) for command in part]), number=number, at=AT)
        told += [msgspec.msgpack.decode(reply)[2] for reply in batch.replies()]
    events = [msgspec.msgpack.decode(section) for section in told[len(before) :]]
    refused = {event[3] for event in events if event[0] == COMMAND_REJECTED}
    assert refused <= {Reason.LISTING_INVALID, Reason.ID_INVALID}
    return [event[0] != COMMAND_REJECTED for event in events]


def test_assets_are_named_alike_here_and_in_the_engine() -> None:
    names = [*SHORT, *LONG]
    assert listed(ListAsset(symbol=name, scale=0) for name in names) == [allows(ASSET_SYMBOL, name) for name in names]


def test_instruments_are_named_alike_here_and_in_the_engine() -> None:
    names = [*SHORT, *LONG, *(f"{name}-USD" for name in [*SHORT, *LONG])]
    commands = (
        ListInstrument(
            symbol=name,
            kind=InstrumentKind.SHARE,
            base=2,
            quote=1,
            price_scale=2,
            tick_size=1,
            lot_size=1,
            quantity_min=1,
            quantity_max=10,
            notional_min=0,
            band_ppm=0,
            slippage_ppm=0,
            reference_price=0,
            maker_ppm=0,
            taker_ppm=0,
        )
        for name in names
    )
    assert listed(commands) == [allows(SYMBOL, name) for name in names]


def test_the_engine_takes_every_id_that_clients_may_give_and_neither_dot_segment() -> None:
    names = [*SHORT, *LONG]
    taken = listed(MoveCash(account=ACCOUNT, id=name, kind=CashKind.DEPOSIT, asset=1, amount=1) for name in names)
    assert all(done for name, done in zip(names, taken, strict=True) if allows(CLIENT_ORDER_ID, name))
    refused = {name for name, done in zip(names, taken, strict=True) if not done}
    assert refused == {"", ".", "..", *(name for name in LONG if len(name) > 64)}


@pytest.mark.parametrize("name", ["a", "...", ".a", "..a", "a.", "...a", "-", ":", "_", "a" * 64, "." * 64])
def test_an_id_of_a_client_is_a_segment_of_an_address(name: str) -> None:
    assert allows(CLIENT_ORDER_ID, name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "%2e", "%2E%2e", "a?", "a#", "a b", "a\n", "a" * 65])
def test_what_an_address_would_lose_is_no_id(name: str) -> None:
    assert not allows(CLIENT_ORDER_ID, name)


@pytest.mark.parametrize(
    "name", ["amzn-usd", "A-B-USD", "abcAAPL-USDx", "AAPL-USD\n", "AAPL", ".-USD", "A" * 29 + "-USD"]
)
def test_what_clients_cannot_say_is_no_symbol(name: str) -> None:
    assert not allows(SYMBOL, name)
