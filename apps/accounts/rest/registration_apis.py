"""REST of registering, confirming an address, and passwords."""

from contextlib import suppress
from http import HTTPStatus

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity import registration
from apps.accounts.identity.attempt_limits import Wanted, places_take
from apps.accounts.identity.authentication import client_address
from apps.accounts.models import User
from apps.accounts.money.opening import Opened, opening_begin, opening_try
from apps.accounts.rest.identity_apis import CODE, EMAIL, PASSWORD, TOKEN, PublicApi, body_read, user_of
from apps.accounts.rest.identity_shapes import ConfirmedBody, RegisteredBody
from cift.errors.application import ApplicationError
from cift.fields import Field, text
from cift.orderservice.consistency import JournalPlace, token_of
from cift.orderservice.journal import journal_reads
from cift.processes.turns import async_to_sync
from cift.ratelimits import Standing, address_counted
from cift.rest.schema import Body, described
from cift.times import clock_ns

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
NEW_EMAIL = text(
    rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|xn--[a-z0-9]{{1,59}})",
    length_max=254,
    example="you@example.com",
)
"""An address that is to be written to. To log in, or to have forgotten a password, more may be tried."""

NEW_PASSWORD = text(
    r"[^\x00]+", length_min=settings.PASSWORD_LENGTH_MIN, length_max=1_024, example="a long passphrase 42"
)

_EMAIL = {"email": Field(EMAIL, required=True)}
_CREDENTIALS = {"email": Field(NEW_EMAIL, required=True), "password": Field(NEW_PASSWORD, required=True)}
_TOKEN = {"token": Field(TOKEN, required=True)}
_RESET = {**_TOKEN, "password": Field(NEW_PASSWORD, required=True)}
_CHANGE = {
    "password": Field(PASSWORD, required=True),
    "new_password": Field(NEW_PASSWORD, required=True),
    "code": Field(CODE),
}

_NOTHING_HAPPENED = {"venue_unavailable", "venue_halted", "overloaded"}


class RegisterApi(PublicApi):
    """New users."""

    @described(
        answers={201: RegisteredBody},
        body=Body(name="Registration", table=_CREDENTIALS),
        errors=("email_taken", "venue_unavailable", "venue_halted", "overloaded"),
    )
    def post(self, request: Request) -> Response:
        """Make a user, the account and its opening deposit; or, where addresses are confirmed, the first of these."""
        read = body_read(request, _CREDENTIALS)
        standing = _place_take("register-address", request)
        user = registration.user_register(read["email"], read["password"], address=client_address(request))
        confirms = settings.IDENTITIES["CONFIRM_EMAIL"]
        body = {"email": read["email"].strip().lower(), "confirmation_required": confirms, "account": None}
        if user is not None and not confirms:
            body |= _opened_body(_open(user))
        return Response(body, status=HTTPStatus.CREATED, headers=standing.headers)


class EmailConfirmApi(PublicApi):
    """The end of a registration by mail."""

    @described(answers={200: ConfirmedBody}, body=Body(name="MailedToken", table=_TOKEN))
    def post(self, request: Request) -> Response:
        """Confirm an address, and open the account if it waited for that."""
        read = body_read(request, _TOKEN)
        user, standing = registration.email_confirm(read["token"], address=client_address(request))
        opened = async_to_sync(opening_try)(user.pk) if user.opening_due else None
        return Response({"email": user.email, "account": None, **_opened_body(opened)}, headers=standing.headers)


class PasswordResetApi(PublicApi):
    """Forgotten passwords."""

    @described(answers={202: None}, body=Body(name="EmailAddress", table=_EMAIL))
    def post(self, request: Request) -> Response:
        """Send a mail, if there is such a user; the answer does not tell."""
        read = body_read(request, _EMAIL)
        standing = _mail_place_take(read["email"], request)
        registration.password_reset_ask(read["email"])
        return Response(status=HTTPStatus.ACCEPTED, headers=standing.headers)


class PasswordResetConfirmApi(PublicApi):
    """New passwords by mail."""

    @described(answers={204: None}, body=Body(name="PasswordReset", table=_RESET))
    def post(self, request: Request) -> Response:
        """Set a new password by a mailed token; all logins end."""
        read = body_read(request, _RESET)
        standing = registration.password_reset(read["token"], read["password"], address=client_address(request))
        return Response(status=HTTPStatus.NO_CONTENT, headers=standing.headers)


class PasswordApi(APIView):
    """The caller's password."""

    @described(
        answers={204: None},
        body=Body(name="PasswordChange", table=_CHANGE),
        errors=("conflict", "second_factor_required", "second_factor_wrong"),
    )
    def post(self, request: Request) -> Response:
        """Change it, given the old one and where there is a second factor a code; all logins end, this one too."""
        read, user = body_read(request, _CHANGE), user_of(request)
        standing = registration.password_change(user, **read, address=client_address(request))
        return Response(status=HTTPStatus.NO_CONTENT, headers=standing.headers)


def _open(user: User) -> Opened | None:
    """Open a new user's account; where nothing happened the user goes too, else the rest follows later.

    Once the account is open the registration stands: it must not lose its owner.
    """
    try:
        begun = async_to_sync(opening_begin)(user.pk)
    except ApplicationError as error:
        if error.code in _NOTHING_HAPPENED:
            registration.registration_undo(user)
            raise
        return None
    return async_to_sync(opening_try)(user.pk, begun=begun)


def _opened_body(opened: Opened | None) -> dict[str, str]:
    """Name the account, once the tables have it or could have."""
    if opened is None:
        return {}
    body = {"account": str(opened.account)}
    if opened.number:
        place = JournalPlace(shard=settings.MATCHING["SHARD"], number=opened.number)
        with suppress(ApplicationError):
            journal_reads["default"].projection_wait(place)
        body["consistency_token"] = token_of(place)
    return body


def _place_take(limit: str, request: Request) -> Standing:
    return places_take((Wanted(limit, address_counted(client_address(request))),), at=clock_ns())


def _mail_place_take(email: str, request: Request) -> Standing:
    source = address_counted(client_address(request))
    wanted = (Wanted("mail-address", source), Wanted("mail-account", f"{source}|{email.strip().lower()}"))
    return places_take(wanted, at=clock_ns())
