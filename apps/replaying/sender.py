"""Sends a plan's steps in order, a window at a time, through the services every client's orders go through.

Invariants:
    A window leaves in one frame, and the next one only after all of it is answered: whatever is lost on the way, the
    journal holds a beginning of the plan and nothing behind a gap.
    All commands of a window have one deadline, so that not one of them is late while a later one is not.
    After an outcome that is not known nothing is sent until the journal has been read again.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from django.conf import settings

from apps.marketdata.feeds.plan import Step
from apps.orders import services
from apps.orders.events import OrderAccepted, OrderRejected, Trade
from apps.orders.services import Outcome
from apps.replaying.scan import NOT_DONE
from apps.replaying.translation import Translator
from cift.errors.application import ApplicationError
from cift.times import clock_ns
from cift.wire.base import COMMANDS_PER_REQUEST_MAX
from cift.wire.outcomes import CommandRejected

NS_PER_S: Final = 1_000_000_000
RETRY_S: Final = 0.1
# Nothing of a window so refused was done: it may be sent again as it is.
NOTHING_HAPPENED: Final = frozenset({"venue_unavailable", "overloaded"})


class InterruptedSendingError(Exception):
    """It is not known how far the plan went: the journal must be read before anything more is sent."""


class VenueGoneError(Exception):
    """The order service has not answered for a long time."""


@dataclass(slots=True)
class Pace:
    """When a step is due: at once, or as in the recording, `speed` times as fast."""

    speed: float | None
    _began_s: float = 0.0
    _first: int | None = None

    def due_in(self, step: Step) -> float:
        """Return in how many seconds a step is due; the clock starts with the first step of the recording proper."""
        if self.speed is None or not step.line:
            return 0.0
        if self._first is None:
            self._first, self._began_s = step.time, time.monotonic()
        return self._began_s + (step.time - self._first) / NS_PER_S / self.speed - time.monotonic()


@dataclass(slots=True)
class Sender:
    """Takes steps from `steps` until there are none; `on_window` hears how many were done, and the trades they made."""

    translator: Translator
    pace: Pace
    patience_s: float = 60.0
    on_window: Callable[[int, int], None] = lambda _steps, _trades: None
    sent: int = 0
    trades: int = 0
    last_number: int = 0
    line: int = 0
    """Of the recording: the last that was sent, or is on its way."""
    _held: list[Step] = field(default_factory=list)

    async def send(self, steps: Iterator[Step]) -> None:
        """Send all steps.

        Raises:
            InterruptedSendingError: an outcome is not known.
            VenueGoneError: the order service refused for longer than `patience_s`.

        """
        while window := await self._window(steps):
            self.line = window[-1].line
            outcomes = await self._send(window)
            trades = sum(map(self._learn, outcomes))
            self.sent += len(window)
            self.trades += trades
            self.on_window(len(window), trades)

    async def _window(self, steps: Iterator[Step]) -> list[Step]:
        """Take the steps that may leave together: those due, and none that needs the answer of one before it."""
        window: list[Step] = []
        for step in chain(self._held, steps):
            wait = self.pace.due_in(step)
            if window and (wait > 0 or not self.translator.ready(step)):
                self._held = [step]
                return window
            if wait > 0:
                await asyncio.sleep(wait)
            self._held = []
            window.append(step)
            if len(window) == COMMANDS_PER_REQUEST_MAX:
                return window
        return window

    async def _send(self, window: list[Step]) -> list[Outcome]:
        give_up_at = time.monotonic() + self.patience_s
        while True:
            deadline = clock_ns() + int(settings.MATCHING["REQUEST_TIMEOUT_S"] * NS_PER_S)
            commands = [self.translator.command(step, deadline=deadline) for step in window]
            answers = await asyncio.gather(*map(services.order_command_send, commands), return_exceptions=True)
            refusals = {answer.code for answer in answers if isinstance(answer, ApplicationError)}
            others = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, ApplicationError)]
            if others:
                raise others[0]
            outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
            if len(outcomes) == len(window):
                if any(map(_not_done, outcomes)):
                    raise InterruptedSendingError("commands were late")
                return outcomes
            if outcomes or not refusals <= NOTHING_HAPPENED:
                raise InterruptedSendingError(", ".join(sorted(refusals)))
            if time.monotonic() > give_up_at:
                raise VenueGoneError(
                    f"the order service refused for {self.patience_s:g} s: {', '.join(sorted(refusals))}"
                )
            await asyncio.sleep(RETRY_S)

    def _learn(self, outcome: Outcome) -> int:
        """Remember the order's id; return the trades it made."""
        self.last_number = outcome.number
        first = outcome.events[0]
        if isinstance(first, OrderAccepted):
            self.translator.order_ids[first.id] = first.order_id
        return sum(isinstance(event, Trade) for event in outcome.events)


def _not_done(outcome: Outcome) -> bool:
    first = outcome.events[0]
    return isinstance(first, OrderRejected | CommandRejected) and first.reason in NOT_DONE
