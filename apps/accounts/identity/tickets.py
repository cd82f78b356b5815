"""One-time tickets that open a browser's socket: a browser cannot send a header with its handshake."""

import hashlib
import secrets

from django.conf import settings

from apps.accounts.identity.sessions import Principal, principal_of
from apps.accounts.identity.tokens import TokenInvalidError
from apps.accounts.models import SocketTicket, TokenFamily

_NS = 1_000_000_000
_TICKET_BYTES = 32


def ticket_make(family: TokenFamily, *, at: int) -> str:
    """Make a ticket for a login."""
    ticket = secrets.token_urlsafe(_TICKET_BYTES)
    lifetime = settings.IDENTITIES["TICKET_S"] * _NS
    SocketTicket.objects.create(digest=_digest(ticket), family=family, expires_at=at + lifetime)
    return ticket


def ticket_redeem(ticket: str, *, at: int) -> Principal:
    """Take a ticket, of any number of times at once only once, and give who it lets in.

    Raises:
        TokenInvalidError: it is none of ours, was used, has run out, or its login is over.

    """
    found = SocketTicket.objects.filter(digest=_digest(ticket), expires_at__gt=at)
    family_id = found.values_list("family_id", flat=True).first()
    # Of several that delete the row, one finds it.
    if family_id is None or not found.delete()[0]:
        raise TokenInvalidError("The ticket is not valid.")
    family = TokenFamily.objects.filter(pk=family_id).alive(at=at).first()
    if family is None:
        raise TokenInvalidError("The login this ticket is of is over.")
    return principal_of(family)


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
