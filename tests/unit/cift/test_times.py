import pytest

from cift.times import time_format, time_parse


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
