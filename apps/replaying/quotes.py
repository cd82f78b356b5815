"""The best quotes of an order book file, as the journal would show them."""

from pathlib import Path

from apps.marketdata.feeds.lobster import BookLevel, BookRow, FileUnreadableError, RowInvalidError, read_books
from apps.replaying.agreement import distinct
from apps.replaying.observer import Level, TopOfBook
from apps.replaying.translation import GridMismatchError, Scaler


def quotes_read(path: Path, scaler: Scaler) -> list[TopOfBook]:
    """Return a file's distinct best quotes, in order.

    Raises:
        FeedError: the file cannot be read, has no row, or has a price the instrument has not.

    """
    quotes = list(distinct(_quote(row, scaler, path) for row in read_books(path)))
    if not quotes:
        raise FileUnreadableError(path, "no rows")
    return quotes


def _quote(row: BookRow, scaler: Scaler, path: Path) -> TopOfBook:
    best = row.best()
    try:
        return TopOfBook(_level(best.ask, scaler), _level(best.bid, scaler))
    except GridMismatchError as error:
        raise RowInvalidError(path, str(error), line=row.line) from error


def _level(level: BookLevel | None, scaler: Scaler) -> Level | None:
    return None if level is None else Level(scaler.price(level.price), scaler.quantity(level.size))
