"""The venue's clock, for those who compare theirs with it."""

import msgspec
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cift.rest.queries import query_read
from cift.rest.schema import described
from cift.texts import TimeText
from cift.times import clock_ns, time_format


class ClockBody(msgspec.Struct, gc=False):
    """The venue's time as the request was answered."""

    time: TimeText


class ClockApi(APIView):
    """The venue's clock; public, no login."""

    permission_classes = (AllowAny,)
    page_name = "Time"

    @described(answers={200: ClockBody})
    def get(self, request: Request) -> Response:
        """Return the venue's time, which in one process never goes back."""
        query_read(request.query_params, {})
        return Response(ClockBody(time=time_format(clock_ns())))
