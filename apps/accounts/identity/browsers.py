"""Browser sessions and their token families: a browser that is logged in by a cookie has a family for its sockets."""

from typing import Any

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest
from rest_framework.request import Request

from apps.accounts.identity.sessions import family_end, family_start, user_sessions_end
from apps.accounts.models import TokenFamily, User
from cift.times import clock_ns

_SESSION_KEY = "token_family"


def family_of_request(request: Request, user: User, *, at: int, address: str) -> TokenFamily:
    """Return the login a request comes by; a browser session gets a family of its own, which ends with it."""
    if isinstance(request.auth, TokenFamily):
        return request.auth
    session = request.session
    known = session.get(_SESSION_KEY)
    if isinstance(known, int):
        family = TokenFamily.objects.filter(pk=known, user=user).alive(at=at).first()
        if family is not None:
            return family
    family = family_start(user, at=at, address=address, lifetime_s=settings.IDENTITIES["BROWSER_S"])
    session[_SESSION_KEY] = family.pk
    return family


def other_logins_end(request: HttpRequest | Request, user: User) -> None:
    """End all of a user's logins but the one a request comes by."""
    family = getattr(request, "auth", None)
    if isinstance(family, TokenFamily):
        user_sessions_end(user, keep=family.pk)
        return
    user_sessions_end(user, keep=request.session.get(_SESSION_KEY))
    update_session_auth_hash(request, user)


def browser_logged_out(*, request: HttpRequest | None, **_signal: Any) -> None:
    """End a browser session's family with the session; Django tells of it before the session is emptied."""
    session = getattr(request, "session", None)
    family = None if session is None else session.get(_SESSION_KEY)
    if isinstance(family, int):
        family_end(family, at=clock_ns(), reason="logout")
