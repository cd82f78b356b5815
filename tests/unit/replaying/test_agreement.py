"""How two series of states are compared."""

import random

import pytest

from apps.replaying.agreement import agreement, distinct


def longest_by_table(ours: list[int], theirs: list[int]) -> int:
    """Fill the textbook's table."""
    above = [0] * (len(theirs) + 1)
    for state in ours:
        row = [0]
        for index, other in enumerate(theirs):
            row.append(above[index] + 1 if state == other else max(row[index], above[index + 1]))
        above = row
    return above[-1]


def test_equal_series_agree_in_full() -> None:
    assert agreement([1, 2, 3], [1, 2, 3]) == 3


def test_what_follows_or_stands_between_costs_nothing() -> None:
    assert agreement([1, 2, 3], [9, 1, 9, 2, 3, 9, 9]) == 3


def test_order_counts() -> None:
    assert agreement([1, 2, 3], [3, 2, 1]) == 1


def test_nothing_agrees_with_nothing() -> None:
    assert agreement([], [1]) == agreement([1], []) == 0


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_the_table_gives(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 a reproducible case
    ours, theirs = ([draw.randint(0, 4) for _ in range(draw.randint(0, 90))] for _ in range(2))
    assert agreement(ours, theirs) == longest_by_table(ours, theirs)


def test_neighbours_that_are_equal_count_once() -> None:
    assert list(distinct([1, 1, 2, 2, 1, None, 3])) == [1, 2, 1, None, 3]
