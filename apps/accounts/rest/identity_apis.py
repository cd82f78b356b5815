"""REST of logging in and out. Bodies are JSON alone, so no other site's form can send one."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import update_last_login
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity import second_factor
from apps.accounts.identity.attempt_limits import Wanted, attempt, places_take
from apps.accounts.identity.authentication import (
    BearerAuthentication,
    PasswordAuthentication,
    client_address,
    django_request,
)
from apps.accounts.identity.browsers import family_of_request, other_logins_end
from apps.accounts.identity.login import owner_confirm, password_user
from apps.accounts.identity.sessions import (
    Tokens,
    family_end,
    family_rotate,
    family_start,
    tokens_issue,
    user_sessions_end,
)
from apps.accounts.identity.tickets import ticket_make
from apps.accounts.identity.tokens import Claims, TokenInvalidError, TokenKind, token_read
from apps.accounts.models import TokenFamily, User
from apps.accounts.money.opening import opening_due, opening_try
from apps.accounts.rest.identity_shapes import (
    EnrolmentBody,
    RecoveryCodesBody,
    SecondFactorBody,
    TicketBody,
    TokensBody,
)
from cift.errors.application import ApplicationError, FieldError
from cift.fields import Field, fields_read, text
from cift.processes.turns import async_to_sync
from cift.ratelimits import Standing, address_counted
from cift.rest.queries import query_none, query_read
from cift.rest.schema import Body, described
from cift.times import clock_ns

EMAIL = text(r"[^\x00-\x1f\x7f]+@[^\x00-\x1f\x7f]+", length_max=254, example="you@example.com")
PASSWORD = text(r"[^\x00]+", length_max=1_024, example="a long passphrase 42")
TOKEN = text(r"[A-Za-z0-9_\-.=:]+", length_max=4_096, example="eyJhbGciOi")
CODE = text(r"[A-Za-z0-9]+", length_max=64, example="123456")

_CREDENTIALS = {
    "email": Field(EMAIL, required=True),
    "password": Field(PASSWORD, required=True),
    "code": Field(CODE),
}
_REFRESH = {"refresh": Field(TOKEN, required=True)}
_LOGOUT = {"refresh": Field(TOKEN)}
_CODE = {"code": Field(CODE, required=True)}
_PASSWORD = {"password": Field(PASSWORD, required=True)}
_PASSWORD_AND_CODE = {**_PASSWORD, **_CODE}

_CODE_BODY = Body(name="SecondFactorCode", table=_CODE)
_NOTHING = Body(name="Nothing", table={})


def body_read(request: Request, table: Mapping[str, Field]) -> dict[str, Any]:
    """Read a request's body by a table of fields; these calls have no query.

    Raises:
        ApplicationError: `invalid`, with every fault.

    """
    query_none(request.query_params)
    errors: list[FieldError] = []
    read = fields_read(request.data, table, errors)
    if errors:
        raise ApplicationError("invalid", errors=errors)
    return read


def unauthenticated(detail: str, standing: Standing | None = None) -> ApplicationError:
    """Build the answer to somebody who is not let in."""
    headers = {} if standing is None else standing.headers
    return ApplicationError("unauthenticated", detail, headers={**headers, "WWW-Authenticate": "Bearer"})


def user_of(request: Request) -> User:
    """Return the user of a request that had to log in."""
    user = request.user
    if not isinstance(user, User):
        raise unauthenticated("A login is wanted.")
    return user


class PublicApi(APIView):
    """A call that needs no login."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class PreSecondFactorApi(APIView):
    """A call for sessions too that have not given their second factor yet: one that takes it, or ends them."""

    authentication_classes = (BearerAuthentication, PasswordAuthentication)


class TokenObtainApi(PublicApi):
    """E-mail address and password against tokens."""

    @described(
        answers={200: TokensBody},
        body=Body(name="Credentials", table=_CREDENTIALS),
        errors=("unauthenticated", "email_unconfirmed", "second_factor_required", "second_factor_wrong"),
    )
    def post(self, request: Request) -> Response:
        """Log in; an unknown address takes as long and is answered as a wrong password."""
        read, at, address = body_read(request, _CREDENTIALS), clock_ns(), client_address(request)
        with attempt(read["email"], address=address) as standing:
            user = password_user(read["email"], read["password"])
            if user is None:
                raise unauthenticated("The address or the password is wrong.", standing)
            if settings.IDENTITIES["CONFIRM_EMAIL"] and not user.email_confirmed:
                raise ApplicationError("email_unconfirmed", headers=standing.headers)
            has_second_factor = second_factor.second_factor_has(user)
            if has_second_factor:
                if read["code"] is None:
                    raise ApplicationError("second_factor_required", headers=standing.headers)
                second_factor.code_check(user, read["code"])
        if opening_due(user):
            async_to_sync(opening_try)(user.pk)
        family = family_start(user, at=at, address=address, second_factor=has_second_factor)
        update_last_login(User, user)
        return _tokens_response(tokens_issue(family, at=at), standing)


class TokenRefreshApi(PublicApi):
    """A refresh token against the next tokens."""

    @described(answers={200: TokensBody}, body=Body(name="Refresh", table=_REFRESH), errors=("unauthenticated",))
    def post(self, request: Request) -> Response:
        """Exchange it; one that comes again within 10 s gives the same tokens, later it ends its login."""
        read, at = body_read(request, _REFRESH), clock_ns()
        source = address_counted(client_address(request))
        standing = places_take((Wanted("refresh-address", source),), at=at)
        try:
            claims = token_read(read["refresh"], TokenKind.REFRESH)
            standing = places_take((Wanted("refresh-family", f"{source}|{claims.family}"),), at=at)
            tokens = family_rotate(claims, at=at)
        except TokenInvalidError as error:
            raise unauthenticated(str(error), standing) from error
        return _tokens_response(tokens, standing)


class LogoutApi(PreSecondFactorApi):
    """The end of one login."""

    permission_classes = (AllowAny,)

    @described(answers={204: None}, body=Body(name="Logout", table=_LOGOUT), errors=("unauthenticated",))
    def post(self, request: Request) -> Response:
        """End the login the request comes by, or that of the refresh token it brings."""
        read = body_read(request, _LOGOUT)
        if read["refresh"] is not None:
            family_end(_refresh_claims(read["refresh"]).family, at=clock_ns(), reason="logout")
        elif isinstance(request.auth, TokenFamily):
            family_end(request.auth.pk, at=clock_ns(), reason="logout")
        elif request.user.is_authenticated:
            logout(django_request(request))
        else:
            raise unauthenticated("A token or a session is wanted.")
        return Response(status=HTTPStatus.NO_CONTENT)


class LogoutEverywhereApi(APIView):
    """The end of all of the caller's logins."""

    @described(answers={204: None}, body=_NOTHING)
    def post(self, request: Request) -> Response:
        """End every token, socket and browser session of the caller."""
        body_read(request, {})
        user_sessions_end(user_of(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class SocketTicketApi(APIView):
    """A one-time ticket for a browser's socket."""

    @described(answers={200: TicketBody}, body=_NOTHING)
    def post(self, request: Request) -> Response:
        """Make a ticket that lives with the caller's login and opens one socket, soon."""
        body_read(request, {})
        at = clock_ns()
        family = family_of_request(request, user_of(request), at=at, address=client_address(request))
        return Response({"ticket": ticket_make(family, at=at)})


class SecondFactorApi(PreSecondFactorApi):
    """The caller's second factor."""

    @described(answers={200: SecondFactorBody})
    def get(self, request: Request) -> Response:
        """Return whether there is one, and whether it was given lately."""
        query_read(request.query_params, {})
        return Response(
            {
                "enrolled": second_factor.second_factor_has(user_of(request)),
                "fresh": second_factor.second_factor_fresh(request),
            }
        )

    @described(
        answers={201: EnrolmentBody},
        body=Body(name="Enrolling", table=_PASSWORD),
        errors=("conflict", "second_factor_required", "second_factor_wrong"),
    )
    def post(self, request: Request) -> Response:
        """Begin to enrol an authenticator; the password is wanted again."""
        read, user = body_read(request, _PASSWORD), user_of(request)
        second_factor.enrolment_possible(user)
        standing = owner_confirm(user, password=read["password"], code=None, address=client_address(request))
        enrolment = second_factor.enrolment_begin(user)
        body = {"secret": enrolment.secret, "uri": enrolment.uri}
        return Response(body, status=HTTPStatus.CREATED, headers=standing.headers)

    @described(
        answers={204: None},
        body=Body(name="SecondFactorRemoval", table=_PASSWORD_AND_CODE),
        errors=("conflict", "second_factor_required", "second_factor_wrong"),
    )
    def delete(self, request: Request) -> Response:
        """Remove it; the password and a code are wanted, and all other logins end."""
        read, user = body_read(request, _PASSWORD_AND_CODE), user_of(request)
        if not second_factor.second_factor_has(user):
            raise ApplicationError("conflict", "There is no second factor.")
        standing = owner_confirm(user, **read, address=client_address(request))
        second_factor.second_factor_remove(user)
        other_logins_end(request, user)
        return Response(status=HTTPStatus.NO_CONTENT, headers=standing.headers)


class SecondFactorConfirmApi(APIView):
    """The end of an enrolment."""

    @described(answers={200: RecoveryCodesBody}, body=_CODE_BODY, errors=("conflict", "second_factor_wrong"))
    def post(self, request: Request) -> Response:
        """Take the first code, and give the recovery codes, which are shown once; all other logins end."""
        code, user = body_read(request, _CODE)["code"], user_of(request)
        with attempt(user.email, address=client_address(request)) as standing:
            codes = second_factor.enrolment_confirm(user, code)
        other_logins_end(request, user)
        second_factor.second_factor_mark(request, at=clock_ns())
        return Response({"recovery_codes": codes}, headers=standing.headers)


class SecondFactorVerifyApi(PreSecondFactorApi):
    """A code between two logins."""

    @described(answers={204: None}, body=_CODE_BODY, errors=("second_factor_wrong",))
    def post(self, request: Request) -> Response:
        """Take a code, which makes the caller's second factor fresh again."""
        code, user = body_read(request, _CODE)["code"], user_of(request)
        with attempt(user.email, address=client_address(request)) as standing:
            second_factor.code_check(user, code)
        second_factor.second_factor_mark(request, at=clock_ns())
        return Response(status=HTTPStatus.NO_CONTENT, headers=standing.headers)


def _tokens_response(tokens: Tokens, standing: Standing) -> Response:
    body = {"access": tokens.access, "refresh": tokens.refresh}
    return Response(body, headers=standing.headers)


def _refresh_claims(token: str) -> Claims:
    try:
        return token_read(token, TokenKind.REFRESH)
    except TokenInvalidError as error:
        raise unauthenticated(str(error)) from error
