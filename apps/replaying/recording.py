"""A recording on disk, and what is the same each time it is replayed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apps.marketdata.feeds.lobster import BookRow, FileUnreadableError, opening_book, read_messages
from apps.marketdata.feeds.plan import Counts, Planner, Step

# Raised by every change that makes other steps or commands of the same recording: it is then another replay.
PLAN_VERSION: Final = 1
DIGEST_CHARS: Final = 12
OWN_SUFFIX: Final = ".R"


def own_symbol(symbol: str) -> str:
    """Name the instrument a recording is replayed in, never the market's own: `AAPL.R-USD` for `AAPL-USD`."""
    base, hyphen, quote = symbol.partition("-")
    return symbol if base.endswith(OWN_SUFFIX) else f"{base}{OWN_SUFFIX}{hyphen}{quote}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A LOBSTER message file, with or without the book it starts from."""

    messages: Path
    book: Path | None
    symbol: str

    def name(self) -> str:
        """Return a name made of what is replayed: the files' bytes, the instrument and the plan's rules."""
        digest = hashlib.sha256(f"{PLAN_VERSION} {self.symbol}".encode())
        for path in (self.messages, self.book):
            digest.update(b"\0")
            if path is not None:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"replay-{digest.hexdigest()[:DIGEST_CHARS]}"

    def opening(self) -> BookRow | None:
        """Return the book before the first message.

        Raises:
            FeedError: it cannot be read.

        """
        return opening_book(self.book, self.messages) if self.book else None

    def plan(self) -> tuple[Iterator[Step], Counts]:
        """Return the steps from the first on, and the counts that grow as they are taken.

        Raises:
            FeedError: while the steps are taken, where the recording cannot be used.

        """
        planner = Planner()
        return planner.steps(self.opening(), read_messages(self.messages)), planner.counts

    def check(self, notes: set[str]) -> Counts:
        """Read the whole recording, so that a bad row is found before a venue is touched; return its counts.

        `notes` learns what the files have that the format has not (see `read_messages`).

        Raises:
            FeedError: it cannot be used.

        """
        planner = Planner()
        for _ in planner.steps(self.opening(), read_messages(self.messages, notes=notes)):
            pass
        if not planner.counts.rows:
            raise FileUnreadableError(self.messages, "no rows")
        return planner.counts
