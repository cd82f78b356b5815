import pytest
from hypothesis import given
from hypothesis import strategies as st

from cift.decimals import WIRE_MAX, DecimalError, decimal_format, decimal_parse, ratio_format


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [
        ("10", 0, 10),
        ("150.01", 2, 15_001),
        ("150.1", 2, 15_010),
        ("150.100", 2, 15_010),
        ("0.00000001", 8, 1),
        ("007", 0, 7),
        ("-1.5", 2, -150),
        ("0", 8, 0),
        ("9223372036854775807", 0, WIRE_MAX),
    ],
)
def test_a_number_becomes_an_integer_at_its_scale(text: str, scale: int, value: int) -> None:
    assert decimal_parse(text, scale=scale) == value


@pytest.mark.parametrize(
    ("text", "scale", "code"),
    [
        ("", 2, "malformed"),
        (".5", 2, "malformed"),
        ("5.", 2, "malformed"),
        ("1e5", 2, "malformed"),
        ("1E-3", 2, "malformed"),
        ("+1", 2, "malformed"),
        ("1,000", 2, "malformed"),
        (" 1", 2, "malformed"),
        ("1\n", 2, "malformed"),
        ("NaN", 2, "malformed"),
        ("Infinity", 2, "malformed"),
        ("0x10", 2, "malformed"),
        ("١٢", 0, "malformed"),
        ("1.001", 2, "malformed"),
        ("9" * 1_000_000, 2, "malformed"),
        ("0." + "0" * 1_000_000, 2, "malformed"),
        ("9223372036854775808", 0, "out_of_range"),
        ("92233720368547758.08", 2, "out_of_range"),
    ],
)
def test_what_is_no_number_at_the_scale_is_refused(text: str, scale: int, code: str) -> None:
    with pytest.raises(DecimalError) as caught:
        decimal_parse(text, scale=scale)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [(0, 8, "0"), (10, 0, "10"), (15_010, 2, "150.1"), (15_000, 2, "150"), (1, 8, "0.00000001"), (-150, 2, "-1.5")],
)
def test_an_integer_is_written_in_its_shortest_form(value: int, scale: int, text: str) -> None:
    assert decimal_format(value, scale=scale) == text


@given(st.integers(min_value=-WIRE_MAX, max_value=WIRE_MAX), st.integers(min_value=0, max_value=12))
def test_what_is_written_is_read_back(value: int, scale: int) -> None:
    assert decimal_parse(decimal_format(value, scale=scale), scale=scale) == value


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"), [(1, 3, "0.33"), (2, 3, "0.67"), (1, 200, "0.01"), (10, 5, "2")]
)
def test_a_ratio_is_rounded_half_up(numerator: int, denominator: int, text: str) -> None:
    assert ratio_format(numerator, denominator, scale=2) == text
