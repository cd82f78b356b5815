"""What may be read of the journal by those below the app that writes it: the contract, and who keeps it.

The setting JOURNAL_READS names the backend, in the shape of Django's CACHES.
"""

from abc import ABC, abstractmethod

from cift.backends import BackendHandler
from cift.orderservice.consistency import WAIT_S_MAX, JournalPlace
from cift.wire.base import Reply


class JournalReads(ABC):
    """Reads of the journal, and of how far the tables have followed it; all of them block their thread."""

    @abstractmethod
    def first_answer(self, sequence: int) -> Reply:
        """Read the answer that holds the event with this sequence, as it was given.

        Raises:
            ApplicationError: `outcome_unknown`: the journal does not have it.

        """

    @abstractmethod
    def head(self) -> int:
        """Return the number of the last batch, 0 where there is none."""

    @abstractmethod
    def sequence_at(self, at: int) -> int:
        """Find the first sequence of a time (ns since epoch, UTC) or later; where there is none, one above all."""

    @abstractmethod
    def projection_wait(
        self, place: JournalPlace, *, account: int | None = None, timeout_s: float = WAIT_S_MAX
    ) -> None:
        """Wait until the tables have a place of the journal; `account`: whose own is then read.

        Raises:
            ApplicationError: `projection_behind`.

        """

    @abstractmethod
    def told_wait(self, account: int) -> None:
        """Wait until the tables have all an account was told, by an answer or on a socket, of whichever process.

        Raises:
            ApplicationError: `projection_behind`.

        """


journal_reads: BackendHandler[JournalReads] = BackendHandler("JOURNAL_READS", JournalReads)  # type: ignore[type-abstract]
