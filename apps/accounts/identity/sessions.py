"""Token families: begun by a login, carried on by their refresh tokens, ended by many things, once for all processes.

The database decides. A refresh token is exchanged by one UPDATE that names its generation: of any number that come at
once, one finds the row as it was. The others, and a client that lost the answer, come within seconds and are given the
same successor: it is signed again, as of the exchange. One that comes later, or when its successor was itself
exchanged, was used by somebody else, so its family ends (RFC 9700, section 4.14.2).
"""

import logging
from typing import NamedTuple

from django.conf import settings
from django.db import router, transaction
from django.db.models import F

from apps.accounts.identity.ended_sessions import families_ended_tell
from apps.accounts.identity.tokens import Claims, TokenInvalidError, TokenKind, token_make, token_read
from apps.accounts.models import TokenFamily, User, session_version_make
from apps.accounts.selectors import account_of_user

_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class Tokens(NamedTuple):
    """What a login is given."""

    access: str
    refresh: str


class Principal(NamedTuple):
    """Who asks: a user, the login they ask by, and the account they trade with, if they have one."""

    user: int
    family: int
    account: int | None


def family_start(
    user: User, *, at: int, address: str, lifetime_s: int | None = None, second_factor: bool = False
) -> TokenFamily:
    """Begin a family for a user whose password was checked; under an older session version it is born dead."""
    lifetime_s = settings.IDENTITIES["REFRESH_S"] if lifetime_s is None else lifetime_s
    return TokenFamily.objects.create(
        user=user,
        session_version=user.session_version,
        created_at=at,
        used_at=at,
        expires_at=at + lifetime_s * _NS,
        second_factor_at=at if second_factor else None,
        address=address,
    )


def tokens_issue(family: TokenFamily, *, at: int) -> Tokens:
    """Sign the tokens of a family's current generation."""
    claims = Claims(user=family.user_id, family=family.pk, generation=family.generation)
    return Tokens(
        access=token_make(TokenKind.ACCESS, claims, at=at, lifetime_s=settings.IDENTITIES["ACCESS_S"]),
        refresh=token_make(TokenKind.REFRESH, claims, at=at, lifetime_s=settings.IDENTITIES["REFRESH_S"]),
    )


def family_rotate(claims: Claims, *, at: int) -> Tokens:
    """Exchange the refresh token of these claims for the next generation's tokens; again soon: for the same ones.

    Raises:
        TokenInvalidError: the family is over, or ends now because the token was exchanged before.

    """
    family = _alive(claims, at=at)
    # No join, no subquery: on a row another has just changed, a database checks these conditions again, and no others.
    exchanged = TokenFamily.objects.filter(
        pk=family.pk, generation=claims.generation, session_version=family.session_version, ended_at=None
    ).update(generation=F("generation") + 1, used_at=at, expires_at=at + settings.IDENTITIES["REFRESH_S"] * _NS)
    if exchanged:
        family.generation = claims.generation + 1
        return tokens_issue(family, at=at)
    family = _alive(claims, at=at)
    again_s: int = settings.IDENTITIES["REFRESH_AGAIN_S"]
    if family.generation == claims.generation + 1 and at - family.used_at <= again_s * _NS:
        return tokens_issue(family, at=family.used_at)
    if family_end(family.pk, at=at, reason="token_reused", generation_above=claims.generation):
        logger.warning("a refresh token of user %s was reused; its token family %s ends", family.user_id, family.pk)
    raise TokenInvalidError("The token was used before.")


def family_end(family: int, *, at: int, reason: str, generation_above: int = 0) -> bool:
    """End a family; tell whether it lasted until now."""
    ended = TokenFamily.objects.filter(pk=family, ended_at=None, generation__gt=generation_above).update(
        ended_at=at, end_reason=reason
    )
    families_ended_tell()
    return bool(ended)


def user_sessions_end(user: User, *, keep: int | None = None) -> None:
    """End all of a user's families, sockets and browser sessions; `keep`: but this family, where it lasts."""
    version = session_version_make()
    with transaction.atomic(using=router.db_for_write(User)):
        kept = TokenFamily.objects.filter(pk__in=[] if keep is None else [keep], user=user)
        kept.filter(session_version=user.session_version).update(session_version=version)
        User.objects.filter(pk=user.pk).update(session_version=version)
    user.session_version = version
    transaction.on_commit(families_ended_tell, using=router.db_for_write(User))


def user_deactivate(user: User) -> None:
    """Let a user log in no more, and end what is logged in."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    families_ended_tell()


def access_family(token: str, *, at: int) -> TokenFamily:
    """Find the family, with its user, that an access token names, as the database knows it now.

    Raises:
        TokenInvalidError: the token is not valid, or what it was issued for is over.

    """
    return _alive(token_read(token, TokenKind.ACCESS), at=at)


def principal_read(claims: Claims, *, at: int) -> Principal:
    """Find who is behind the claims of an access token.

    Raises:
        TokenInvalidError: what it was issued for is over.

    """
    return principal_of(_alive(claims, at=at))


def principal_of(family: TokenFamily) -> Principal:
    """Return a family's principal."""
    account = account_of_user(family.user_id)
    return Principal(user=family.user_id, family=family.pk, account=None if account is None else account.pk)


def families_alive(families: list[int], *, at: int) -> set[int]:
    """Return which of some families still let their user in."""
    return set(TokenFamily.objects.filter(pk__in=families).alive(at=at).values_list("pk", flat=True))


def _alive(claims: Claims, *, at: int) -> TokenFamily:
    family = (
        TokenFamily.objects.filter(pk=claims.family, user_id=claims.user).alive(at=at).select_related("user").first()
    )
    if family is None:
        raise TokenInvalidError("The login this token is of is over.")
    return family
