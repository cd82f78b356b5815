"""REST of the caller's account and money."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.identity.authentication import account_of_request
from apps.accounts.selectors import balances_of_account, ledger_of_account
from apps.accounts.shapes import (
    AccountBody,
    BalanceBody,
    LedgerEntryBody,
    account_body,
    balance_body,
    ledger_entry_body,
)
from cift.rest.lists import PagedList
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, query_read, read_wait, sequence_at
from cift.rest.schema import described, page_of

ACCOUNT_FIELDS = AT_LEAST_FIELDS

BALANCES = PagedList(filters={**PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("asset_id",), shape=balance_body)

LEDGER = PagedList(
    filters={**SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("sequence", "leg"), shape=ledger_entry_body
)


class AccountApi(APIView):
    """The caller's account."""

    @described(answers={200: AccountBody}, query=ACCOUNT_FIELDS)
    def get(self, request: Request) -> Response:
        """Return its terms as they are now."""
        read = query_read(request.query_params, ACCOUNT_FIELDS)
        read_wait(read["at_least"], account=account_of_request(request).pk)
        # Read again: what was read before the wait may be older.
        return Response(account_body(account_of_request(request)))


class BalanceListApi(APIView):
    """The caller's balances."""

    @described(answers={200: page_of(BalanceBody)}, query=BALANCES.filters)
    def get(self, request: Request) -> Response:
        """List them, one for each asset, last listed first."""
        account = account_of_request(request).pk
        query = BALANCES.read_waited(request, account=account)
        return Response(query.answer(query.rows(balances_of_account(account))))


class LedgerApi(APIView):
    """The caller's ledger."""

    @described(answers={200: page_of(LedgerEntryBody)}, query=LEDGER.filters)
    def get(self, request: Request) -> Response:
        """List its entries, newest first: every change of a total, one for each asset it touched."""
        account = account_of_request(request).pk
        query = LEDGER.read_waited(request, account=account)
        entries = query.rows(
            ledger_of_account(account),
            least=sequence_at(query.given["start"]),
            before=sequence_at(query.given["end"]),
        )
        return Response(query.answer(entries))
