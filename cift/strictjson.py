"""JSON read strictly: no key twice, no NaN, no fraction or exponent, no endless integer, no half of a character.

A decimal is a string.
"""

import json
import re
from typing import Any, NoReturn

INTEGER_DIGITS_MAX = 20

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Where a character may be written by halves: only then is it worth looking whether each has its other."""


class JsonInvalidError(ValueError):
    """Bytes that are no acceptable JSON; the message says why."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "An object has a key twice."
        raise JsonInvalidError(msg)
    return members


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        msg = "An integer is too long."
        raise JsonInvalidError(msg)
    return int(digits)


def _refused(_text: str) -> NoReturn:
    msg = "A decimal is written as a string."
    raise JsonInvalidError(msg)


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_refused, parse_constant=_refused
)


def json_parse(body: bytes | str) -> Any:
    """Read JSON text.

    Raises:
        JsonInvalidError: it is not JSON, or JSON this venue does not take.

    """
    try:
        text = body if isinstance(body, str) else body.decode()
        read = _decoder.decode(text)
        if _SURROGATE.search(text):
            json.dumps(read, ensure_ascii=False).encode()
    except JsonInvalidError:
        raise
    except RecursionError as error:
        msg = "The nesting is too deep."
        raise JsonInvalidError(msg) from error
    except UnicodeEncodeError as error:
        msg = "A string has half of a pair of surrogates."
        raise JsonInvalidError(msg) from error
    except UnicodeDecodeError as error:
        msg = "JSON is UTF-8 text."
        raise JsonInvalidError(msg) from error
    except ValueError as error:
        msg = f"Not JSON: {error}"
        raise JsonInvalidError(msg) from error
    return read
