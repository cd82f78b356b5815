"""Tokens as they look: JWT signed with HS256 and nothing else, each of one kind, naming a user and a token family.

Whether a token still lets anybody in is not written in it; `apps.accounts.sessions` asks the database.
"""

from enum import StrEnum
from typing import Any, NamedTuple

import jwt
from django.conf import settings

_ALGORITHM = "HS256"
_ISSUER = "cift"
_NS = 1_000_000_000
_CLAIMS = ("iss", "type", "sub", "sid", "gen", "iat", "exp")
_INTEGER_MAX = 2**63 - 1


class TokenKind(StrEnum):
    """What a token is for."""

    ACCESS = "access"
    REFRESH = "refresh"


class TokenInvalidError(Exception):
    """A token that is not ours, is of another kind, or has ended."""


class Claims(NamedTuple):
    """Whom a token names, and the generation of the family it was issued in."""

    user: int
    family: int
    generation: int


def token_make(kind: TokenKind, claims: Claims, *, at: int, lifetime_s: int) -> str:
    """Sign a token; `at`: ns since the epoch, UTC."""
    body = {
        "iss": _ISSUER,
        "type": kind,
        "sub": str(claims.user),
        "sid": claims.family,
        "gen": claims.generation,
        "iat": at // _NS,
        "exp": at // _NS + lifetime_s,
    }
    return jwt.encode(body, settings.TOKENS_KEY, algorithm=_ALGORITHM)


def token_read(token: str, kind: TokenKind) -> Claims:
    """Read a token of one kind.

    Raises:
        TokenInvalidError: it is forged, has run out, or is of another kind.

    """
    try:
        body: dict[str, Any] = jwt.decode(
            token, settings.TOKENS_KEY, algorithms=[_ALGORITHM], issuer=_ISSUER, options={"require": list(_CLAIMS)}
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenInvalidError("The token is not valid.") from error
    if body["type"] != kind:
        raise TokenInvalidError("The token is of another kind.")
    numbers = (body["sub"], str(body["sid"]), str(body["gen"]))
    if not all(number.isascii() and number.isdecimal() and int(number) <= _INTEGER_MAX for number in numbers):
        raise TokenInvalidError("The token is not valid.")
    return Claims(*(int(number) for number in numbers))
