"""The sessions of operators as the back office checks them: a browser's, with a second factor where one is due."""

from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.identity.second_factor import second_factor_fresh, session_check
from cift.backoffice.contracts import OperatorSessions
from cift.errors.application import ApplicationError
from cift.monitoring.access import Operators


class BrowserSessions(OperatorSessions):
    """What was given in a browser's session, and when."""

    def check(self, request: HttpRequest) -> None:
        """Want the second factor of who has one."""
        session_check(request)

    def password_page(self) -> str:
        """Lead to the page of all users."""
        return reverse("account-password")

    def is_second_factor_fresh(self, request: HttpRequest) -> bool:
        """Look at when it was given last."""
        return second_factor_fresh(request)


class OverviewOperators(Operators):
    """Who may open the back office's overview sees the same over `/ready` and `/metrics`."""

    def may_watch(self, request: HttpRequest) -> bool:
        """Look at the user's permission, and at what their session has given."""
        if not (request.user.is_staff and request.user.has_perm("orders.view_venuestate")):
            return False
        try:
            session_check(request)
        except ApplicationError:
            return False
        return True
