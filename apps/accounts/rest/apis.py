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
from cift.rest.pages import page_answer, page_ask, rows_paged
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, query_read, read_wait, sequence_at
from cift.rest.schema import described, page_of

ACCOUNT_FIELDS = AT_LEAST_FIELDS

BALANCE_FILTERS = {**PAGE_FIELDS, **AT_LEAST_FIELDS}

LEDGER_FILTERS = {**SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}


class AccountApi(APIView):
    """The caller's account."""

    @described(answers={200: AccountBody}, query=ACCOUNT_FIELDS)
    def get(self, request: Request) -> Response:
        """Give its terms as they are now."""
        read_wait(query_read(request.query_params, ACCOUNT_FIELDS)["at_least"])
        return Response(account_body(account_of_request(request)))


class BalanceListApi(APIView):
    """The caller's balances."""

    @described(answers={200: page_of(BalanceBody)}, query=BALANCE_FILTERS)
    def get(self, request: Request) -> Response:
        """List them, one for each asset, last listed first."""
        read = query_read(request.query_params, BALANCE_FILTERS)
        ask = page_ask(read)
        read_wait(read["at_least"])
        rows = balances_of_account(account_of_request(request).pk)
        found = list(rows_paged(rows, ask, key=("asset_id",)))
        return Response(page_answer(found, ask, request, shape=balance_body, key_of=lambda row: (row.asset_id,)))


class LedgerApi(APIView):
    """The caller's ledger."""

    @described(answers={200: page_of(LedgerEntryBody)}, query=LEDGER_FILTERS)
    def get(self, request: Request) -> Response:
        """List its entries, newest first: every change of a total, one for each asset it touched."""
        read = query_read(request.query_params, LEDGER_FILTERS)
        ask = page_ask(read, parts=2)
        read_wait(read["at_least"])
        rows = rows_paged(
            ledger_of_account(account_of_request(request).pk),
            ask,
            key=("sequence", "leg"),
            least=sequence_at(read["start"]),
            before=sequence_at(read["end"]),
        )
        return Response(
            page_answer(
                list(rows), ask, request, shape=ledger_entry_body, key_of=lambda entry: (entry.sequence, entry.leg)
            )
        )
