import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from django.conf import settings

from apps.accounts.identity.tokens import Claims, TokenInvalidError, TokenKind, token_make, token_read
from cift.times import clock_ns

RSA_KEY = generate_private_key(public_exponent=65_537, key_size=2_048)
CLAIMS = Claims(user=7, family=8, generation=9)


def body(**changes: Any) -> dict[str, Any]:
    now = clock_ns() // 10**9
    good = {"iss": "cift", "type": "access", "sub": "7", "sid": 8, "gen": 9, "iat": now, "exp": now + 60}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(algorithm: str = "HS256", key: str | RSAPrivateKey | None = None, **changes: Any) -> str:
    return jwt.encode(body(**changes), settings.TOKENS_KEY if key is None else key, algorithm=algorithm)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def refused(token: str, kind: TokenKind = TokenKind.ACCESS) -> bool:
    try:
        token_read(token, kind)
    except TokenInvalidError:
        return True
    return False


@pytest.mark.parametrize("kind", list(TokenKind))
def test_what_is_signed_is_read(kind: TokenKind) -> None:
    assert token_read(token_make(kind, CLAIMS, at=clock_ns(), lifetime_s=60), kind) == CLAIMS


def test_a_token_of_one_kind_is_none_of_the_other() -> None:
    assert refused(token_make(TokenKind.REFRESH, CLAIMS, at=clock_ns(), lifetime_s=60), TokenKind.ACCESS)
    assert refused(token_make(TokenKind.ACCESS, CLAIMS, at=clock_ns(), lifetime_s=60), TokenKind.REFRESH)


def test_a_token_runs_out() -> None:
    assert refused(token_make(TokenKind.ACCESS, CLAIMS, at=clock_ns() - 61 * 10**9, lifetime_s=60))


def test_a_token_of_before_the_clock_was_set_back_is_read() -> None:
    assert token_read(token_make(TokenKind.ACCESS, CLAIMS, at=clock_ns() + 10**12, lifetime_s=60), TokenKind.ACCESS)


def test_an_unsigned_token_is_refused() -> None:
    for algorithm in ("none", "None", "NONE"):
        head = {"alg": algorithm, "typ": "JWT"}
        assert refused(f"{part(head)}.{part(body())}.")
        assert refused(f"{part(head)}.{part(body())}.{signed().rpartition('.')[2]}")


def test_a_token_of_another_key_or_algorithm_is_refused() -> None:
    assert not refused(signed())
    assert refused(signed(key="k" * 64))
    assert refused(signed(key=settings.SECRET_KEY))
    assert refused(signed("HS384"))
    assert refused(signed("RS256", key=RSA_KEY))


@pytest.mark.parametrize("claim", ["iss", "type", "sub", "sid", "gen", "iat", "exp"])
def test_a_token_without_a_claim_is_refused(claim: str) -> None:
    changes: dict[str, Any] = {claim: None}
    assert refused(signed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"type": "reset"},
        {"sub": "seven"},
        {"sub": "-7"},
        {"sub": "\u0667"},
        {"sub": str(2**63)},
        {"sid": "8; DROP"},
        {"sid": -8},
        {"sid": 2**64},
        {"sid": [8]},
        {"gen": 1.5},
        {"gen": True},
        {"exp": "soon"},
    ],
)
def test_a_token_with_a_claim_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    assert refused(signed(**changes))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\0", "A" * 4_096, signed()[:-2], signed() + "x"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(token)
