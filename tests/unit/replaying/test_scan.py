"""What the journal has of a replay, read from batches a real engine made."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash, OpenAccount
from apps.marketdata.codes import InstrumentKind, Side
from apps.marketdata.commands import ListAsset, ListInstrument
from apps.marketdata.feeds.lobster import opening_book, read_books, read_messages
from apps.marketdata.feeds.plan import Planner, Step
from apps.marketdata.feeds.sample import write_sample
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import OpenEpoch, OpenVenue, SubmitOrder
from apps.orders.matching.engine import engine_new, row_of
from apps.orders.matching.journal import JournalRow
from apps.replaying.agreement import agreement, distinct
from apps.replaying.observer import BookObserver
from apps.replaying.scan import OtherFlowError, Scan
from apps.replaying.translation import MAKERS, TAKERS, Scaler, Translator
from cift.wire.base import Command, command_encode, frame_pack

FIRST_ACCOUNT = 3
ACCOUNTS = MAKERS + TAKERS
LISTING = ListInstrument(
    symbol="AAPL-USD",
    kind=InstrumentKind.SHARE,
    base=2,
    quote=1,
    price_scale=2,
    tick_size=1,
    lot_size=1,
    quantity_min=1,
    quantity_max=1_000_000,
    notional_min=0,
    band_ppm=0,
    slippage_ppm=0,
    reference_price=0,
    maker_ppm=0,
    taker_ppm=300,
)
OPENING: list[Command] = [
    OpenVenue(hash_key=bytes(16)),
    OpenEpoch(epoch=1),
    ListAsset(symbol="USD", scale=6),
    ListAsset(symbol="AAPL", scale=0),
    LISTING,
    *(OpenAccount(id=f"a{index}", owner=0) for index in range(ACCOUNTS + 1)),
    *(
        MoveCash(account=FIRST_ACCOUNT + index, id=f"f{asset}", kind=CashKind.DEPOSIT, asset=asset, amount=10**15)
        for index in range(ACCOUNTS + 1)
        for asset in (1, 2)
    ),
]


class Shard:
    """A real engine and the journal rows it made."""

    def __init__(self) -> None:
        self.engine = engine_new()
        self.rows: list[JournalRow] = []
        self.apply(OPENING, at=1)

    def apply(self, commands: list[Command], *, at: int) -> None:
        frame = frame_pack(command_encode(command) for command in commands)
        batch = self.engine.apply(frame, number=len(self.rows) + 1, at=at)
        self.rows.append(row_of(batch, epoch=1))


class Flow:
    """A sample, and what a replay of it sends."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.messages, self.book = write_sample(folder, messages=400, seed=seed)

    def steps(self) -> Iterator[Step]:
        return Planner().steps(opening_book(self.book, self.messages), read_messages(self.messages))

    def translator(self) -> Translator:
        accounts = tuple(range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS))
        return Translator(Scaler(1, LISTING, 0, 6), accounts[:MAKERS], accounts[MAKERS:])

    def scan(self, shard: Shard) -> Scan:
        scan = Scan(self.translator(), self.steps(), BookObserver(1))
        scan.read(shard.rows)
        return scan

    def send(self, shard: Shard, *, first: int = 0, count: int | None = None, deadline: int = 0) -> None:
        """Send steps one after another, ten a batch; ids are learnt from the journal, as a rerun does."""
        steps = islice(self.steps(), first, None if count is None else first + count)
        while chunk := list(islice(steps, 10)):
            known = self.scan(shard).translator
            ready = [step for step in chunk if known.ready(step)]
            for part in [chunk] if len(ready) == len(chunk) else [[step] for step in chunk]:
                known = self.scan(shard).translator
                shard.apply([known.command(step, deadline=deadline) for step in part], at=len(shard.rows) + 1)


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path, seed=17)


def test_an_empty_journal_leaves_every_step_to_be_sent(flow: Flow) -> None:
    scan = flow.scan(Shard())
    assert scan.done == 0
    assert list(scan.steps) == list(flow.steps())


def test_a_beginning_leaves_the_rest_and_the_ids_it_needs(flow: Flow) -> None:
    shard = Shard()
    flow.send(shard, count=123)
    scan = flow.scan(shard)
    assert scan.done == 123
    assert list(scan.steps) == list(flow.steps())[123:]
    assert not scan.refused


def test_the_whole_gives_the_recorded_book_command_by_command(flow: Flow) -> None:
    shard = Shard()
    flow.send(shard)
    scan = flow.scan(shard)
    scaler = scan.translator.scaler
    recorded = [
        tuple((scaler.price(level.price), level.size) if level else None for level in row.best())
        for row in read_books(flow.book)
    ]
    theirs = list(distinct(recorded))
    assert agreement(scan.states, theirs) == len(theirs) == len(scan.states)
    assert (scan.crossed, scan.done, dict(scan.refused)) == (0, len(list(flow.steps())), {})
    assert scan.trades > 0


def test_other_accounts_commands_are_not_counted_but_change_the_book(flow: Flow) -> None:
    shard = Shard()
    flow.send(shard, count=50)
    before = flow.scan(shard)
    ask = before.observer.top().ask
    assert ask is not None
    shard.apply([order_of(FIRST_ACCOUNT + ACCOUNTS, "other", price=ask.price - 1)], at=100)
    after = flow.scan(shard)
    assert after.done == before.done
    bid = after.observer.top().bid
    assert bid != before.observer.top().bid
    assert bid is not None
    assert bid.price == ask.price - 1


def test_a_late_or_repeated_command_was_not_done(flow: Flow) -> None:
    shard = Shard()
    flow.send(shard, count=5)
    # Late: past its deadline when it is matched. Repeated: answered with what it was the first time.
    late = flow.scan(shard)
    shard.apply([late.translator.command(next(late.steps), deadline=1)], at=1_000)
    first = next(flow.steps())
    shard.apply([flow.translator().command(first)], at=1_001)
    scan = flow.scan(shard)
    assert scan.done == 5
    assert next(scan.steps) == list(flow.steps())[5]


def test_a_command_the_plan_has_not_is_named(flow: Flow) -> None:
    shard = Shard()
    flow.send(shard, count=5)
    shard.apply([order_of(FIRST_ACCOUNT, "mine-but-not-planned", price=1)], at=100)
    with pytest.raises(OtherFlowError, match="mine-but-not-planned"):
        flow.scan(shard)


def test_another_recording_is_not_taken_for_this_one(flow: Flow, tmp_path: Path) -> None:
    shard = Shard()
    flow.send(shard, count=20)
    other = Flow(tmp_path, seed=18)
    with pytest.raises(OtherFlowError, match="where the plan"):
        other.scan(shard)


def order_of(account: int, name: str, *, price: int) -> SubmitOrder:
    return SubmitOrder(
        account=account,
        id=name,
        instrument=1,
        side=Side.BUY,
        type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        price=price,
        quantity=1,
    )
