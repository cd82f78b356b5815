"""Mails, sent behind the answer: whether one is sent must not be seen by how long the answer takes."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.mail import send_mail
from django.utils.crypto import constant_time_compare, salted_hmac
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


def confirmation_send(user: User) -> None:
    """Send the link that confirms the user's address."""
    token = confirmation_token(user)
    _send(
        user.email,
        "Confirm your address",
        f"Somebody, hopefully you, has registered this address.\n\n"
        f"Confirm it here:\n{_link('confirm', token)}\n\n"
        f"or send this token to POST /api/v1/auth/email/confirm/:\n{token}\n\n"
        "If it was not you, do nothing.\n",
    )


def known_send(user: User) -> None:
    """Tell somebody who registers again that they are registered."""
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


def confirmation_token(user: User) -> str:
    """Sign that whoever has this reads the user's mail; it confirms nothing once there is another password."""
    return signing.dumps([user.pk, user.email, _password_mark(user)], salt=_CONFIRM_SALT)


def confirmation_user(token: str) -> User | None:
    """Find the user whose address a token confirms."""
    try:
        max_age_s = settings.IDENTITIES["CONFIRMATION_DAYS"] * _DAY_S
        pk, email, mark = signing.loads(token, salt=_CONFIRM_SALT, max_age=max_age_s)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=pk, email=email, is_active=True).first()
    return user if user is not None and constant_time_compare(mark, _password_mark(user)) else None


def _password_mark(user: User) -> str:
    return salted_hmac(_CONFIRM_SALT, user.password).hexdigest()


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
    """Give the page where a user sets a new password."""
    return _link("reset", *reset_token(user).split(".", 1))


def _uid(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))


def _link(*parts: str) -> str:
    return f"{settings.IDENTITIES['PUBLIC_ADDRESS']}/account/{'/'.join(parts)}/"


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
