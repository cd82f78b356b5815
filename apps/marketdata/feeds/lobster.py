"""Read LOBSTER files: one stock's order flow on Nasdaq, and its book after every row.

A message row is `time,type,order,size,price,direction`: seconds after midnight in New York with up to nine decimals,
prices in USD times 10,000, and the direction of the resting order (1 buy, -1 sell). A book row is `ask price,ask size,
bid price,bid size` per level, and stands for the book after the message row of the same number. Source: https://lobsterdata.com/info/DataStructure.php
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

PRICE_SCALE: Final = 4
LINE_BYTES_MAX: Final = 65_536
GZIP_MAGIC: Final = b"\x1f\x8b"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
NS_PER_SECOND: Final = 1_000_000_000
# The format has nine decimals; files that went through a float carry up to three more, which mean nothing.
TIME_DECIMALS_MAX: Final = 12
NUMBER_DIGITS_MAX: Final = 18
MESSAGE_FIELDS: Final = ("time", "type", "order", "size", "price", "direction")
LEVEL_FIELDS: Final = 4
# What stands in a book row where a side has fewer levels.
EMPTY_ASK: Final = 9_999_999_999
EMPTY_BID: Final = -9_999_999_999


class MessageType(IntEnum):
    """What happened."""

    ADD = 1
    REDUCE = 2
    DELETE = 3
    EXECUTE = 4
    EXECUTE_HIDDEN = 5
    CROSS = 6
    HALT = 7


# These name a resting order with a size, a price and a side; the others do not touch the visible book.
VISIBLE: Final = frozenset({MessageType.ADD, MessageType.REDUCE, MessageType.DELETE, MessageType.EXECUTE})


class Message(NamedTuple):
    """One message row.

    `time`: ns after midnight, New York; `price`: USD times 10,000; `direction`: that of the resting order.
    """

    line: int
    time: int
    type: MessageType
    order: int
    size: int
    price: int
    direction: int


class BookLevel(NamedTuple):
    """The shares at one price, USD times 10,000."""

    price: int
    size: int


class BestQuote(NamedTuple):
    """The best offer and bid with their sizes, None for an empty side."""

    ask: BookLevel | None
    bid: BookLevel | None


@dataclass(frozen=True, slots=True)
class BookRow:
    """The visible levels of both sides, best first."""

    line: int
    asks: tuple[BookLevel, ...]
    bids: tuple[BookLevel, ...]

    def best(self) -> BestQuote:
        """Return the first level of each side."""
        return BestQuote(self.asks[0] if self.asks else None, self.bids[0] if self.bids else None)


class FeedError(ValueError):
    """A file that cannot be used; the message names the file, and the line where there is one."""

    def __init__(self, path: Path, reason: str, *, line: int | None = None) -> None:
        """Keep where it went wrong, for programs."""
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class FileUnreadableError(FeedError):
    """The file is missing, damaged, or not text."""


class RowInvalidError(FeedError):
    """A row does not say what the format wants."""


class TimeReversedError(FeedError):
    """A row is earlier than the one before it."""


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # A pipe would hang or be empty when it is read again, and a recording is read more than once.
        if not (path.is_file() or path.is_dir()) and path.exists():
            raise FileUnreadableError(path, "not a regular file")
        with path.open("rb") as plain:
            compressed = plain.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
            if not compressed:
                yield plain
                return
            with gzip.open(plain) as unpacked:
                yield cast("BinaryIO", unpacked)
    except OSError as error:
        raise FileUnreadableError(path, error.strerror or str(error)) from error


def _rows(path: Path, notes: set[str] | None) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text) of each row; what files of other tools have around rows goes into `notes`.

    Raises: FileUnreadableError.
    """
    found = set[str]() if notes is None else notes
    blank = 0
    for line, raw in _lines(path):
        if line == 1 and raw.startswith(BYTE_ORDER_MARK):
            found.add(f"{path}: a byte order mark, skipped")
        if raw.endswith(b"\r\n"):
            found.add(f"{path}: lines end in CRLF")
        try:
            text = (raw.removeprefix(BYTE_ORDER_MARK) if line == 1 else raw).decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise FileUnreadableError(path, "not a text file", line=line) from error
        if not text:
            blank = blank or line
        elif blank:
            yield blank, ""
        if line == 1 and _is_header(text):
            found.add(f"{path}: a header line, skipped")
        elif text:
            yield line, text
    if blank:
        found.add(f"{path}: blank lines at the end, skipped")


def _is_header(text: str) -> bool:
    """Return whether these are column names, not a row: each is a word."""
    fields = text.split(",")
    whole = len(fields) == len(MESSAGE_FIELDS) or not len(fields) % LEVEL_FIELDS
    return whole and all(field.strip(' "')[:1].isalpha() for field in fields)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, bytes with its end).

    Raises: FileUnreadableError.
    """
    with _opened(path) as file:
        line = 0
        while True:
            line += 1
            try:
                row = file.readline(LINE_BYTES_MAX + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise FileUnreadableError(path, f"damaged gzip data: {error}", line=line) from error
            if not row:
                return
            if len(row) > LINE_BYTES_MAX:
                raise FileUnreadableError(path, f"the line is longer than {LINE_BYTES_MAX} bytes", line=line)
            yield line, row


def _integer(path: Path, line: int, field: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > NUMBER_DIGITS_MAX:
        raise RowInvalidError(path, f"{field} is not a whole number: {text[:40]!r}", line=line)
    return int(text)


def _time(path: Path, line: int, text: str) -> int:
    seconds, _, decimals = text.partition(".")
    if not seconds.isdecimal() or len(seconds) > len("86400") or (decimals and not decimals.isdecimal()):
        raise RowInvalidError(path, f"time is not seconds after midnight: {text[:40]!r}", line=line)
    if len(decimals) > TIME_DECIMALS_MAX:
        raise RowInvalidError(path, f"time has more than {TIME_DECIMALS_MAX} decimals: {text[:40]!r}", line=line)
    return int(seconds) * NS_PER_SECOND + int(decimals[:9].ljust(9, "0"))


def _message(path: Path, line: int, text: str) -> Message:
    fields = text.split(",")
    if len(fields) != len(MESSAGE_FIELDS):
        raise RowInvalidError(path, f"{len(fields)} fields instead of {len(MESSAGE_FIELDS)}", line=line)
    time = _time(path, line, fields[0])
    numbers = [_integer(path, line, name, value) for name, value in zip(MESSAGE_FIELDS[1:], fields[1:], strict=True)]
    try:
        kind = MessageType(numbers[0])
    except ValueError as error:
        raise RowInvalidError(path, f"unknown type {numbers[0]}", line=line) from error
    message = Message(line, time, kind, *numbers[1:])
    if kind in VISIBLE:
        if message.size <= 0 or message.price <= 0 or message.order <= 0:
            raise RowInvalidError(path, "order, size and price must be above zero", line=line)
        if message.direction not in (1, -1):
            raise RowInvalidError(path, f"direction must be 1 or -1, not {message.direction}", line=line)
    return message


def read_messages(path: Path, *, notes: set[str] | None = None) -> Iterator[Message]:
    """Yield the rows of a message file, plain or gzip, one in memory at a time.

    `notes` learns what was taken though the format lacks it: a header line, a byte order mark, CRLF, blank last lines.

    Raises: FileUnreadableError, RowInvalidError, TimeReversedError.
    """
    before = 0
    for line, text in _rows(path, notes):
        message = _message(path, line, text)
        if message.time < before:
            raise TimeReversedError(path, "time goes back", line=line)
        before = message.time
        yield message


def read_books(path: Path, *, notes: set[str] | None = None) -> Iterator[BookRow]:
    """Yield the rows of an order book file, plain or gzip, one in memory at a time; `notes` as for messages.

    Raises: FileUnreadableError, RowInvalidError.
    """
    for line, text in _rows(path, notes):
        fields = text.split(",")
        if len(fields) % LEVEL_FIELDS:
            raise RowInvalidError(path, f"{len(fields)} fields are not whole levels of {LEVEL_FIELDS}", line=line)
        numbers = [_integer(path, line, "level", value) for value in fields]
        asks = _levels(path, line, numbers[0::4], numbers[1::4], empty=EMPTY_ASK)
        bids = _levels(path, line, numbers[2::4], numbers[3::4], empty=EMPTY_BID)
        yield BookRow(line, asks, bids)


def _levels(path: Path, line: int, prices: list[int], sizes: list[int], *, empty: int) -> tuple[BookLevel, ...]:
    levels = tuple(BookLevel(*level) for level in zip(prices, sizes, strict=True) if level[0] != empty)
    if any(level.price <= 0 or level.size <= 0 for level in levels):
        raise RowInvalidError(path, "price and size of a level must be above zero", line=line)
    worse = [-level.price for level in levels] if empty == EMPTY_BID else [level.price for level in levels]
    if any(here >= after for here, after in pairwise(worse)):
        raise RowInvalidError(path, "levels are not in order", line=line)
    return levels


def opening_book(book_path: Path, message_path: Path) -> BookRow:
    """Return the book before the first message: the first row of the book file with that message taken back.

    Raises: FeedError if either file has no first row.
    """
    row = next(read_books(book_path), None)
    if row is None:
        raise FileUnreadableError(book_path, "no row to open the book with")
    message = next(read_messages(message_path), None)
    if message is None or message.type not in VISIBLE:
        return row
    levels = {level.price: level.size for level in (row.bids if message.direction > 0 else row.asks)}
    if levels and all((price - message.price) * message.direction > 0 for price in levels):
        return row  # deeper than the file shows
    change = -message.size if message.type is MessageType.ADD else message.size
    size = levels.pop(message.price, 0) + change
    if size < 0:
        raise RowInvalidError(book_path, "the book does not hold what the first message adds", line=row.line)
    if size:
        levels[message.price] = size
    side = tuple(BookLevel(price, levels[price]) for price in sorted(levels, reverse=message.direction > 0))
    return BookRow(row.line, row.asks, side) if message.direction > 0 else BookRow(row.line, side, row.bids)
