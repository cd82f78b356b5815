"""LOBSTER files: what is read, and what is refused with its line."""

import gzip
import os
from pathlib import Path

import pytest

from apps.marketdata.feeds.lobster import (
    BestQuote,
    BookLevel,
    FileUnreadableError,
    MessageType,
    RowInvalidError,
    TimeReversedError,
    opening_book,
    read_books,
    read_messages,
)

ROW = "34200.004241176,1,16113575,18,5853300,1"


def written(folder: Path, *rows: str, end: str = "\n") -> Path:
    path = folder / "rows.csv"
    path.write_bytes(end.join(rows).encode())
    return path


def test_a_row_is_read_with_its_line_and_time_in_ns(tmp_path: Path) -> None:
    (message,) = read_messages(written(tmp_path, ROW))
    assert message == (1, 34_200_004_241_176, MessageType.ADD, 16_113_575, 18, 5_853_300, 1)


def test_short_decimals_are_padded_and_what_a_float_added_is_dropped(tmp_path: Path) -> None:
    rows = [ROW.replace("34200.004241176", time) for time in ("34200", "34200.5", "35821.088778456004")]
    times = [message.time for message in read_messages(written(tmp_path, *rows))]
    assert times == [34_200_000_000_000, 34_200_500_000_000, 35_821_088_778_456]


def test_gzip_is_known_by_its_content_and_carriage_returns_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "named_like_text.csv"
    path.write_bytes(gzip.compress(f"{ROW}\r\n{ROW}\r\n".encode()))
    assert [message.line for message in read_messages(path)] == [1, 2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("34200.0,1,2,3,4", "5 fields instead of 6"),
        (ROW + ",7", "7 fields instead of 6"),
        ("", "1 fields instead of 6"),
        (ROW.replace(",1,16", ",9,16"), "unknown type 9"),
        (ROW.replace("34200.004241176", "34200.0.1"), "time is not seconds"),
        (ROW.replace("34200.004241176", "-1"), "time is not seconds"),
        (ROW.replace("34200.004241176", "1." + "0" * 13), "more than 12 decimals"),
        (ROW.replace("5853300", "585.33"), "price is not a whole number"),
        (ROW.replace("5853300", "9" * 19), "price is not a whole number"),
        (ROW.replace(",18,", ",,"), "size is not a whole number"),
        (ROW.replace(",18,", ",0,"), "must be above zero"),
        (ROW.replace(",18,", ",-18,"), "must be above zero"),
        (ROW.replace("16113575", "0"), "must be above zero"),
        (ROW[:-1] + "0", "direction must be 1 or -1"),
        (ROW.replace("16113575", "١٢"), "not a text file"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises((RowInvalidError, FileUnreadableError), match=reason) as refused:
        list(read_messages(written(tmp_path, ROW, row, ROW)))
    assert refused.value.line == 2
    assert f"{tmp_path / 'rows.csv'}:2: " in str(refused.value)


def test_what_other_tools_put_around_rows_is_taken_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    header = "Time,Type,OrderID,Size,Price,Direction"
    path.write_bytes(b"\xef\xbb\xbf" + f"{header}\r\n{ROW}\r\n{ROW}\r\n\r\n\n".encode())
    notes: set[str] = set()
    assert [message.line for message in read_messages(path, notes=notes)] == [2, 3]
    assert [message.line for message in read_messages(path)] == [2, 3]
    said = (
        "a byte order mark, skipped",
        "a header line, skipped",
        "blank lines at the end, skipped",
        "lines end in CRLF",
    )
    assert sorted(notes) == [f"{path}: {what}" for what in said]


def test_a_plain_file_has_nothing_to_note(tmp_path: Path) -> None:
    notes: set[str] = set()
    assert len(list(read_messages(written(tmp_path, ROW, ROW, ""), notes=notes))) == 2
    assert notes == set()


def test_a_book_s_header_line_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "ask_price_1,ask_size_1,bid_price_1,bid_size_1", "5853300,18,5853200,5")
    assert [row.line for row in read_books(path)] == [2]


@pytest.mark.parametrize("row", ["Time,Type", "x" + ROW, "\ufeff", ROW.replace(",1,", ",one,")])
def test_a_first_line_that_is_neither_names_nor_a_row_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises((RowInvalidError, FileUnreadableError)):
        list(read_messages(written(tmp_path, row, ROW)))


def test_names_are_a_header_on_the_first_line_alone(tmp_path: Path) -> None:
    with pytest.raises(RowInvalidError) as refused:
        list(read_messages(written(tmp_path, ROW, "Time,Type,OrderID,Size,Price,Direction")))
    assert refused.value.line == 2


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(FileUnreadableError, match="not a regular file"):
        next(read_messages(tmp_path / "rows.csv"))


def test_rows_before_a_bad_one_are_still_read(tmp_path: Path) -> None:
    messages = read_messages(written(tmp_path, ROW, "broken"))
    assert next(messages).line == 1
    with pytest.raises(RowInvalidError):
        next(messages)


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimeReversedError) as refused:
        list(read_messages(written(tmp_path, ROW, ROW.replace("34200", "34199"))))
    assert refused.value.line == 2


def test_halts_and_hidden_executions_need_no_order(tmp_path: Path) -> None:
    rows = ["34200.0,5,0,100,5853350,1", "34201.0,7,0,0,-1,-1", "34202.0,6,0,100,5853300,-1"]
    kinds = [message.type for message in read_messages(written(tmp_path, *rows))]
    assert kinds == [MessageType.EXECUTE_HIDDEN, MessageType.HALT, MessageType.CROSS]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadableError, match="No such file"):
        list(read_messages(tmp_path / "nowhere.csv"))


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadableError):
        list(read_messages(tmp_path))


@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_a_cut_gzip_file_is_refused_with_its_line(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.gz"
    packed = gzip.compress("\n".join(ROW.replace("18", str(size)) for size in range(1, 5_000)).encode())
    path.write_bytes(packed[: int(len(packed) * keep)])
    with pytest.raises(FileUnreadableError, match="damaged gzip data") as refused:
        list(read_messages(path))
    assert refused.value.line


def test_flipped_bits_in_a_gzip_file_are_found(tmp_path: Path) -> None:
    path = tmp_path / "flipped.gz"
    packed = bytearray(gzip.compress("\n".join([ROW] * 2_000).encode()))
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises((FileUnreadableError, RowInvalidError)):
        list(read_messages(path))


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadableError, match="longer than"):
        list(read_messages(written(tmp_path, ROW, "1" * 70_000)))


def test_a_book_row_gives_its_levels_and_leaves_out_the_empty_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "5859400,200,5853300,18,9999999999,0,5853000,150", "9999999999,0,-9999999999,0")
    first, second = read_books(path)
    assert first.asks == ((5_859_400, 200),)
    assert first.bids == ((5_853_300, 18), (5_853_000, 150))
    assert first.best() == BestQuote(BookLevel(5_859_400, 200), BookLevel(5_853_300, 18))
    assert second.best() == BestQuote(None, None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,2,3", "not whole levels"),
        ("1,2,3,x", "not a whole number"),
        ("1,0,3,4", "must be above zero"),
        ("20,1,10,1,19,1,9,1", "not in order"),
        ("20,1,10,1,21,1,11,1", "not in order"),
    ],
)
def test_a_bad_book_row_is_refused_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(RowInvalidError, match=reason) as refused:
        list(read_books(written(tmp_path, "20,1,10,1", row)))
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("message", "bids"),
    [
        ("34200.0,1,7,18,100,1", ((99, 5),)),
        ("34200.0,1,7,8,100,1", ((100, 10), (99, 5))),
        ("34200.0,2,7,8,100,1", ((100, 26), (99, 5))),
        ("34200.0,3,7,8,101,1", ((101, 8), (100, 18), (99, 5))),
        ("34200.0,4,7,8,100,1", ((100, 26), (99, 5))),
        ("34200.0,5,7,8,100,1", ((100, 18), (99, 5))),
        ("34200.0,1,7,8,50,1", ((100, 18), (99, 5))),
    ],
)
def test_the_opening_book_is_the_first_row_with_its_message_taken_back(
    tmp_path: Path, message: str, bids: tuple[tuple[int, int], ...]
) -> None:
    messages, books = tmp_path / "messages.csv", tmp_path / "books.csv"
    messages.write_text(message)
    books.write_text("200,1,100,18,300,1,99,5\n")
    opening = opening_book(books, messages)
    assert opening.bids == bids
    assert opening.asks == ((200, 1), (300, 1))


def test_a_book_that_lacks_what_the_first_message_adds_is_refused(tmp_path: Path) -> None:
    messages, books = tmp_path / "messages.csv", tmp_path / "books.csv"
    messages.write_text("34200.0,1,7,19,100,1")
    books.write_text("200,1,100,18")
    with pytest.raises(RowInvalidError, match="does not hold"):
        opening_book(books, messages)


def test_an_empty_book_file_opens_nothing(tmp_path: Path) -> None:
    messages, books = tmp_path / "messages.csv", tmp_path / "books.csv"
    messages.write_text(ROW)
    books.write_text("")
    with pytest.raises(FileUnreadableError, match="no row"):
        opening_book(books, messages)
