"""The venue a replay trades at: the one that runs, or one of its own in this process, with a projector beside it."""

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import BinaryIO

from asgiref.sync import sync_to_async

from apps.marketdata.selectors import book_find
from apps.orders.matching.service import MatchingService
from apps.orders.matching.work import WriterState
from cift.bus import buses
from cift.bus.base import BusInUse
from cift.errors.application import ApplicationError
from cift.processes.blank import tables_migrate

logger = logging.getLogger(__name__)

READY_S_MAX = 600.0
ANSWER_S_MAX = 30.0
ANSWER_POLL_S = 0.2
STOP_S_MAX = 30.0
TAIL_BYTES = 2_000
LOUD = (" WARNING ", " ERROR ", " CRITICAL ")
MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


class NoVenueError(Exception):
    """No venue can be had: one runs but does not answer, or this process may not be one."""


@dataclass(frozen=True, slots=True)
class VenueFound:
    """Which venue it is."""

    own: bool


async def answers() -> bool:
    """Say whether an order service answers on the bus."""
    try:
        await book_find(instrument=1, depth=1)
    except ApplicationError:
        return False
    return True


@asynccontextmanager
async def venue(*, project: bool = True) -> AsyncGenerator[VenueFound]:
    """Return the running venue, or run one meanwhile; `project` False leaves the tables to somebody else.

    Raises:
        NoVenueError: neither can be had.

    """
    if await answers():
        yield VenueFound(own=False)
        return
    bus = buses["default"]
    try:
        await bus.start()
    except BusInUse as error:
        await _answer_awaited(error)
        yield VenueFound(own=False)
        return
    try:
        await sync_to_async(tables_migrate, thread_sensitive=False)()
        service = MatchingService(bus)
        await service.start()
        try:
            status = await service.ready(timeout_s=READY_S_MAX)
            if status.state is not WriterState.READY:
                raise NoVenueError(status.detail or f"the order service is {status.state.value}")
            if project:
                with _projector():
                    yield VenueFound(own=True)
            else:
                yield VenueFound(own=True)
        finally:
            await service.stop()
    finally:
        await bus.close()


async def _answer_awaited(in_use: BusInUse) -> None:
    """Wait for a venue that has the bus to answer: it may be starting."""
    give_up_at = asyncio.get_running_loop().time() + ANSWER_S_MAX
    while not await answers():
        if asyncio.get_running_loop().time() > give_up_at:
            message = f"a venue runs on this data, but its order service has not answered for {ANSWER_S_MAX:g} s"
            raise NoVenueError(message) from in_use
        await asyncio.sleep(ANSWER_POLL_S)


@contextmanager
def _projector() -> Generator[None]:
    """Run a projector as a child; it ends with this process, however that ends."""
    ours, theirs = os.pipe()
    with tempfile.TemporaryFile() as said, os.fdopen(theirs, "wb") as lifeline:
        child = Popen(  # noqa: S603 - our own command
            [sys.executable, str(MANAGE), "run_projector", "--lifeline", str(ours)],
            stdin=DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=(ours,),
        )
        os.close(ours)
        try:
            yield
        finally:
            early = child.poll()
            lifeline.close()
            try:
                code = child.wait(STOP_S_MAX) if early is None else early
            except TimeoutExpired:
                child.kill()
                code = child.wait()
            if early is not None or code:
                logger.error("the projector ended with code %s", code)
            for line in _tail(said).splitlines():
                if any(level in line for level in LOUD):
                    logger.warning("projector: %s", line)


def _tail(file: BinaryIO) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(file.tell() - TAIL_BYTES, 0))
    return file.read().decode(errors="replace").strip()
