"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost."""

import secrets
from base64 import b32encode
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.request import Request

from apps.accounts.identity.attempt_limits import Wanted, places_take
from apps.accounts.models import TokenFamily, User
from cift.errors.application import ApplicationError
from cift.times import clock_ns

RECOVERY_CODES = 8
_RECOVERY_BYTES = 8
_RECOVERY_SALT = "apps.accounts.identity.second_factor.recovery"
_NS = 1_000_000_000
_SESSION_KEY = "second_factor_at"


class Enrolment(NamedTuple):
    """What an authenticator needs: the secret in base 32, and the address most read it from."""

    secret: str
    uri: str


def second_factor_has(user: User) -> bool:
    """Return whether a user has a second factor."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def enrolment_possible(user: User) -> None:
    """Check that there is no second factor yet.

    Raises:
        ApplicationError: `conflict`.

    """
    if second_factor_has(user):
        raise ApplicationError("conflict", "There is a second factor already.")


def enrolment_begin(user: User) -> Enrolment:
    """Make a secret; it counts once a code made with it was given.

    Raises:
        ApplicationError: `conflict`: there is a second factor already.

    """
    enrolment_possible(user)
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=False)
    return Enrolment(secret=b32encode(device.bin_key).decode(), uri=device.config_url)


def enrolment_confirm(user: User, code: str) -> list[str]:
    """Make the begun enrolment count; give the recovery codes, each good once: only their digests are kept.

    Raises:
        ApplicationError: `second_factor_wrong`; `conflict`: none was begun; `rate_limited`.

    """
    _place_take(user)
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    if device is None:
        raise ApplicationError("conflict", "No enrolment was begun.")
    if verify_token(user, device.persistent_id, code) is None:
        raise ApplicationError("second_factor_wrong")
    codes = [secrets.token_hex(_RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        StaticDevice.objects.filter(user=user).delete()
        recovery = StaticDevice.objects.create(user=user, name="recovery codes")
        StaticToken.objects.bulk_create(StaticToken(device=recovery, token=_digest(each)) for each in codes)
    return codes


def code_check(user: User, code: str) -> None:
    """Hold a code against the user's second factor; one that was used is used up.

    Raises:
        ApplicationError: `second_factor_wrong`; `rate_limited`.

    """
    _place_take(user)
    is_time_based = code.isascii() and code.isdecimal() and len(code) == _digits()
    kind, kept = (TOTPDevice, code) if is_time_based else (StaticDevice, _digest(code))
    for device in kind.objects.filter(user=user, confirmed=True):
        # The device is locked meanwhile, so of several that bring the same code at once, one is let in.
        if verify_token(user, device.persistent_id, kept) is not None:
            return
    raise ApplicationError("second_factor_wrong")


def second_factor_remove(user: User) -> None:
    """Leave a user without a second factor."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def second_factor_mark(request: HttpRequest | Request, *, at: int) -> None:
    """Remember that the login a request comes by has just given its second factor."""
    family = getattr(request, "auth", None)
    if isinstance(family, TokenFamily):
        TokenFamily.objects.filter(pk=family.pk).update(second_factor_at=at)
    else:
        request.session[_SESSION_KEY] = at


def second_factor_fresh(request: HttpRequest | Request) -> bool:
    """Return whether a request may do what needs a fresh second factor.

    True as well where the setting requires none.
    """
    if not settings.IDENTITIES["SECOND_FACTOR_REQUIRED"]:
        return True
    if isinstance(request.user, AnonymousUser) or not request.user.is_authenticated:
        return False
    family = getattr(request, "auth", None)
    given_at = family.second_factor_at if isinstance(family, TokenFamily) else request.session.get(_SESSION_KEY)
    if not isinstance(given_at, int):
        return False
    fresh_s: int = settings.IDENTITIES["SECOND_FACTOR_FRESH_S"]
    return clock_ns() - given_at <= fresh_s * _NS


def session_check(request: HttpRequest) -> None:
    """Let a browser's session in: where its user has a second factor, it must have been given in this session.

    The password alone makes a session, so this stands before everything that takes one.

    Raises:
        ApplicationError: `second_factor_required`, with the page that takes it.

    """
    user = request.user
    if isinstance(user, User) and not isinstance(request.session.get(_SESSION_KEY), int) and second_factor_has(user):
        raise ApplicationError("second_factor_required", page=reverse("account-second-factor"))


def _place_take(user: User) -> None:
    places_take((Wanted("second-factor-account", str(user.pk)),), at=clock_ns())


def _digest(code: str) -> str:
    """Return what is kept of a recovery code: as many bits as it has, under the venue's key."""
    return salted_hmac(_RECOVERY_SALT, code, algorithm="sha256").hexdigest()[: 2 * _RECOVERY_BYTES]


def _digits() -> int:
    digits: int = TOTPDevice._meta.get_field("digits").default
    return digits
