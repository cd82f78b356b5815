"""Who may see the venue's inside, its checks and metrics: by a token, as an operator, or at home from this machine."""

import asyncio
from abc import ABC, abstractmethod
from hmac import compare_digest

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from cift.backends import BackendHandler
from cift.errors.application import ApplicationError
from cift.http.proxies import is_local
from cift.processes.threads import database_call

LOOKUP_S_MAX = 1.0
"""A database that takes longer to tell who is an operator cannot tell."""


class Operators(ABC):
    """Knows operators by their browser's session."""

    @abstractmethod
    def may_watch(self, request: HttpRequest) -> bool:
        """Return whether a request's session is one of an operator who may see the venue's overview."""


operators: BackendHandler[Operators] = BackendHandler("MONITORING_OPERATORS", Operators)  # type: ignore[type-abstract]


async def may_see_inside(request: HttpRequest) -> bool:
    """Return whether a request may see more than that the venue is ready.

    METRICS_TOKEN as a Bearer token; MONITORING_LOCAL for requests of this machine that no proxy has passed on; an
    operator's session. While the database cannot tell who is an operator, nobody is one.
    """
    if _token_shown(request) or (settings.MONITORING_LOCAL and is_local(getattr(request, "scope", {}))):
        return True
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        async with asyncio.timeout(LOOKUP_S_MAX):
            return await database_call(operators["default"].may_watch, request)
    except (ApplicationError, DatabaseError, InterfaceError, TimeoutError):
        return False


def _token_shown(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and compare_digest(shown.strip().encode(), token.encode())
