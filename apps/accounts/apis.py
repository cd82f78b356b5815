"""REST of identities and money."""

from typing import Any

from django.contrib.auth import authenticate
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.authentication import account_of_request
from apps.accounts.models import User
from apps.accounts.selectors import balances_of_account
from apps.accounts.shapes import balance_body
from apps.accounts.tokens import access_token_make
from cift.errors import ApplicationError, FieldError
from cift.fields import Field, fields_read, text
from cift.rest.pages import page_answer
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, query_read, read_wait
from cift.times import clock_ns

_LOGIN_FIELDS = {
    "email": Field(text(r"[^\s\x00-\x1f\x7f]+@[^\s\x00-\x1f\x7f]+", length_max=254), required=True),
    "password": Field(text(r"[^\x00]+", length_max=1_024), required=True),
}


class TokenObtainApi(APIView):
    """E-mail address and password against an access token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        """Log in; an unknown address takes as long and is answered as a wrong password."""
        errors: list[FieldError] = []
        read = fields_read(request.data, _LOGIN_FIELDS, errors)
        if errors:
            raise ApplicationError("invalid", errors=errors)
        user = authenticate(request, username=read["email"], password=read["password"])
        if not isinstance(user, User):
            raise ApplicationError(
                "unauthenticated", "The address or the password is wrong.", headers={"WWW-Authenticate": "Bearer"}
            )
        return Response({"access": access_token_make(user, at=clock_ns())})


class BalanceListApi(APIView):
    """The caller's balances."""

    def get(self, request: Request) -> Response:
        """List them, one for each asset."""
        read = query_read(request.query_params, {**PAGE_FIELDS, **AT_LEAST_FIELDS})
        read_wait(read["at_least"])
        rows = balances_of_account(account_of_request(request).pk)
        page: dict[str, Any] = page_answer(rows, balance_body, request, limit=read["limit"], cursor=read["cursor"])
        return Response(page)
