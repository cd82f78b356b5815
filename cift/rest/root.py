"""The API's front page: where everything is."""

import msgspec
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from cift.rest.queries import query_read
from cift.rest.schema import described

_CALLS = (
    "time",
    "instruments",
    "tickers",
    "account",
    "orders",
    "fills",
    "positions",
    "balances",
    "ledger",
    "auth-register",
    "auth-token",
    "schema",
    "schema-page",
)

RootBody = msgspec.defstruct("Root", [(name.replace("-", "_"), str) for name in _CALLS])


class RootApi(APIView):
    """Links to the calls that need no id; the browsable pages lead on from there."""

    permission_classes = (AllowAny,)
    page_name = "API"

    @described(answers={200: RootBody})
    def get(self, request: Request) -> Response:
        """List the calls by name."""
        query_read(request.query_params, {})
        return Response({name.replace("-", "_"): reverse(name, request=request) for name in _CALLS})
