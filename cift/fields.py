"""A request's fields, read by a table: every fault is told at once, and a field the table does not know is one."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cift.decimals import DECIMAL_PATTERN, DecimalError, decimal_check
from cift.errors.application import FIELDS_TOLD_MAX, FieldError
from cift.names import (
    ASSET_PATTERN,
    CLIENT_ORDER_ID_LENGTH_MAX,
    CLIENT_ORDER_ID_PATTERN,
    SYMBOL_LENGTH_MAX,
    SYMBOL_PATTERN,
)
from cift.times import TIME_PATTERN, time_parse


class FieldInvalidError(ValueError):
    """A value its field does not take; `code` is one of the field codes."""

    def __init__(self, code: str, detail: str) -> None:
        """Take the field code and a sentence."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read, and what the API's schema says of it."""

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __call__(self, value: Any) -> Any:
        """Read a value; FieldInvalidError or DecimalError if it is none of this kind."""
        return self.read(value)


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is read; null is the same as leaving it out, unless the field is not `nullable`."""

    parse: Callable[[Any], Any]
    required: bool = False
    default: Any = None
    nullable: bool = True


def fields_read(given: Any, table: Mapping[str, Field], errors: list[FieldError], *, path: str = "") -> dict[str, Any]:
    """Read an object by its table; faults are added to `errors`, whose fields are dotted paths below `path`."""
    prefix = f"{path}." if path else ""
    if not isinstance(given, Mapping):
        errors.append(FieldError(field=path, code="wrong_type", detail="An object is wanted."))
        return {}
    read: dict[str, Any] = {}
    for name, field in table.items():
        value = given.get(name)
        if value is None and (field.nullable or name not in given):
            if field.required:
                errors.append(FieldError(field=prefix + name, code="required", detail="This field is required."))
            read[name] = field.default
            continue
        try:
            read[name] = field.parse(value)
        except (FieldInvalidError, DecimalError) as error:
            errors.append(FieldError(field=prefix + name, code=error.code, detail=error.detail))
    unknown = islice((name for name in given if name not in table), FIELDS_TOLD_MAX)
    errors.extend(
        FieldError(field=prefix + name_shown(name), code="unknown_field", detail="There is no such field.")
        for name in unknown
    )
    return read


def name_shown(name: str) -> str:
    """Cut a client's own name for a field short, and make it ASCII, before it is sent back."""
    return name[:64].encode("ascii", "replace").decode()


def _text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise FieldInvalidError("wrong_type", "A string is wanted.")
    return value


def text(pattern: str, *, length_max: int, length_min: int = 0, example: str = "") -> Kind:
    """Read a string that matches a pattern from end to end."""
    compiled = re.compile(pattern, re.ASCII)

    def parse(value: Any) -> str:
        given = _text_of(value)
        if len(given) > length_max:
            raise FieldInvalidError("out_of_range", f"At most {length_max} characters.")
        if len(given) < length_min:
            raise FieldInvalidError("out_of_range", f"At least {length_min} characters.")
        if compiled.fullmatch(given) is None:
            raise FieldInvalidError("malformed", f"This must match {pattern}")
        return given

    schema: dict[str, Any] = {"type": "string", "pattern": f"^{pattern}$", "maxLength": length_max}
    if length_min:
        schema["minLength"] = length_min
    return Kind(parse, schema | ({"examples": [example]} if example else {}))


def choice(names: Mapping[str, Any]) -> Kind:
    """Read one of some words."""

    def parse(value: Any) -> Any:
        given = _text_of(value)
        if given not in names:
            raise FieldInvalidError("not_a_choice", f"One of {', '.join(names)}.")
        return names[given]

    return Kind(parse, {"type": "string", "enum": list(names)})


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldInvalidError("wrong_type", "true or false is wanted.")
    return value


boolean = Kind(_boolean, {"type": "boolean"})
"""Reads true or false."""


def whole(*, least: int, most: int) -> Kind:
    """Read a whole number of JSON within bounds."""

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldInvalidError("wrong_type", "A whole number is wanted.")
        if not least <= value <= most:
            raise FieldInvalidError("out_of_range", f"{least} to {most}.")
        return value

    return Kind(parse, {"type": "integer", "minimum": least, "maximum": most})


def one_of(numbers: Sequence[int]) -> Kind:
    """Read one of some whole numbers."""

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldInvalidError("wrong_type", "A whole number is wanted.")
        if value not in numbers:
            raise FieldInvalidError("not_a_choice", f"One of {', '.join(map(str, numbers))}.")
        return value

    return Kind(parse, {"type": "integer", "enum": list(numbers)})


def _unread(value: Any) -> Any:
    return value


unread = Kind(_unread, {"type": "object"})
"""Leaves what should be an object for another to read, who says what is wrong with it."""


def _decimal(value: Any) -> str:
    return decimal_check(_text_of(value))


decimal = Kind(_decimal, {"type": "string", "pattern": f"^{DECIMAL_PATTERN}$", "examples": ["150.01"]})
"""Reads a string that holds a decimal; it becomes an integer once its scale is known."""


def _number(value: Any) -> int:
    given = _text_of(value)
    if re.fullmatch(NUMBER_PATTERN, given, re.ASCII) is None:
        raise FieldInvalidError("malformed", "An id is a string of digits.")
    return int(given)


NUMBER_PATTERN = r"[1-9][0-9]{0,17}|[1-8][0-9]{18}"
"""An identifier: an order's are at most 2^62, and what fits this fits the wire."""

number = Kind(_number, {"type": "string", "pattern": f"^({NUMBER_PATTERN})$", "examples": ["12217155584"]})
"""Reads an identifier: a string of digits, and not 0."""


def _moment(value: Any) -> int:
    try:
        return time_parse(_text_of(value))
    except FieldInvalidError:
        raise
    except ValueError as error:
        raise FieldInvalidError("malformed", str(error)) from error


moment = Kind(
    _moment,
    {
        "type": "string",
        "format": "date-time",
        "pattern": f"^{TIME_PATTERN}$",
        "examples": ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000001Z"],
    },
)
"""Reads a time as ns since the epoch, UTC."""


ASSET_SYMBOL = text(ASSET_PATTERN, length_max=SYMBOL_LENGTH_MAX, example="USD")
SYMBOL = text(SYMBOL_PATTERN, length_max=SYMBOL_LENGTH_MAX, example="AAPL-USD")
CLIENT_ORDER_ID = text(CLIENT_ORDER_ID_PATTERN, length_max=CLIENT_ORDER_ID_LENGTH_MAX, example="my-order-1")
