"""What the journal has of a replay: how many of its steps, in their order, and the book after each."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from apps.marketdata.feeds.plan import Step
from apps.orders.commands import AmendOrder, CancelOrder, CancelOrders, SubmitOrder
from apps.orders.events import AnyEvent, OrderAccepted, OrderRejected, Trade, section_decode
from apps.orders.matching.journal import JournalRow
from apps.replaying.observer import BookObserver, TopOfBook
from apps.replaying.translation import StepCommand, Translator
from cift.wire.base import frame_split
from cift.wire.outcomes import CommandDuplicate, CommandRejected
from cift.wire.reasons import Reason

# A command refused for these was not executed, whatever it said: it is sent again.
NOT_DONE = frozenset({Reason.DEADLINE_PASSED, Reason.VENUE_NOT_OPEN})

_kinds = frozenset({10, 11, 12, 13})
_commands = msgspec.msgpack.Decoder(SubmitOrder | AmendOrder | CancelOrder | CancelOrders)


class OtherFlowError(Exception):
    """The replay's accounts did something that is not in its plan."""


@dataclass(slots=True)
class Scan:
    """Reads the journal beside a plan; afterwards `steps` stands at the first step the journal does not have."""

    translator: Translator
    steps: Iterator[Step]
    observer: BookObserver
    done: int = 0
    trades: int = 0
    crossed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    states: list[TopOfBook] = field(default_factory=list)
    number: int = 0
    ended_by: int = 0
    """The batch that canceled the accounts' orders, which a replay does that failed; 0: none did."""

    def read(self, rows: Iterable[JournalRow]) -> None:
        """Take batches that follow those read before.

        Raises:
            OtherFlowError: a command of the replay's accounts is not the plan's next.

        """
        accounts = frozenset(self.translator.makers + self.translator.takers)
        for row in rows:
            self.number = row.number
            sections = frame_split(row.events)
            for command, section in zip(frame_split(row.commands), sections, strict=False):
                events = list(section_decode(section))
                mine = _step_command(command, accounts)
                step = None
                if isinstance(mine, CancelOrders):
                    self.ended_by = row.number
                elif mine is not None and _was_done(events[0]):
                    step = self._next(mine, row.number)
                    self._count(events)
                self.observer.apply(events)
                if step is not None and step.line:
                    self._look()

    def _next(self, command: StepCommand, number: int) -> Step:
        step = next(self.steps, None)
        if step is None:
            raise OtherFlowError(f"batch {number} holds a command of the replay's accounts that its plan has not")
        expected = self.translator.command(step)
        if msgspec.structs.replace(command, deadline=0) != expected:
            message = f"batch {number} holds {command}, where the plan, at line {step.line}, has {expected}"
            raise OtherFlowError(message)
        self.done += 1
        return step

    def _count(self, events: list[AnyEvent]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted):
                self.translator.order_ids[event.id] = event.order_id
            elif isinstance(event, OrderRejected | CommandRejected):
                self.refused[event.reason.code] += 1
            elif isinstance(event, Trade):
                self.trades += 1

    def _look(self) -> None:
        top = self.observer.top()
        if top.ask and top.bid and top.ask.price <= top.bid.price:
            self.crossed += 1
        if not self.states or self.states[-1] != top:
            self.states.append(top)


def _step_command(command: bytes, accounts: frozenset[int]) -> StepCommand | CancelOrders | None:
    """Decode a command if it is one a replay sends, of one of its accounts."""
    # Every command is a MessagePack array of less than 16 fields, and its kind is a small number: the second byte.
    if len(command) < 2 or command[1] not in _kinds:  # noqa: PLR2004
        return None
    try:
        decoded = _commands.decode(command)
    except msgspec.DecodeError:
        return None
    return decoded if decoded.account in accounts else None


def _was_done(first: AnyEvent) -> bool:
    if isinstance(first, CommandDuplicate):
        return False
    return not (isinstance(first, OrderRejected | CommandRejected) and first.reason in NOT_DONE)
