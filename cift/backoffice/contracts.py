"""What the back office needs of the app that knows the operators: a record of their acts, a check of their sessions.

The settings AUDIT_RECORDERS and OPERATOR_SESSIONS name the backends, in the shape of Django's CACHES.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from cift.backends import BackendHandler


class AuditRecorder(ABC):
    """Writes down what operators, and the venue for them, do."""

    @abstractmethod
    def append(
        self,
        *,
        at: int,
        actor: Any,
        address: str,
        request_id: str,
        action: str,
        subject: str,
        outcome: str,
        code: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        sequence: int = 0,
        about: int = 0,
    ) -> int:
        """Append a record, in the caller's transaction if there is one, and return its number.

        `at` is ns since epoch, UTC; `actor` a user, None for the venue itself; `sequence` that of the event the act
        came to, `about` the number of the record of what was asked; 0: none.
        """


class OperatorSessions(ABC):
    """Knows what an operator has shown to be let in."""

    @abstractmethod
    def check(self, request: HttpRequest) -> None:
        """Let a request's session in.

        Raises:
            ApplicationError: what is missing in it, above all a second factor.

        """

    @abstractmethod
    def password_page(self) -> str:
        """Return the address where operators change their own password, given the old one and their second factor."""

    @abstractmethod
    def is_second_factor_fresh(self, request: HttpRequest) -> bool:
        """Return whether a request may do what needs a fresh second factor: every dangerous act."""


recorders: BackendHandler[AuditRecorder] = BackendHandler("AUDIT_RECORDERS", AuditRecorder)  # type: ignore[type-abstract]
operator_sessions: BackendHandler[OperatorSessions] = BackendHandler("OPERATOR_SESSIONS", OperatorSessions)  # type: ignore[type-abstract]
