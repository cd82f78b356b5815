"""The schema as JSON or YAML, and as a page: Swagger UI from the venue's own files, its script in a file of its own."""

from functools import cache
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from cift.http.documents import Documents


@cache
def _schema_made() -> dict[str, Any]:
    generator: Any = SpectacularAPIView.generator_class()
    made: dict[str, Any] = generator.get_schema(request=None, public=True)
    return made


_documents = Documents()


class SchemaApi(SpectacularAPIView):
    """The OpenAPI schema."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ("get", "head")

    def _get_schema_response(self, request: Request) -> HttpResponseBase:
        renderer: Any = request.accepted_renderer
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        document = _documents.get(
            f"{renderer.media_type}{charset}", lambda: bytes(renderer.render(_schema_made(), renderer.media_type, {}))
        )
        return document.answer(cast("HttpRequest", request))


class SchemaPage(SpectacularSwaggerSplitView):
    """The page that shows it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ("get", "head")
