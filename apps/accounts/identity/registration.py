"""How users come to be, and how they change their passwords."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.accounts.identity import mails
from apps.accounts.identity.attempt_limits import attempt
from apps.accounts.identity.ended_sessions import families_ended_tell
from apps.accounts.identity.login import hashing, owner_confirm, password_user
from apps.accounts.models import User, session_version_make
from apps.accounts.money.opening import opening_take_up
from cift.errors.application import ApplicationError, FieldError
from cift.processes.turns import turns
from cift.ratelimits import Standing


def user_register(email: str, password: str, *, address: str) -> User | None:
    """Make a user whose account is still to be opened; None where that may not be told: the address has one.

    The same address and password again give the user whose registration was interrupted.

    Raises:
        ApplicationError: `invalid`; `email_taken`, where addresses need no confirmation; `venue_unavailable`.

    """
    email = email.strip().lower()
    _email_check(email)
    password_check(password, user=User(email=email), field="password")
    # Once, whoever has the address: how long the answer takes must not tell.
    hashed = password_hash(password)
    user = User(email=email, password=hashed, email_confirmed=False, opening_due=True)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        return _register_again(email, password, hashed, address=address)
    mails.confirmation_send(user, password=hashed)
    return user


def _register_again(email: str, password: str, hashed: str, *, address: str) -> User | None:
    known = User.objects.filter(email=email).first()
    if known is None:
        raise _undone()
    if settings.IDENTITIES["CONFIRM_EMAIL"]:
        if known.email_confirmed:
            mails.known_send(known)
        elif known.is_active:
            # Whose registration it is, the address's owner says by the mail they follow: that one's password applies.
            mails.confirmation_send(known, password=hashed)
        return None
    if not known.opening_due:
        raise ApplicationError("email_taken")
    with attempt(email, address=address):
        if password_user(email, password) is None:
            raise ApplicationError("email_taken")
    if not opening_take_up(known.pk):
        raise _undone()
    return known


def _undone() -> ApplicationError:
    """Say that the registration this one came behind was given up meanwhile."""
    return ApplicationError("venue_unavailable", "Another registration of this address was given up; nothing happened.")


def registration_undo(user: User) -> None:
    """Remove a user whom this request has made, and for whom nothing has been done.

    Whoever has taken the opening up may have opened the account, though the tables do not show it yet.
    """
    with transaction.atomic():
        # Nothing changes but that the row is held: who takes the opening up finds it gone, or came first.
        held = User.objects.filter(pk=user.pk, opening_due=True, created_at=user.created_at).update(opening_due=True)
        if held:
            User.objects.filter(pk=user.pk, accounts=None).delete()


def email_confirm(token: str, *, address: str) -> tuple[User, Standing]:
    """Confirm an address, with the password of the registration the token is of; the others confirm nothing then.

    Raises:
        ApplicationError: `invalid`: the token is none of ours, has run out, or another has confirmed the address;
            `rate_limited`.

    """
    with attempt("", address=address) as standing:
        return _confirm(token), standing


def _confirm(token: str) -> User:
    found = mails.confirmation_find(token)
    if found is None:
        raise _token_invalid()
    changed = {"password": found.password, "session_version": session_version_make()}
    if User.objects.filter(pk=found.user.pk, email_confirmed=False).update(email_confirmed=True, **changed):
        families_ended_tell()
    user = User.objects.filter(pk=found.user.pk, password=found.password).first()
    if user is None:
        raise _token_invalid()
    return user


def password_reset_ask(email: str) -> None:
    """Send the link that sets a new password, where there is such a user; nobody is told whether."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is not None:
        mails.reset_send(user)


def password_reset(token: str, password: str, *, address: str) -> Standing:
    """Set a new password by a mailed token, once; all logins end, and the address counts as confirmed.

    Raises:
        ApplicationError: `invalid`; `rate_limited`.

    """
    with attempt("", address=address) as standing:
        user = mails.reset_user(token)
        if user is None:
            raise _token_invalid()
        password_check(password, user=user, field="password")
        if not _password_replace(user, password_hash(password)):
            raise _token_invalid()
        User.objects.filter(pk=user.pk).update(email_confirmed=True)
    return standing


def password_change(user: User, *, password: str, code: str | None, new_password: str, address: str) -> Standing:
    """Change a password, given the old one, and a code where there is a second factor; all logins end.

    Raises:
        ApplicationError: `invalid`; `second_factor_required`; `second_factor_wrong`; `rate_limited`; `conflict`: it
            was changed meanwhile.

    """
    standing = owner_confirm(user, password=password, code=code, address=address)
    password_check(new_password, user=user, field="new_password")
    if not _password_replace(user, password_hash(new_password)):
        raise ApplicationError("conflict", "The password was changed meanwhile.")
    return standing


def _password_replace(user: User, hashed: str) -> bool:
    """Set a password in place of the one that was read: of several at once, one does."""
    before, user.password, user.session_version = user.password, hashed, session_version_make()
    replaced = User.objects.filter(pk=user.pk, password=before).update(
        password=hashed, session_version=user.session_version
    )
    families_ended_tell()
    return bool(replaced)


def password_hash(password: str) -> str:
    """Hash a password, a few at a time."""
    with turns.left(), hashing:
        return make_password(password)


def password_check(password: str, *, user: User, field: str) -> None:
    """Hold a password to the validators.

    Raises:
        ApplicationError: `invalid`.

    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ApplicationError("invalid", errors=_faults(field, error.messages)) from error


def _email_check(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise ApplicationError("invalid", errors=_faults("email", error.messages, code="malformed")) from error


def _faults(field: str, messages: Iterable[str], *, code: str = "invalid") -> list[FieldError]:
    return [FieldError(field, code, message) for message in messages]


def _token_invalid() -> ApplicationError:
    return ApplicationError("invalid", errors=[FieldError("token", "invalid", "The token is not valid any more.")])
