"""JSON read strictly: no key twice, no NaN, no fraction or exponent, no endless integer, no half of a character.

A decimal is a string. A fault that is one value's names its field, as any other fault of a field does: the text is
then read once more, with a mark in the place of what is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, NoReturn

from cift.errors.application import FIELDS_TOLD_MAX, FieldError
from cift.fields import name_shown

INTEGER_DIGITS_MAX = 20

_DEPTH_NAMED_MAX = 8
"""A fault deeper than this is named by what it is in."""

_DECIMAL = "A decimal is written as a string."
_INTEGER_LONG = "An integer is too long."
_TWICE = "An object has a key twice."
_HALF = "A string has half of a pair of surrogates."

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Where a character may be written by halves: only then is it worth looking whether each has its other."""


class JsonInvalidError(ValueError):
    """Bytes that are no acceptable JSON; the message says why.

    `errors` names the fields at fault, where the text is JSON but for them; `sound` are the members of the outermost
    object that are none of those, as far as it was looked at: until FIELDS_TOLD_MAX faults were found.
    """

    def __init__(
        self, detail: str, *, errors: Sequence[FieldError] = (), sound: Mapping[str, Any] | None = None
    ) -> None:
        """Take the sentence and what is known of the fields."""
        super().__init__(detail)
        self.errors = tuple(errors)
        self.sound = dict(sound or {})


class _ValueRefusedError(ValueError):
    """JSON, but with a value this venue does not take."""


class _Mark(NamedTuple):
    """Stands in the place of a value that is refused."""

    code: str
    detail: str


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _ValueRefusedError(_TWICE)
    return members


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise _ValueRefusedError(_INTEGER_LONG)
    return int(digits)


def _refused(_text: str) -> NoReturn:
    raise _ValueRefusedError(_DECIMAL)


def _members_marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        members[name] = _Mark("invalid", "This key comes twice.") if name in members else value
    return members


def _integer_marked(digits: str) -> int | _Mark:
    return _Mark("out_of_range", _INTEGER_LONG) if len(digits) > INTEGER_DIGITS_MAX else int(digits)


def _refused_marked(_text: str) -> _Mark:
    return _Mark("wrong_type", _DECIMAL)


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_refused, parse_constant=_refused
)
_marking = json.JSONDecoder(
    object_pairs_hook=_members_marked,
    parse_int=_integer_marked,
    parse_float=_refused_marked,
    parse_constant=_refused_marked,
)


def json_parse(body: bytes | str) -> Any:
    """Read JSON text.

    Raises:
        JsonInvalidError: it is not JSON, or JSON this venue does not take.

    """
    try:
        text = body if isinstance(body, str) else body.decode()
    except UnicodeDecodeError as error:
        msg = "JSON is UTF-8 text."
        raise JsonInvalidError(msg) from error
    try:
        read = _decode(_decoder, text)
        if _SURROGATE.search(text):
            json.dumps(read, ensure_ascii=False).encode()
    except _ValueRefusedError as error:
        raise _explained(str(error), _decode(_marking, text)) from error
    except UnicodeEncodeError as error:
        raise _explained(_HALF, read) from error
    return read


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except _ValueRefusedError:
        raise
    except RecursionError as error:
        msg = "The nesting is too deep."
        raise JsonInvalidError(msg) from error
    except ValueError as error:
        msg = f"Not JSON: {error}"
        raise JsonInvalidError(msg) from error


def _explained(detail: str, read: Any) -> JsonInvalidError:
    """Name the faults of what was read, as many as are told: marks, and texts with half a character."""
    if not isinstance(read, dict):
        return JsonInvalidError(detail, errors=list(islice(_faults(read), FIELDS_TOLD_MAX)))
    errors: list[FieldError] = []
    sound: dict[str, Any] = {}
    for name, value in read.items():
        found = list(islice(_faults({name: value}), FIELDS_TOLD_MAX - len(errors)))
        errors += found
        if not found:
            sound[name] = value
        elif len(errors) == FIELDS_TOLD_MAX:
            break
    return JsonInvalidError(detail, errors=errors, sound=sound)


def _faults(read: Any) -> Iterator[FieldError]:
    """Walk down without recursion; the order is that of the text."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), read)]
    while waiting:
        path, value = waiting.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(value, _Mark):
            yield FieldError(field=".".join(path), code=value.code, detail=value.detail)
        elif isinstance(value, str) and _has_half(value):
            yield FieldError(field=".".join(path), code="malformed", detail=_HALF)
        elif isinstance(value, list):
            inner = [(str(index), each) for index, each in enumerate(value)]
        elif isinstance(value, dict):
            # A key with half a character is at fault itself, whatever it names.
            inner = [(name_shown(name), name if _has_half(name) else each) for name, each in value.items()]
        waiting += [((*path, name)[:_DEPTH_NAMED_MAX], each) for name, each in reversed(inner)]


def _has_half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
