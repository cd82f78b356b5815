"""How far those who follow the journal are, and the watch that tells the writer.

The writer goes on while its followers are behind, up to a bound; past it new commands are refused `overloaded`, for
what is acknowledged must stay soon to be seen and verified. The places are read by a thread of its own: a database that
does not answer holds up no commit, it only makes the followers look further behind than they are.
"""

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, connections

from apps.orders.models import JournalBatch, Projection, Verification

logger = logging.getLogger(__name__)

WATCH_S = 0.5


class Place(NamedTuple):
    """A place in the journal: the last batch, and its last event."""

    number: int
    sequence: int


_NOWHERE = Place(0, 0)


def places_of(shard: int) -> dict[str, Place]:
    """Read how far the projector and the verifier are.

    Raises:
        DatabaseError: one of the databases does not answer.

    """
    return {"projector": place_of(Projection, shard), "verifier": place_of(Verification, shard)}


def place_of(follower: type[Projection | Verification], shard: int) -> Place:
    """Read how far one follower is, by the rows it keeps.

    Raises:
        DatabaseError: they cannot be read.

    """
    row = follower.objects.filter(shard=shard).values_list("last_number", "last_sequence").first()
    return _NOWHERE if row is None else Place(*row)


def head_of(shard: int) -> Place:
    """Read where the journal ends.

    Raises:
        DatabaseError: it does not answer.

    """
    rows = JournalBatch.objects.filter(shard=shard).order_by("-number").values_list("number", "last_sequence")
    row = rows.first()
    return _NOWHERE if row is None else Place(*row)


class FollowersWatch(threading.Thread):
    """Reads the places twice a second; `told` is given the name and the place of the one furthest behind."""

    def __init__(self, shard: int, told: Callable[[str, Place], None]) -> None:
        """Name the shard and who is told."""
        super().__init__(name=f"followers-{shard}", daemon=True)
        self._shard = shard
        self._told = told
        self._ended = threading.Event()

    def run(self) -> None:
        """Watch until `finish`."""
        failing = False
        while not self._ended.is_set():
            try:
                name, place = min(places_of(self._shard).items(), key=lambda each: each[1].sequence)
            except (DatabaseError, InterfaceError) as error:
                if not failing:
                    logger.warning("shard %s: its followers' positions cannot be read: %s", self._shard, error)
                failing = True
                connections.close_all()
            else:
                failing = False
                self._told(name, place)
            self._ended.wait(WATCH_S)
        connections.close_all()

    def finish(self) -> None:
        """End the thread; it is not waited for."""
        self._ended.set()
