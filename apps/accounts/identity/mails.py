"""Mails, sent behind the answer: whether one is sent must not be seen by how long the answer takes."""

import json
import logging
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from apps.accounts.models import User

WAITING_MAX = 1_000
"""Mails that wait to be sent; past it they are not, and the log says so."""

_CONFIRM_SALT = "apps.accounts.identity.mails.confirm"
_DAY_S = 24 * 60 * 60

_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
_room = BoundedSemaphore(WAITING_MAX)

logger = logging.getLogger(__name__)


def confirmation_send(user: User, *, password: str) -> None:
    """Send the link that confirms the user's address; `password`: the hash of the one chosen at this registration."""
    token = confirmation_token(user, password=password)
    _send(
        user.email,
        "Confirm your address",
        f"Somebody, hopefully you, has registered this address.\n\n"
        f"Confirm it here:\n{_link('confirm', token)}\n\n"
        f"or send this token to POST /api/v1/auth/email/confirm/:\n{token}\n\n"
        "The password is then the one chosen at this registration. If it was not you, do nothing.\n",
    )


def known_send(user: User) -> None:
    """Notify somebody who registers again that they are registered."""
    _send(
        user.email,
        "You are registered already",
        "Somebody, hopefully you, has registered this address, which has an account already.\n\n"
        "If you forgot the password, ask for a new one. If it was not you, do nothing.\n",
    )


def reset_send(user: User) -> None:
    """Send the link that sets a new password."""
    token = reset_token(user)
    _send(
        user.email,
        "Set a new password",
        f"Somebody, hopefully you, has asked for a new password.\n\n"
        f"Set it here, within the hour:\n{reset_link(user)}\n\n"
        f"or send this token to POST /api/v1/auth/password/reset/confirm/:\n{token}\n\n"
        "If it was not you, do nothing.\n",
    )


class Confirmation(NamedTuple):
    """What a token confirms: a user's address, and the hash of the password chosen with it."""

    user: User
    password: str


def confirmation_token(user: User, *, password: str) -> str:
    """Encrypt and sign that whoever has this reads the user's mail, and the password of the registration it is of.

    Encrypted, as a mail is no place for a password's hash, and its reader need not be the one who chose it.
    """
    body = json.dumps([user.pk, user.email, password]).encode()
    return _cipher().encrypt(body).decode().rstrip("=")


def confirmation_find(token: str) -> Confirmation | None:
    """Read a token; None if it is none of ours, has run out, or is of a user who is not there any more."""
    padded = token.encode("ascii", "replace") + b"=" * (-len(token) % 4)
    try:
        pk, email, password = json.loads(
            _cipher().decrypt(padded, ttl=settings.IDENTITIES["CONFIRMATION_DAYS"] * _DAY_S)
        )
    except InvalidToken:
        return None
    user = User.objects.filter(pk=pk, email=email, is_active=True).first()
    return None if user is None else Confirmation(user, password)


def _cipher() -> Fernet:
    key = salted_hmac(_CONFIRM_SALT, "key", algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(key))


def reset_token(user: User) -> str:
    """Make a token that sets a new password, once: it ends with the old one."""
    return f"{_uid(user)}.{default_token_generator.make_token(user)}"


def reset_user(token: str) -> User | None:
    """Find the user whose password a token may set."""
    uid, _, rest = token.partition(".")
    try:
        user = User.objects.filter(pk=int(force_str(urlsafe_base64_decode(uid))), is_active=True).first()
    except (ValueError, OverflowError):
        return None
    return user if user is not None and default_token_generator.check_token(user, rest) else None


def reset_link(user: User) -> str:
    """Return the page where a user sets a new password."""
    return _link("reset", reset_token(user))


def _uid(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))


def _link(page: str, token: str) -> str:
    """Return a page's address with a token where no server is told it, and no log."""
    return f"{settings.IDENTITIES['PUBLIC_ADDRESS']}/account/{page}/#{token}"


def _send(to: str, subject: str, body: str) -> None:
    if not _room.acquire(blocking=False):
        logger.error("%d mails wait; one to user is not sent: %s", WAITING_MAX, subject)
        return

    def run() -> None:
        try:
            send_mail(f"CIFT Markets: {subject}", body, None, [to])
        except OSError:
            logger.exception("a mail could not be sent: %s", subject)
        finally:
            _room.release()

    _sender.submit(run)
