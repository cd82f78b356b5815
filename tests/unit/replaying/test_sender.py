"""Steps leave in order, in windows that are done before the next begins."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from apps.marketdata.codes import InstrumentKind
from apps.marketdata.commands import ListInstrument
from apps.marketdata.feeds.plan import BUY, Add, Delete, Reduce, Step
from apps.orders import services
from apps.orders.commands import AmendOrder, CancelOrder, SubmitOrder
from apps.orders.events import OrderAccepted, OrderCanceled
from apps.orders.services import Outcome
from apps.replaying.sender import InterruptedSendingError, Pace, Sender, VenueGoneError
from apps.replaying.translation import MAKERS, TAKERS, Scaler, StepCommand, Translator
from cift.errors.application import ApplicationError
from cift.wire.outcomes import CommandRejected
from cift.wire.reasons import Reason

TERMS = ListInstrument(
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
    taker_ppm=0,
)
FIRST_ID = 500


def translator() -> Translator:
    return Translator(Scaler(1, TERMS, 0, 2), tuple(range(3, 3 + MAKERS)), tuple(range(50, 50 + TAKERS)))


def add(number: int) -> Add:
    return Add(number, number * 1_000, f"{number}.{number}", BUY, 5_850_000, 10)


class Venue:
    """Answers commands as told, and remembers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[StepCommand] = []
        self.under_way = 0
        self.most_under_way = 0
        self.turns: list[Callable[[StepCommand], Outcome]] = []
        monkeypatch.setattr(services, "order_command_send", self.take)

    def take(self, command: StepCommand) -> Awaitable[Outcome]:
        self.commands.append(command)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        return self._answer(command, self.turns.pop(0) if self.turns else accepted)

    async def _answer(self, command: StepCommand, turn: Callable[[StepCommand], Outcome]) -> Outcome:
        await asyncio.sleep(0)
        self.under_way -= 1
        return turn(command)


def accepted(command: StepCommand) -> Outcome:
    if isinstance(command, SubmitOrder):
        common = {name: getattr(command, name) for name in ("account", "id", "instrument", "side", "type", "tif")}
        common |= {name: getattr(command, name) for name in ("flags", "stp", "price", "quantity", "quote_amount")}
        order_id = FIRST_ID + int(command.id.partition(".")[0])
        event: OrderAccepted | OrderCanceled = OrderAccepted(
            sequence=1,
            account_sequence=1,
            instrument_sequence=1,
            order_id=order_id,
            maker_ppm=0,
            taker_ppm=0,
            **common,
        )
    else:
        event = OrderCanceled(
            sequence=1,
            account_sequence=1,
            instrument_sequence=1,
            account=command.account,
            order_id=1,
            instrument=1,
            reason=Reason.USER_REQUESTED,
            quantity=1,
            price=15_000,
            order_quantity=1,
            filled_quantity=0,
            filled_notional=0,
            fee_total=0,
        )
    return Outcome(number=7, at=0, events=(event,))


def failed(code: str) -> Callable[[StepCommand], Outcome]:
    def turn(_command: StepCommand) -> Outcome:
        raise ApplicationError(code)

    return turn


def late(command: StepCommand) -> Outcome:
    event = CommandRejected(sequence=1, account=command.account, reason=Reason.DEADLINE_PASSED, kind=10, id="")
    return Outcome(number=7, at=0, events=(event,))


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Venue:
    return Venue(monkeypatch)


def sender(*, patience_s: float = 60.0) -> Sender:
    return Sender(translator(), Pace(None), patience_s)


async def test_steps_leave_in_order_and_at_most_a_frame_of_them_at_once(venue: Venue) -> None:
    sending = sender()
    heard: list[tuple[int, int]] = []
    sending.on_window = lambda steps, trades: heard.append((steps, trades))
    await sending.send(iter([add(number) for number in range(1, 251)]))
    assert [command.id for command in venue.commands if isinstance(command, SubmitOrder)] == [
        f"{number}.{number}" for number in range(1, 251)
    ]
    assert venue.most_under_way == 100
    assert heard == [(100, 0), (100, 0), (50, 0)]
    assert (sending.sent, sending.last_number) == (250, 7)


async def test_a_window_has_one_deadline(venue: Venue) -> None:
    await sender().send(iter([add(number) for number in range(1, 101)]))
    assert len({command.deadline for command in venue.commands}) == 1


async def test_an_amend_waits_for_the_answer_it_needs_and_nothing_overtakes_it(venue: Venue) -> None:
    steps: list[Step] = [add(1), add(2), Reduce(3, 3_000, "1.1", 4), Delete(4, 4_000, "2.2")]
    await sender().send(iter(steps))
    kinds = [type(command) for command in venue.commands]
    assert kinds == [SubmitOrder, SubmitOrder, AmendOrder, CancelOrder]
    amend = venue.commands[2]
    assert isinstance(amend, AmendOrder)
    assert (amend.order_id, amend.quantity) == (FIRST_ID + 1, 4)
    assert venue.most_under_way == 2


async def test_an_amend_of_an_order_that_was_refused_is_sent_all_the_same(venue: Venue) -> None:
    await sender().send(iter([Reduce(3, 3_000, "1.1", 4)]))
    (amend,) = venue.commands
    assert isinstance(amend, AmendOrder)
    assert amend.order_id == 0


@pytest.mark.parametrize("code", ["overloaded", "venue_unavailable"])
async def test_a_window_the_venue_would_not_take_is_sent_again_before_anything_else(venue: Venue, code: str) -> None:
    venue.turns = [failed(code)] * 2
    await sender().send(iter([add(1), add(2)]))
    assert [command.id for command in venue.commands if isinstance(command, SubmitOrder)] == ["1.1", "2.2"] * 2


async def test_nothing_follows_an_outcome_that_is_not_known(venue: Venue) -> None:
    venue.turns = [failed("outcome_unknown")] * 100
    with pytest.raises(InterruptedSendingError, match="outcome_unknown"):
        await sender().send(iter([add(number) for number in range(1, 251)]))
    assert len(venue.commands) == 100


async def test_a_window_that_was_taken_in_part_is_not_sent_again(venue: Venue) -> None:
    venue.turns = [accepted, failed("venue_unavailable")]
    with pytest.raises(InterruptedSendingError):
        await sender().send(iter([add(1), add(2)]))
    assert len(venue.commands) == 2


async def test_commands_that_came_too_late_interrupt(venue: Venue) -> None:
    venue.turns = [late]
    with pytest.raises(InterruptedSendingError, match="late"):
        await sender().send(iter([add(1)]))


async def test_patience_has_an_end(venue: Venue) -> None:
    venue.turns = [failed("venue_unavailable")] * 1_000
    with pytest.raises(VenueGoneError, match="venue_unavailable"):
        await sender(patience_s=0.3).send(iter([add(1)]))


async def test_a_paced_flow_takes_as_long_as_it_was_recorded_over_its_speed(venue: Venue) -> None:
    def steps() -> Iterator[Step]:
        for number in range(1, 4):
            yield Add(number, number * 100_000_000, f"{number}.{number}", BUY, 5_850_000, 10)

    loop = asyncio.get_running_loop()
    began = loop.time()
    await Sender(translator(), Pace(2.0)).send(steps())
    assert 0.1 <= loop.time() - began < 1.0
    assert venue.most_under_way == 1
