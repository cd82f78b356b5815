"""The venue's own scripts and styles: Django serves them before its middleware; what that would add is added here."""

from typing import Any

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from cift.http.middleware import answer_finished
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

_METHODS = ("GET", "HEAD")


class StaticFiles(ASGIStaticFilesHandler):
    """Answers below `/static/`; a path that leads out of there, or to no file, is 404, another method 405."""

    def serve(self, request: HttpRequest) -> Any:
        """Return a file.

        Raises:
            Http404: there is none.

        """
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        try:
            return super().serve(request)
        except (SuspiciousOperation, ValueError) as error:
            # A way out of the folder; bytes no file's name has.
            raise Http404 from error

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the request's id, and so that no browser takes a file for what it is not."""
        request_id = request_id_of(request.headers.get(REQUEST_ID_HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]
        response: HttpResponseBase = await super().get_response_async(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return answer_finished(response, request)
