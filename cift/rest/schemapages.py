"""The schema as JSON or YAML, and as a page: Swagger UI from the venue's own files, its script in a file of its own."""

from functools import cache
from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response


@cache
def schema_made() -> dict[str, Any]:
    """Make the schema, once: it is the code's."""
    generator: Any = SpectacularAPIView.generator_class()
    made: dict[str, Any] = generator.get_schema(request=None, public=True)
    return made


class SchemaApi(SpectacularAPIView):
    """The OpenAPI schema."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ("get", "head")

    def _get_schema_response(self, _request: Request) -> Response:
        return Response(schema_made())


class SchemaPage(SpectacularSwaggerSplitView):
    """The page that shows it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ("get", "head")
