"""Checking who somebody says they are: limited, and as slow and as mute for an unknown address as for a known one."""

from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.accounts.identity.attempt_limits import attempt
from apps.accounts.identity.second_factor import code_check, second_factor_has
from apps.accounts.models import User
from cift.errors.application import ApplicationError, FieldError
from cift.processes.turns import turns
from cift.ratelimits import Standing

HASHES_AT_ONCE_MAX = 2
"""So many checks of passwords at once, of which one is being hashed: the others' threads are left to everybody else."""

hashing = BoundedSemaphore(HASHES_AT_ONCE_MAX)


def password_user(email: str, password: str) -> User | None:
    """Find the user with this address and password, if they may log in; takes the same time whatever is wrong."""
    with turns.left(), hashing:
        # ModelBackend hashes for nothing where there is no such user.
        user = ModelBackend().authenticate(None, username=email, password=password)
    return user if isinstance(user, User) else None


def owner_confirm(user: User, *, password: str, code: str | None, address: str) -> Standing:
    """Want the password again of who is logged in, and where there is a second factor that too.

    Raises:
        ApplicationError: `invalid`: the password is wrong; `second_factor_required`; `second_factor_wrong`;
            `rate_limited`.

    """
    with attempt(user.email, address=address) as standing:
        if password_user(user.email, password) is None:
            wrong = FieldError("password", "invalid", "The password is wrong.")
            raise ApplicationError("invalid", errors=[wrong], headers=standing.headers)
        if second_factor_has(user):
            if code is None:
                raise ApplicationError("second_factor_required", headers=standing.headers)
            code_check(user, code)
    return standing


class LimitedBackend(ModelBackend):
    """Logs in by the forms of the back office and of the browsable API, within the same limits as everywhere."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        """Find the user.

        Raises:
            PermissionDenied: the password is wrong, or too many have tried; no other backend is asked.

        """
        email = username or credentials.get(User.USERNAME_FIELD)
        if email is None or password is None:
            return None
        try:
            with attempt(email, address=(request.META.get("REMOTE_ADDR") or "") if request is not None else ""):
                user = password_user(email, password)
                if user is None or (settings.IDENTITIES["CONFIRM_EMAIL"] and not user.email_confirmed):
                    raise PermissionDenied
        except ApplicationError as error:
            raise PermissionDenied from error
        return user
