"""What each account was last told, so that a read of its own is never older.

Whoever is told of a batch, by an answer or on a socket, is told after `note`, which stands between a batch's commit
and its first answer. The numbers are in the memory of the shard's writer, where all web processes may ask for them.
"""

import threading
from collections.abc import Iterable

ACCOUNTS_MAX = 65_536
"""Accounts remembered; past it the one that was quiet longest counts as told of every batch up to its last."""

_kept: dict[int, "Told"] = {}


class Told:
    """The last batch of the journal each account was told of; any thread may use it."""

    def __init__(self, *, accounts_max: int = ACCOUNTS_MAX) -> None:
        """Begin without knowing anything."""
        self._accounts_max = accounts_max
        self._lock = threading.Lock()
        self._numbers: dict[int, int] = {}
        self._others: int | None = None
        self._projected = 0

    def begin(self, number: int) -> None:
        """Begin behind a batch: anybody may have been told of those up to it."""
        with self._lock:
            self._numbers.clear()
            self._others = number

    def forget(self) -> None:
        """Know nothing any more: another writer may answer, and a failed database may have lost the tables' end."""
        with self._lock:
            self._numbers.clear()
            self._others = None
            self._projected = 0

    def note(self, accounts: Iterable[int], number: int) -> None:
        """Note that these accounts are about to be told of a batch, which is later than all before."""
        with self._lock:
            numbers = self._numbers
            for account in accounts:
                numbers.pop(account, None)
                numbers[account] = number
            while len(numbers) > self._accounts_max:
                # The order of the numbers is that of the accounts' last batches.
                self._others = numbers.pop(next(iter(numbers)))

    def projected(self, number: int) -> None:
        """Note that the tables have a batch."""
        with self._lock:
            self._projected = max(self._projected, number)

    def number_of(self, account: int) -> int | None:
        """Return the last batch an account may have been told of; 0: the tables have it; None: that is not known."""
        with self._lock:
            if self._others is None:
                return None
            number = self._numbers.get(account, self._others)
            return 0 if number <= self._projected else number


def told_keep(shard: int, told: Told) -> None:
    """Let this process find what a shard's writer in it keeps."""
    _kept[shard] = told


def told_drop(shard: int) -> None:
    """Let it be found no more."""
    _kept.pop(shard, None)


def told_here(shard: int) -> Told | None:
    """Find what a shard's writer in this process keeps; None: the shard is written elsewhere."""
    return _kept.get(shard)
