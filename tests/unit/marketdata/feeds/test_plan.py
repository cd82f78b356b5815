"""What a venue must do for each row of a recording."""

from itertools import count, pairwise
from pathlib import Path

import pytest

from apps.marketdata.feeds.lobster import (
    BookLevel,
    BookRow,
    Message,
    MessageType,
    opening_book,
    read_books,
    read_messages,
)
from apps.marketdata.feeds.plan import BUY, SELL, Add, Counts, Delete, Execute, Planner, Reduce, Step
from apps.marketdata.feeds.sample import write_sample
from tests.support.naive_book import NaiveBook, states
from tests.support.recordings import level_1

OPENING = BookRow(1, asks=(BookLevel(102, 20),), bids=(BookLevel(98, 30),))


def flow(*rows: tuple[MessageType, int, int, int, int]) -> list[Message]:
    """Number rows of (type, order, size, price, direction)."""
    return [Message(line, line * 1_000, *row) for line, row in zip(count(1), rows, strict=False)]


def planned(
    *rows: tuple[MessageType, int, int, int, int], opening: BookRow | None = None
) -> tuple[Planner, list[Step]]:
    planner = Planner()
    return planner, list(planner.steps(opening, flow(*rows)))


def test_an_execution_of_the_next_order_becomes_an_order_of_the_other_side() -> None:
    planner, steps = planned((MessageType.ADD, 7, 50, 100, BUY), (MessageType.EXECUTE, 7, 20, 100, BUY))
    assert steps == [Add(1, 1_000, "7.1", BUY, 100, 50), Execute(2, 2_000, "take-2", SELL, 100, 20)]
    assert planner.counts.executed == 1


def test_an_execution_out_of_turn_takes_the_named_order_down() -> None:
    planner, steps = planned(
        (MessageType.ADD, 7, 50, 100, BUY),
        (MessageType.ADD, 8, 50, 100, BUY),
        (MessageType.EXECUTE, 8, 20, 100, BUY),
        (MessageType.EXECUTE, 8, 30, 100, BUY),
    )
    assert steps[2:] == [Reduce(3, 3_000, "8.2", 30), Delete(4, 4_000, "8.2")]
    assert planner.counts.out_of_turn == 2


def test_an_execution_behind_the_best_price_takes_the_named_order_down() -> None:
    _, steps = planned(
        (MessageType.ADD, 7, 50, 100, BUY), (MessageType.ADD, 8, 50, 101, BUY), (MessageType.EXECUTE, 7, 50, 100, BUY)
    )
    assert steps[2:] == [Delete(3, 3_000, "7.1")]


def test_a_reduction_names_the_new_total_with_the_filled_part() -> None:
    _, steps = planned(
        (MessageType.ADD, 7, 50, 100, SELL),
        (MessageType.EXECUTE, 7, 20, 100, SELL),
        (MessageType.REDUCE, 7, 10, 100, SELL),
    )
    assert steps[2] == Reduce(3, 3_000, "7.1", 40)


def test_rows_about_volume_from_before_the_start_come_off_the_opening_book() -> None:
    planner, steps = planned(
        (MessageType.DELETE, 3, 10, 98, BUY), (MessageType.EXECUTE, 4, 20, 98, BUY), opening=OPENING
    )
    assert steps == [
        Add(0, 0, "seed-1", BUY, 98, 30),
        Add(0, 0, "seed-2", SELL, 102, 20),
        Reduce(1, 1_000, "seed-1", 20),
        Delete(2, 2_000, "seed-1"),
    ]
    assert planner.counts.before_start == 2


def test_rows_about_orders_never_seen_are_skipped_and_counted() -> None:
    planner, steps = planned((MessageType.DELETE, 3, 10, 90, BUY), (MessageType.REDUCE, 3, 10, 90, SELL))
    assert steps == []
    assert planner.counts.unknown == 2


def test_hidden_executions_crosses_and_halts_do_not_touch_the_book() -> None:
    planner, steps = planned(
        (MessageType.EXECUTE_HIDDEN, 0, 10, 90, BUY),
        (MessageType.CROSS, 0, 10, 90, BUY),
        (MessageType.HALT, 0, 0, -1, -1),
    )
    assert steps == []
    assert (planner.counts.hidden, planner.counts.other) == (1, 2)


def test_an_order_that_would_cross_removes_the_ghosts_before_it() -> None:
    planner, steps = planned((MessageType.ADD, 7, 50, 100, BUY), (MessageType.ADD, 8, 50, 99, SELL))
    assert steps[1:] == [Delete(2, 2_000, "7.1"), Add(2, 2_000, "8.2", SELL, 99, 50)]
    assert planner.counts.ghosts == 1


def test_rows_that_contradict_earlier_ones_are_counted_and_never_go_below_zero() -> None:
    planner, steps = planned(
        (MessageType.ADD, 7, 50, 100, BUY), (MessageType.ADD, 7, 50, 100, BUY), (MessageType.REDUCE, 7, 60, 100, BUY)
    )
    assert steps[1:] == [Delete(3, 3_000, "7.1")]
    assert planner.counts.odd == 2


def test_a_number_used_again_gets_a_name_of_its_own() -> None:
    _, steps = planned(
        (MessageType.ADD, 7, 50, 100, BUY), (MessageType.DELETE, 7, 50, 100, BUY), (MessageType.ADD, 7, 50, 100, BUY)
    )
    assert [step.order for step in steps] == ["7.1", "7.1", "7.3"]


def test_each_execution_hits_just_the_order_the_recording_names() -> None:
    planner, steps = planned(
        (MessageType.ADD, 7, 50, 100, BUY),
        (MessageType.ADD, 8, 50, 100, BUY),
        (MessageType.EXECUTE, 7, 50, 100, BUY),
        (MessageType.EXECUTE, 8, 10, 100, BUY),
    )
    book = NaiveBook()
    for step in steps:
        book.take(step)
    assert book.trades == [("7.1", 100, 50), ("8.2", 100, 10)]
    assert planner.counts.executed == 2


@pytest.mark.parametrize("seed", range(6))
def test_a_planned_sample_gives_the_book_the_sample_came_from(tmp_path: Path, seed: int) -> None:
    messages, books = write_sample(tmp_path, messages=1_500, seed=seed)
    planner = Planner()
    # Rows without a step leave the book as it was, so distinct states are compared.
    steps = planner.steps(opening_book(books, messages), read_messages(messages))
    ours = list(states(steps))
    theirs = [row.best() for row in read_books(books)]
    assert [b for a, b in pairwise([None, *ours]) if a != b] == [b for a, b in pairwise([None, *theirs]) if a != b]
    assert planner.counts.executed
    assert planner.counts.out_of_turn
    assert planner.counts.before_start
    assert planner.counts.hidden


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    written = []
    for folder in folders:
        folder.mkdir()
        written.append([path.read_bytes() for path in write_sample(folder, messages=300, seed=3)])
    assert written[0] == written[1]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_file_of_the_best_level_alone_is_known_by_its_ghosts(tmp_path: Path, seed: int) -> None:
    messages, books = write_sample(tmp_path, messages=2_000, seed=seed)
    best = tmp_path / "best.csv"
    best.write_text("\n".join(level_1(messages, books)))
    whole, part = Planner(), Planner()
    for planner, path in ((whole, messages), (part, best)):
        for _ in planner.steps(None, read_messages(path)):
            pass
    assert (whole.counts.ghosts, whole.counts.is_partial) == (0, False)
    assert part.counts.is_partial


def test_a_ghost_among_hundreds_of_orders_says_nothing() -> None:
    assert not Counts(added=100, ghosts=1).is_partial
    assert Counts(added=100, ghosts=2).is_partial
    assert not Counts().is_partial
