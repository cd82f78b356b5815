import pytest

from cift.times import SteadyClock, time_format, time_parse

S = 1_000_000_000


def test_a_time_is_written_in_utc_with_microseconds() -> None:
    assert time_format(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123_456_789),
        ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500_000_000),
    ],
)
def test_a_time_is_read_with_its_offset(text: str, at: int) -> None:
    assert time_parse(text) == at


@pytest.mark.parametrize(
    "text", ["", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "now", "1e9"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        time_parse(text)


class Hands:
    """A system's two clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_700_000_000 * S, 5 * S

    def go(self, seconds: int, *, set_by: int = 0) -> None:
        self.wall += (seconds + set_by) * S
        self.monotonic += seconds * S

    def clock(self) -> SteadyClock:
        return SteadyClock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)


def test_the_time_is_the_systems_while_nobody_sets_it_back() -> None:
    hands = Hands()
    clock = hands.clock()
    for set_by in (0, 0, 3_600, 0):
        hands.go(10, set_by=set_by)
        assert (clock(), clock.lead_ns) == (hands.wall, 0)


def test_a_clock_set_back_is_caught_up_with_by_going_a_tenth_slower() -> None:
    hands = Hands()
    clock = hands.clock()
    before = hands.wall
    hands.go(0, set_by=-60)
    assert (clock(), clock.lead_ns) == (before, 60 * S)
    hands.go(100)
    assert (clock(), clock.lead_ns) == (before + 90 * S, 50 * S)
    hands.go(500)
    assert (clock(), clock.lead_ns) == (hands.wall, 0)


def test_the_time_is_never_behind_one_that_was_seen() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.see(hands.wall + 30 * S)
    assert (clock(), clock.lead_ns) == (hands.wall + 30 * S, 30 * S)
    clock.see(hands.wall)
    hands.go(10)
    assert clock.lead_ns == 30 * S
    assert clock() == hands.wall + 29 * S
