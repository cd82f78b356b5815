"""The API's front page: where everything is."""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

_CALLS = ("instruments", "orders", "fills", "positions", "balances", "auth-token")


class RootApi(APIView):
    """Links to the calls that need no id; the browsable pages lead on from there."""

    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        """List the calls by name."""
        return Response({name: reverse(name, request=request) for name in _CALLS})
