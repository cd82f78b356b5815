"""Checking who somebody says they are: limited, and as slow and as mute for an unknown address as for a known one."""

from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.accounts.identity.attempt_limits import Wanted, places_return, places_take
from apps.accounts.models import User
from cift.errors.application import ApplicationError
from cift.ratelimits import Standing, address_counted
from cift.times import clock_ns

HASHES_AT_ONCE_MAX = 2
"""One Argon2 hash takes 100 MiB: who sends many passwords at once must not take the machine's memory."""

hashing = BoundedSemaphore(HASHES_AT_ONCE_MAX)


def login_place_take(email: str, *, address: str, at: int) -> Standing:
    """Take a place among an address's failed logins, and among those to one account from there.

    Raises:
        ApplicationError: `rate_limited`.

    """
    return places_take(_places(email, address), at=at)


def login_place_return(email: str, *, address: str) -> None:
    """Release the place: the login did not fail."""
    places_return(_places(email, address))


def _places(email: str, address: str) -> tuple[Wanted, Wanted]:
    source = address_counted(address)
    return Wanted("login-address", source), Wanted("login-account-address", f"{source}|{email.strip().lower()}")


def password_user(email: str, password: str) -> User | None:
    """Find the user with this address and password, if they may log in; takes the same time whatever is wrong."""
    with hashing:
        # ModelBackend hashes for nothing where there is no such user.
        user = ModelBackend().authenticate(None, username=email, password=password)
    return user if isinstance(user, User) else None


class LimitedBackend(ModelBackend):
    """Logs in by the forms of the back office and of the browsable API, within the same limits as everywhere."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        """Find the user.

        Raises:
            PermissionDenied: too many have tried; no other backend is asked.

        """
        email = username or credentials.get(User.USERNAME_FIELD)
        if email is None or password is None:
            return None
        address = None if request is None else request.META.get("REMOTE_ADDR") or ""
        if address is not None:
            try:
                login_place_take(email, address=address, at=clock_ns())
            except ApplicationError as error:
                raise PermissionDenied from error
        user = password_user(email, password)
        if user is None or (settings.IDENTITIES["CONFIRM_EMAIL"] and not user.email_confirmed):
            return None
        if address is not None:
            login_place_return(email, address=address)
        return user
