"""Who asks: `Authorization: Bearer <access>` for REST framework's views."""

import re
from typing import ClassVar

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from apps.accounts.identity.second_factor import session_check
from apps.accounts.identity.sessions import access_family
from apps.accounts.identity.tokens import TokenInvalidError
from apps.accounts.models import Account, TokenFamily, User
from apps.accounts.selectors import account_of_user
from cift.errors.application import ApplicationError
from cift.logs.context import log_note
from cift.times import clock_ns

BEARER = re.compile(r"Bearer +([A-Za-z0-9_\-.=]{1,4096})", re.IGNORECASE)


class BearerAuthentication(BaseAuthentication):
    """Takes an access token from the Authorization header."""

    def authenticate(self, request: Request) -> tuple[User, TokenFamily] | None:
        """Find the user and the login; None where there is no Bearer header.

        Raises:
            AuthenticationFailed: the token is not valid.

        """
        header = request.headers.get("Authorization", "")
        if not header.lower().startswith("bearer"):
            return None
        match = BEARER.fullmatch(header)
        try:
            family = access_family(match.group(1) if match else "", at=clock_ns())
        except TokenInvalidError as error:
            raise AuthenticationFailed(str(error)) from error
        user: User = family.user
        log_note(user=user.pk)
        return user, family

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme, so that who asks without is answered 401."""
        return "Bearer"


class PasswordAuthentication(SessionAuthentication):
    """Takes Django's session cookie, and for what changes anything the CSRF token with it.

    The password alone makes a session: this is for the calls that give the second factor, and for logging out.
    """

    def enforce_csrf(self, request: Request) -> None:
        """Hold the request to the CSRF check.

        Raises:
            ApplicationError: `csrf_failed`.

        """
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise ApplicationError("csrf_failed", str(error.detail)) from error


class BrowserAuthentication(PasswordAuthentication):
    """Takes the session of who has given all that a login wants: where there is a second factor, that too."""

    errors: ClassVar = ("second_factor_required",)
    """What it refuses besides, for the API's schema."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Find the user; None where there is no session.

        Raises:
            ApplicationError: `csrf_failed`, `second_factor_required`.

        """
        found: tuple[User, None] | None = super().authenticate(request)
        if found is not None:
            session_check(django_request(request))
        return found


def django_request(request: Request) -> HttpRequest:
    """Return Django's own request within REST framework's."""
    inner: HttpRequest = request._request  # noqa: SLF001 - REST framework gives no other way to it
    return inner


def account_of_request(request: Request) -> Account:
    """Return the account the request trades with.

    Raises:
        ApplicationError: `forbidden`: the user has none.

    """
    account = account_of_user(request.user.pk or 0)
    if account is None:
        raise ApplicationError("forbidden", "This user has no trading account.")
    log_note(account=account.pk)
    return account


def client_address(request: HttpRequest | Request) -> str:
    """Return the address a request comes from, as the project's edge has made it out."""
    address: str = request.META.get("REMOTE_ADDR") or ""
    return address
