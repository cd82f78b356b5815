"""Access tokens: short-lived, signed, naming a user."""

from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings

from apps.accounts.models import User

ACCESS_LIFETIME = timedelta(minutes=15)

_ALGORITHM = "HS256"
_TYPE_ACCESS = "access"


class TokenInvalidError(Exception):
    """A token that is not ours, is of another kind, or has ended."""


def access_token_make(user: User, *, at: int) -> str:
    """Make a user's access token; `at`: ns since the epoch, UTC."""
    issued_at = at // 1_000_000_000
    claims = {
        "type": _TYPE_ACCESS,
        "sub": str(user.pk),
        "iat": issued_at,
        "exp": issued_at + int(ACCESS_LIFETIME.total_seconds()),
    }
    return jwt.encode(claims, settings.TOKENS_KEY, algorithm=_ALGORITHM)


def access_token_user(token: str) -> User:
    """Find the user an access token names.

    Raises:
        TokenInvalidError: the token is forged, has ended or is of another kind, or the user may not log in any more.

    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, settings.TOKENS_KEY, algorithms=[_ALGORITHM], options={"require": ["exp", "iat", "sub"]}
        )
    except jwt.InvalidTokenError as error:
        raise TokenInvalidError("The token is not valid.") from error
    subject = claims["sub"]
    if claims.get("type") != _TYPE_ACCESS or not subject.isdecimal():
        raise TokenInvalidError("The token is of another kind.")
    user = User.objects.filter(pk=int(subject), is_active=True).first()
    if user is None:
        raise TokenInvalidError("The user may not log in.")
    return user
