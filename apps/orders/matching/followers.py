"""What follows the journal in a process of its own: the projector and the verifier, each in a thread of its own.

They are woken by the bus (`journal.{shard}`) and look for themselves as well: a hint that is lost costs a moment.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from apps.orders.matching.candles import CandleRetention
from apps.orders.matching.errors import (
    JournalDamagedError,
    JournalUnavailableError,
    ProjectionOvertakenError,
    ProjectionRefusedError,
)
from apps.orders.matching.exclusive import projection_alone
from apps.orders.matching.halt import halt_of, halt_raise
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.retention import ShardRetention
from apps.orders.matching.verifier import ShardVerifier
from cift.bus.base import Bus
from cift.wire.subjects import journal_subject

logger = logging.getLogger(__name__)

_NS_PER_S = 1_000_000_000
_POLL_S = 0.05
_RETRY_S = 0.5
_HALTED_S = 1.0
_TRANSIENT = (DatabaseError, InterfaceError, JournalUnavailableError, ProjectionOvertakenError)


class Follower:
    """One thread's way along the journal; `once` ends it when there is nothing left."""

    def __init__(self, shard: int, *, once: bool) -> None:
        """Name the shard."""
        self.shard = shard
        self._once = once
        self._stop = threading.Event()
        self._wake = threading.Event()

    def wake(self) -> None:
        """Say that there may be something new."""
        self._wake.set()

    def stop(self) -> None:
        """End it after the step it is in."""
        self._stop.set()
        self._wake.set()

    def project(self) -> None:
        """Project until stopped; a database that fails is tried again, what cannot be projected halts the shard.

        Raises:
            ProjectionBusyError: another process projects this shard.
            JournalDamagedError: with `once`, a batch is missing.
            ProjectionRefusedError: with `once`, the tables do not take a batch.

        """
        while not self._stop.is_set():
            try:
                with projection_alone(self.shard):
                    self._follow(self._projecting())
                    break
            except (JournalDamagedError, ProjectionRefusedError) as error:
                if self._once:
                    raise
                self._halt("projector", error)
                self._await_lift()
            except _TRANSIENT as error:
                self._pause("projector", error)
        connections.close_all()

    def _projecting(self) -> Callable[[], int]:
        """Return what a step of the projector is: when there is nothing to project, what is old leaves the tables."""
        projector = ShardProjector(self.shard)
        if self._once:
            return projector.step
        retention = ShardRetention(self.shard, keep_ns=settings.SIMULATION["KEEP_S"] * _NS_PER_S)
        candles = CandleRetention(self.shard)
        return lambda: projector.step() or retention.step() or candles.step()

    def verify(self) -> None:
        """Verify until stopped; after a halt, wait until it is lifted and begin anew.

        Raises:
            JournalDamagedError: with `once`, the journal is wrong.

        """
        verifier: ShardVerifier | None = None
        while not self._stop.is_set():
            try:
                if verifier is None:
                    matching = settings.MATCHING
                    verifier = ShardVerifier(
                        self.shard,
                        every_batches=matching["SNAPSHOT_EVERY_BATCHES"],
                        every_s=matching.get("SNAPSHOT_EVERY_S", 300.0),
                    )
                self._follow(verifier.step)
                verifier.save()
                verifier.place()
                break
            except JournalDamagedError:
                if self._once:
                    raise
                verifier = None
                self._await_lift()
            except _TRANSIENT as error:
                self._pause("verifier", error)
                if verifier is not None and verifier.is_used_up:
                    verifier = None
        connections.close_all()

    def _follow(self, step: Callable[[], int]) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if step():
                continue
            if self._once:
                return
            self._wake.wait(_POLL_S)

    def _pause(self, name: str, error: Exception) -> None:
        logger.warning("%s of shard %s: %s; retrying", name, self.shard, str(error).strip())
        connections.close_all()
        self._stop.wait(_RETRY_S)

    def _halt(self, name: str, error: JournalDamagedError | ProjectionRefusedError) -> None:
        """Halt the shard; a database that does not take the halt is asked until it does."""
        while not self._stop.is_set():
            try:
                halt_raise(shard=self.shard, number=error.number, detail=str(error))
            except _TRANSIENT as failure:
                self._pause(name, failure)
            else:
                return

    def _await_lift(self) -> None:
        while not self._stop.wait(_HALTED_S):
            try:
                if halt_of(shard=self.shard) is None:
                    return
            except _TRANSIENT as error:
                self._pause("verifier", error)


async def follow(bus: Bus, *, shard: int, stop: asyncio.Event, once: bool) -> None:
    """Run the projector and the verifier until stopped, or (`once`) until both have nothing left.

    Raises:
        ProjectionBusyError: another process projects this shard.
        JournalDamagedError: the journal cannot be true.

    """
    projector, verifier = followers = (Follower(shard, once=once), Follower(shard, once=once))

    async def hint(_subject: str, _payload: bytes) -> None:
        for follower in followers:
            follower.wake()

    with ThreadPoolExecutor(max_workers=len(followers), thread_name_prefix="follower") as threads:
        loop = asyncio.get_running_loop()
        running: list[asyncio.Future[Any]] = [
            loop.run_in_executor(threads, work) for work in (projector.project, verifier.verify)
        ]
        subscription = await bus.subscribe(journal_subject(shard), hint)
        stopping: asyncio.Future[Any] = asyncio.create_task(stop.wait())
        try:
            ends: list[asyncio.Future[Any]] = [asyncio.gather(*running)] if once else running
            await asyncio.wait([stopping, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for follower in followers:
                follower.stop()
            stopping.cancel()
            await subscription.close()
            results = await asyncio.gather(*running, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
