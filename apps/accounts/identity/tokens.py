"""Tokens as they look: JWT signed with HS256 and nothing else, each of one kind, naming a user and a token family.

Whether a token still lets anybody in is not written in it; `apps.accounts.identity.sessions` asks the database.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import jwt
from django.conf import settings

from cift.times import clock_ns

TOKENS_MAX = 10_000
"""Tokens whose signature is remembered to be true; the one unused longest leaves first."""

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
    claims, expires_at = _token_verified(token, kind, settings.TOKENS_KEY)
    if expires_at * _NS <= clock_ns():
        raise TokenInvalidError("The token is not valid.")
    return claims


@lru_cache(maxsize=TOKENS_MAX)
def _token_verified(token: str, kind: TokenKind, key: str) -> tuple[Claims, int]:
    """Verify a token, once for all the requests it comes with; give its claims and when it ends, in s.

    What is remembered is the signature's truth, which never changes. Whether the token has run out is looked at each
    time, whether its login lasts is asked elsewhere.

    Raises:
        TokenInvalidError: it is forged, or is of another kind.

    """
    try:
        # By the system's clock a token of before it was set back has yet to come; the venue's own time is looked at.
        body: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenInvalidError("The token is not valid.") from error
    if body["type"] != kind:
        raise TokenInvalidError("The token is of another kind.")
    numbers = (body["sub"], str(body["sid"]), str(body["gen"]), str(body["exp"]))
    if not all(number.isascii() and number.isdecimal() and int(number) <= _INTEGER_MAX for number in numbers):
        raise TokenInvalidError("The token is not valid.")
    *named, expires_at = (int(number) for number in numbers)
    return Claims(*named), expires_at
