"""REST of money."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.authentication import account_of_request
from apps.accounts.selectors import balances_of_account
from apps.accounts.shapes import balance_body
from cift.rest.pages import page_answer
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, query_read, read_wait


class BalanceListApi(APIView):
    """The caller's balances."""

    def get(self, request: Request) -> Response:
        """List them, one for each asset."""
        read = query_read(request.query_params, {**PAGE_FIELDS, **AT_LEAST_FIELDS})
        read_wait(read["at_least"])
        rows = balances_of_account(account_of_request(request).pk)
        page: dict[str, Any] = page_answer(rows, balance_body, request, limit=read["limit"], cursor=read["cursor"])
        return Response(page)
