"""Recordings made from others."""

from collections.abc import Iterator
from pathlib import Path


def level_1(messages: Path, book: Path) -> Iterator[str]:
    """Yield the rows of a recording that a file of the best level alone has: those at a best price before or after."""
    before: set[str] = set()
    for row, levels in zip(messages.read_text().splitlines(), book.read_text().splitlines(), strict=True):
        ask, _, bid, *_ = levels.split(",")
        best = {ask, bid}
        if row.split(",")[4] in best | before:
            yield row
        before = best
