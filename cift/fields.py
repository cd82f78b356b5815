"""A request's fields, read by a table: every fault is told at once, and a field the table does not know is one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cift.decimals import DECIMAL_PATTERN, DecimalError, decimal_check
from cift.errors import FieldError
from cift.times import time_parse


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
    """How one field is read; null is the same as leaving it out."""

    parse: Callable[[Any], Any]
    required: bool = False
    default: Any = None


def fields_read(given: Any, table: Mapping[str, Field], errors: list[FieldError], *, path: str = "") -> dict[str, Any]:
    """Read an object by its table; faults are added to `errors`, whose fields are dotted paths below `path`."""
    prefix = f"{path}." if path else ""
    if not isinstance(given, Mapping):
        errors.append(FieldError(field=path, code="wrong_type", detail="An object is wanted."))
        return {}
    read: dict[str, Any] = {}
    for name, field in table.items():
        value = given.get(name)
        if value is None:
            if field.required:
                errors.append(FieldError(field=prefix + name, code="required", detail="This field is required."))
            read[name] = field.default
            continue
        try:
            read[name] = field.parse(value)
        except (FieldInvalidError, DecimalError) as error:
            errors.append(FieldError(field=prefix + name, code=error.code, detail=error.detail))
    errors.extend(
        FieldError(field=prefix + _shown(name), code="unknown_field", detail="There is no such field.")
        for name in given
        if name not in table
    )
    return read


def _shown(name: str) -> str:
    """Cut a client's own words short before they are sent back."""
    return name[:64].encode("ascii", "replace").decode()


def _text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise FieldInvalidError("wrong_type", "A string is wanted.")
    return value


def text(pattern: str, *, length_max: int, example: str = "") -> Kind:
    """Read a string that matches a pattern from end to end."""
    compiled = re.compile(pattern, re.ASCII)

    def parse(value: Any) -> str:
        given = _text_of(value)
        if len(given) > length_max:
            raise FieldInvalidError("out_of_range", f"At most {length_max} characters.")
        if compiled.fullmatch(given) is None:
            raise FieldInvalidError("malformed", f"This must match {pattern}")
        return given

    schema = {"type": "string", "pattern": f"^{pattern}$", "maxLength": length_max}
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


def _decimal(value: Any) -> str:
    return decimal_check(_text_of(value))


decimal = Kind(_decimal, {"type": "string", "pattern": f"^{DECIMAL_PATTERN}$", "examples": ["150.01"]})
"""Reads a string that holds a decimal; it becomes an integer once its scale is known."""


def _number(value: Any) -> int:
    given = _text_of(value)
    if re.fullmatch(r"[1-9][0-9]{0,18}", given, re.ASCII) is None or int(given) >= 2**63:
        raise FieldInvalidError("malformed", "An id is a string of digits.")
    return int(given)


number = Kind(_number, {"type": "string", "pattern": "^[1-9][0-9]{0,18}$", "examples": ["12217155584"]})
"""Reads an identifier: a string of digits that fits the wire, and is not 0."""


def _moment(value: Any) -> int:
    try:
        return time_parse(_text_of(value))
    except FieldInvalidError:
        raise
    except ValueError as error:
        raise FieldInvalidError("malformed", str(error)) from error


moment = Kind(
    _moment,
    {"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000001Z"]},
)
"""Reads a time as ns since the epoch, UTC."""
