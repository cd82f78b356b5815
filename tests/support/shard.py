"""A shard for tests: commands that touch every table, a journal made of them, a writer driven by hand."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec

from apps.accounts.codes import AccountStatus, CashKind, SelfTradePrevention, WithdrawalEnd
from apps.accounts.commands import (
    ChangeAccount,
    MoveCash,
    OpenAccount,
    RequestWithdrawal,
    SetPositionLimit,
    SettleWithdrawal,
)
from apps.accounts.events import WithdrawalRequested, WithdrawalSettled
from apps.marketdata.codes import InstrumentKind, InstrumentStatus, Side
from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument, SetFeeTier
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import (
    AmendOrder,
    Batch,
    CancelOrder,
    CancelOrders,
    OpenEpoch,
    OpenVenue,
    SetKillSwitch,
    SubmitOrder,
)
from apps.orders.events import AnyEvent, OrderAccepted, OrderCanceled, Trade, section_decode
from apps.orders.matching import engine as rust
from apps.orders.matching.connection import JournalConnection, Rows
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.lease import Lease
from apps.orders.matching.work import WorkReply, WriterOptions, WriterState
from apps.orders.matching.writer import Writer
from cift.wire.base import Command, Reply, command_encode, frame_pack
from cift.wire.queries import Answer, Query, answer_decode, query_encode
from tests.support.databases import at_end

IDS_KEY = bytes(range(16))
USD, AAPL, BTC = 1, 2, 3
AAPL_USD, BTC_USD = 1, 2
TRADERS = (3, 4, 5, 6)
T0 = 1_700_000_000_000_000_000


def opening() -> list[Command]:
    """List two instruments, open four accounts, the last two of one group, and give them all they need."""
    commands: list[Command] = [
        ListAsset(symbol="USD", scale=2),
        ListAsset(symbol="AAPL", scale=0),
        ListAsset(symbol="BTC", scale=8),
        listing("AAPL-USD", base=AAPL, price_scale=2, tick_size=1, lot_size=1),
        listing("BTC-USD", base=BTC, price_scale=2, tick_size=100, lot_size=1_000_000),
    ]
    commands += [OpenAccount(id=f"open-{n}", owner=n, group=9 if n >= 3 else 0) for n in range(1, 5)]
    for account in TRADERS:
        for asset, amount in ((USD, 10**10), (AAPL, 10**6), (BTC, 10**12)):
            commands.append(
                MoveCash(
                    account=account, id=f"fund-{account}-{asset}", kind=CashKind.DEPOSIT, asset=asset, amount=amount
                )
            )
    return commands


def listing(symbol: str, *, base: int, price_scale: int, tick_size: int, lot_size: int) -> ListInstrument:
    return ListInstrument(
        symbol=symbol,
        kind=InstrumentKind.SHARE,
        base=base,
        quote=USD,
        price_scale=price_scale,
        tick_size=tick_size,
        lot_size=lot_size,
        quantity_min=lot_size,
        quantity_max=lot_size * 10_000,
        notional_min=0,
        band_ppm=0,
        slippage_ppm=0,
        reference_price=0,
        maker_ppm=1_000,
        taker_ppm=2_500,
    )


class Flow:
    """Random commands of every kind; it learns what is open from the events it is shown."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test's dice
        self._open: dict[int, int] = {}
        self._withdrawals: dict[int, WithdrawalRequested] = {}
        self._next = 0

    def see(self, events: Iterator[AnyEvent]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted):
                self._open[event.order_id] = event.account
            elif isinstance(event, OrderCanceled):
                self._open.pop(event.order_id, None)
            elif isinstance(event, WithdrawalRequested):
                self._withdrawals[event.sequence] = event
            elif isinstance(event, WithdrawalSettled):
                self._withdrawals.pop(event.request_sequence)
            elif isinstance(event, Trade):
                for order_id, leaves in (
                    (event.maker_order_id, event.maker_leaves),
                    (event.taker_order_id, event.taker_leaves),
                ):
                    if leaves == 0:
                        self._open.pop(order_id, None)

    def commands(self, count: int) -> list[Command]:
        return [self._command() for _ in range(count)]

    def submit(self, **changes: Any) -> SubmitOrder:
        dice = self._random
        self._next += 1
        instrument = dice.choice((AAPL_USD, AAPL_USD, BTC_USD))
        side = dice.choice((Side.BUY, Side.SELL))
        price = 15_000 + dice.randint(-60, 20) if side is Side.BUY else 15_000 + dice.randint(-20, 60)
        quantity = dice.randint(1, 50)
        if instrument == BTC_USD:
            price, quantity = price * 100, quantity * 1_000_000
        terms: dict[str, Any] = {
            "account": dice.choice(TRADERS),
            "id": f"o-{self._next}",
            "instrument": instrument,
            "side": side,
            "type": OrderType.LIMIT,
            "tif": dice.choice((TimeInForce.GTC,) * 8 + (TimeInForce.IOC, TimeInForce.FOK)),
            "flags": dice.choice((0,) * 9 + (FLAG_POST_ONLY,)),
            "stp": dice.choice(tuple(SelfTradePrevention)),
            "price": price,
            "quantity": quantity,
        }
        kind = dice.random()
        if kind < 0.1:
            terms |= {"type": OrderType.MARKET, "tif": TimeInForce.IOC, "price": 0, "flags": 0}
            if kind < 0.05:
                terms |= {"quantity": 0, "quote_amount": dice.randint(10_000, 2_000_000)}
        elif terms["flags"]:
            terms["tif"] = TimeInForce.GTC
        return SubmitOrder(**(terms | changes))

    def _command(self) -> Command:
        dice = self._random
        kind = dice.random()
        if kind < 0.65 or not self._open:
            return self.submit()
        order_id = dice.choice(list(self._open))
        account = self._open[order_id]
        if kind < 0.82:
            return CancelOrder(account=account, order_id=order_id)
        if kind < 0.92:
            return AmendOrder(
                account=account,
                order_id=order_id,
                price=dice.choice((None, 15_000 + dice.randint(-30, 30))),
                quantity=dice.choice((None, dice.randint(1, 60))),
            )
        return self._rare(account, order_id)

    def _rare(self, account: int, order_id: int) -> Command:
        dice = self._random
        self._next += 1
        return dice.choice(
            (
                lambda: CancelOrders(account=account, side=dice.choice((None, Side.BUY))),
                lambda: Batch(
                    account=account,
                    atomic=dice.choice((True, False)),
                    members=[
                        CancelOrder(account=account, order_id=order_id),
                        self.submit(account=account),
                        self.submit(account=account),
                    ],
                ),
                lambda: MoveCash(
                    account=account,
                    id=f"m-{self._next}",
                    kind=CashKind.WITHDRAWAL,
                    asset=USD,
                    amount=dice.randint(1, 100),
                ),
                lambda: RequestWithdrawal(
                    account=account, id=f"w-{self._next}", asset=dice.choice((USD, AAPL)), amount=dice.randint(1, 99)
                ),
                self._settle,
                lambda: ChangeAccount(account=account, fee_tier=dice.choice((0, 1)), status=AccountStatus.ACTIVE),
                lambda: SetFeeTier(instrument=AAPL_USD, tier=dice.choice((0, 1)), maker_ppm=500, taker_ppm=1_500),
                lambda: ChangeInstrument(instrument=BTC_USD, status=InstrumentStatus.CONTINUOUS, band_ppm=900_000),
                lambda: SetPositionLimit(account=account, instrument=AAPL_USD, limit=dice.choice((0, 10**6))),
                lambda: SetKillSwitch(on=False),
                lambda: MoveCash(
                    account=account, id="m-once", kind=CashKind.ADJUSTMENT, asset=AAPL, amount=dice.choice((1, -1))
                ),
            )
        )()

    def _settle(self) -> Command:
        dice = self._random
        request = dice.choice(list(self._withdrawals.values()) or [None])
        return SettleWithdrawal(
            account=request.account if request else TRADERS[0],
            id=f"s-{self._next}",
            request=request.id if request else "never asked for",
            end=dice.choice(tuple(WithdrawalEnd)),
        )


def frame_of(*commands: Command) -> bytes:
    return frame_pack(command_encode(command) for command in commands)


def events_of(batch: rust.Batch) -> Iterator[AnyEvent]:
    for section in rust.sections(batch.events):
        yield from section_decode(section)


def events_made(commands: int, *, batch: int = 20, seed: int = 1) -> Iterator[tuple[int, list[AnyEvent]]]:
    """Return each batch's time and events of random commands, as a journal of its own would have them."""
    engine, flow = rust.engine_new(), Flow(seed)
    begin: list[Command] = [OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()]
    for number in range(-batch, commands, batch):
        frame = frame_of(*(begin if number < 0 else flow.commands(min(batch, commands - number))))
        made = engine.apply(frame, number=engine.number + 1, at=max(T0, engine.at) + 1_000_000)
        events = list(events_of(made))
        flow.see(iter(events))
        yield made.at, events


def journal_fill(
    commands: int,
    *,
    batch: int = 20,
    shard: int = 0,
    seed: int = 1,
    engine: rust.Engine | None = None,
    step_ns: int = 1_000_000,
) -> rust.Engine:
    """Write a journal of random commands, `step_ns` between batches; gives the engine behind it."""
    journal, flow = Journal(shard), Flow(seed)
    if engine is None:
        engine = rust.engine_new(shard)
        batch_append(journal, engine, [OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1)])
        flow.see(events_of(batch_append(journal, engine, opening())))
    for number in range(0, commands, batch):
        found = batch_append(journal, engine, flow.commands(min(batch, commands - number)), step_ns=step_ns)
        flow.see(events_of(found))
        if number <= commands // 2 < number + batch:
            batch_append(journal, engine, [OpenEpoch(epoch=engine.epoch + 1)])
    return engine


def batch_append(
    journal: Journal, engine: rust.Engine, commands: list[Command], *, step_ns: int = 1_000_000
) -> rust.Batch:
    made = engine.apply(frame_of(*commands), number=engine.number + 1, at=max(T0, engine.at) + step_ns)
    journal.append(rust.row_of(made, epoch=engine.epoch))
    return made


def deliver(outcomes: list[WorkReply]) -> None:
    for future, answer in outcomes:
        future.set_result(answer)


class CountedConnection(JournalConnection):
    """Counts the rows each statement reads."""

    def __init__(self) -> None:
        super().__init__()
        self.rows_read: list[int] = []

    def run(self, statement: str, values: tuple[Any, ...]) -> tuple[Rows, int]:
        rows, touched = super().run(statement, values)
        self.rows_read.append(len(rows))
        return rows, touched


class Journals:
    """Opens journals whose appends and heads go by way of the test: `append` and `head` may be exchanged while open."""

    def __init__(self) -> None:
        self.append: Callable[[Journal, JournalRow], None] = Journal.append
        self.head: Callable[[Journal], JournalRow | None] = Journal.head

    def __call__(self, shard: int, *, wait_ms_max: int = 0) -> Journal:
        return _TestedJournal(self, shard, wait_ms_max=wait_ms_max)


class _TestedJournal(Journal):
    def __init__(self, journals: Journals, shard: int, *, wait_ms_max: int) -> None:
        super().__init__(shard, wait_ms_max=wait_ms_max)
        self._journals = journals

    def append(self, row: JournalRow) -> None:
        self._journals.append(self, row)

    def head(self) -> JournalRow | None:
        return self._journals.head(self)


class DrivenWriter:
    """A writer whose answers are futures; `published` has every batch that was made public."""

    def __init__(
        self,
        *,
        shard: int = 0,
        clock: Callable[[], int] = time.time_ns,
        deliver: Callable[[list[WorkReply]], None] = deliver,
        journal: Callable[..., Journal] = Journal,
        lease: Callable[..., Lease] = Lease,
        **options: Any,
    ) -> None:
        self.published: list[rust.Batch] = []
        self.ended: Future[MatchingError | None] = Future()
        self.writer = Writer(
            shard=shard,
            options=WriterOptions(ids_key=IDS_KEY, **({"lease_s": 5.0} | options)),
            deliver=deliver,
            publish=self.published.append,
            on_end=self.ended.set_result,
            clock=clock,
            journal=journal,
            lease=lease,
        )

    def begin(self) -> "DrivenWriter":
        self.writer.start()
        at_end.append(self.writer.stop)
        return self

    def start(self) -> "DrivenWriter":
        self.begin().wait(WriterState.READY)
        return self

    def wait(self, *states: WriterState, timeout_s: float = 60.0) -> WriterState:
        end = time.monotonic() + timeout_s
        while (state := self.writer.status().state) not in states:
            assert time.monotonic() < end, f"still {self.writer.status()}"
            time.sleep(0.002)
        return state

    def send(self, *commands: Command) -> "Future[bytes | None]":
        return self.send_frame(frame_of(*commands), len(commands))

    def send_frame(self, frame: bytes, count: int) -> "Future[bytes | None]":
        future: Future[bytes | None] = Future()
        code = self.writer.submit(frame, count, future)
        if code is not None:
            future.set_result(msgspec.msgpack.encode([[code]] * count))
        return future

    def ask(self, query: Query[Answer]) -> Answer:
        answer = self.send_frame(query_encode(query), 0).result(timeout=10)
        assert answer is not None
        return answer_decode(query, answer)

    def do(self, *commands: Command) -> list[Any]:
        answer = self.send(*commands).result(timeout=20)
        assert answer is not None
        return answers_of(answer)

    def stop(self) -> MatchingError | None:
        self.writer.stop()
        return self.ended.result(timeout=10)


def answers_of(answer: bytes) -> list[Any]:
    """Return each command's events, or the code it was refused with."""
    entries: list[bytes | tuple[str]] = msgspec.msgpack.decode(answer, type=list[bytes | tuple[str]])
    return [
        list(section_decode(msgspec.msgpack.decode(entry, type=Reply).section))
        if isinstance(entry, bytes)
        else entry[0]
        for entry in entries
    ]
