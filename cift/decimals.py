"""Decimals at the edge: text that holds a number ↔ an integer at a fixed scale. Floats nowhere.

A number has no sign but a minus, no exponent, at most 19 digits before the point and 18 after. It is written in its
shortest form: `10`, `150.01`, `0`.
"""

import re

WIRE_MAX = 2**63 - 1
"""The largest integer on the wire: a signed 64-bit one."""

TEXT_MAX = 1 + 19 + 1 + 18
"""The longest text a number may have: a sign, the digits before the point, the point, those after."""

DECIMAL_PATTERN = r"(-?)([0-9]{1,19})(?:\.([0-9]{1,18}))?"

_DECIMAL = re.compile(DECIMAL_PATTERN, re.ASCII)


class DecimalError(ValueError):
    """Text that is no number at this scale; `code` is one of the field codes."""

    def __init__(self, code: str, detail: str) -> None:
        """Take the field code and a sentence."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _match(text: str) -> re.Match[str]:
    match = _DECIMAL.fullmatch(text) if len(text) <= TEXT_MAX else None
    if match is None:
        raise DecimalError("malformed", "A number is digits with at most one point, without an exponent.")
    return match


def decimal_check(text: str) -> str:
    """Return text that is a number at some scale.

    Raises:
        DecimalError: it is no number.

    """
    return _match(text).string


def decimal_parse(text: str, *, scale: int) -> int:
    """Read a number as an integer at `scale` decimals; more decimals are taken only where they are zeros.

    Raises:
        DecimalError: it is no number, has too many decimals or is too large.

    """
    match = _match(text)
    minus, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    kept, rest = fraction[:scale], fraction[scale:]
    if rest.strip("0"):
        raise DecimalError("malformed", f"At most {scale} decimals.")
    value = int(whole + kept.ljust(scale, "0"))
    if value > WIRE_MAX:
        raise DecimalError("out_of_range", "The number is too large.")
    return -value if minus else value


def decimal_format(value: int, *, scale: int) -> str:
    """Write an integer at `scale` decimals in its shortest form."""
    # Most numbers there are to write are 0.
    if scale == 0 or not value:
        return str(value)
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**scale)
    if fraction == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{scale}d}".rstrip("0")


def ratio_format(numerator: int, denominator: int, *, scale: int) -> str:
    """Write numerator / denominator (both ≥ 0, denominator > 0) with at most `scale` decimals, rounded half up."""
    return decimal_format((2 * numerator * 10**scale + denominator) // (2 * denominator), scale=scale)
