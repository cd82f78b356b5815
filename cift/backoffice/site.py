"""The back office's site."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.sites import UnfoldAdminSite

from cift.backoffice.contracts import operator_sessions
from cift.errors.application import ApplicationError
from cift.errors.problems import error_response

_policy: Any = csp_update({"script-src": ["'unsafe-eval'"]})
"""The pages' own scripts evaluate expressions in attributes; they are served from here like all others."""


class BackOfficeSite(UnfoldAdminSite):  # type: ignore[misc]  # published without types
    """Unfold's site, under a policy its pages can live with, for sessions that have given all they must."""

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:  # noqa: FBT001, FBT002 - Django's own shape
        """Check who asks, and loosen the policy for the page."""
        checked: Callable[..., Any] = _policy(super().admin_view(view, cacheable))
        if view == self.logout:
            return checked

        @wraps(checked)
        def complete(request: HttpRequest, *arguments: Any, **options: Any) -> Any:
            try:
                operator_sessions["default"].check(request)
            except ApplicationError as error:
                return error_response(error, request)
            return checked(request, *arguments, **options)

        return complete

    def password_change(self, _request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to where an operator changes their password, within the limits all tries at it have."""
        return HttpResponseRedirect(operator_sessions["default"].password_page())

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let somebody in."""
        answer: HttpResponse = _policy(super().login)(request, extra_context)
        return answer
