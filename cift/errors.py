"""One error, one shape: `ApplicationError` becomes RFC 9457 `application/problem+json`, whoever raised it."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from prometheus_client import Counter

from cift.busy import is_busy
from cift.error_codes import CODES
from cift.middleware import REQUEST_ID_HEADER, request_id_of

CONTENT_TYPE = "application/problem+json"

FIELDS_TOLD_MAX = 100
"""The most faults an answer names, so that it does not grow with what was sent."""

logger = logging.getLogger(__name__)

_REFUSALS = Counter("cift_refusals", "Errors told to clients, over HTTP and on sockets", ["code"])


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `field` is a dotted path into the body."""

    field: str
    code: str
    detail: str


class ApplicationError(Exception):
    """A fault to tell the client: a stable code, a sentence, and what else helps.

    `status` is the table's unless given; a code outside the table (an engine's reason) needs one. `page` is where
    somebody in a browser can mend it.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        page: str = "",
    ) -> None:
        """Take the parts of the answer."""
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.status = CODES[code].status if status is None else status
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        self.page = page


def problem_of(error: ApplicationError, *, request_id: str) -> dict[str, Any]:
    """Build the body of an error answer."""
    known = CODES.get(error.code)
    return {
        **error_of(error),
        "type": f"urn:cift:error:{error.code}",
        "title": known.title if known else HTTPStatus(error.status).phrase,
        "status": error.status,
        "request_id": request_id,
    }


def error_of(error: ApplicationError) -> dict[str, Any]:
    """Build what a socket, or one answer of several, says of an error."""
    known = CODES.get(error.code)
    _REFUSALS.labels(error.code).inc()
    body: dict[str, Any] = {"code": error.code, "detail": error.detail or (known.title if known else error.code)}
    if error.errors:
        body["errors"] = [asdict(field) for field in error.errors[:FIELDS_TOLD_MAX]]
    return {**error.extra, **body}


def problem_response(error: ApplicationError, request: HttpRequest | None) -> JsonResponse:
    """Build the HTTP answer to an error."""
    request_id = getattr(request, "request_id", "") or request_id_of(None)
    response = JsonResponse(
        problem_of(error, request_id=request_id), status=error.status, content_type=CONTENT_TYPE, headers=error.headers
    )
    response[REQUEST_ID_HEADER] = request_id
    return response


def error_response(error: ApplicationError, request: HttpRequest) -> HttpResponse:
    """Build the answer to an error: who would rather have a page is led to the one that mends it, if there is one."""
    # Of equals the first is preferred, so who takes anything is a program.
    if error.page and request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        return HttpResponseRedirect(f"{error.page}?{urlencode({'next': request.get_full_path()})}")
    return problem_response(error, request)


def application_error_of(exception: BaseException | None) -> ApplicationError | None:
    """Translate what Django and its databases raise; None for what is a fault of the venue."""
    match exception:
        case ApplicationError():
            return exception
        case Http404():
            return ApplicationError("not_found")
        case PermissionDenied():
            return ApplicationError("forbidden")
        case RequestDataTooBig():
            return ApplicationError("payload_too_large")
        case _ if is_busy(exception):
            logger.warning("the database did not answer in time: %s", exception)
            return ApplicationError("database_busy")
        case _:
            return None


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer a request Django found suspicious."""
    error = application_error_of(exception) or ApplicationError("invalid")
    return problem_response(error, request)


def permission_denied(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer a request that is not allowed."""
    return problem_response(application_error_of(exception) or ApplicationError("forbidden"), request)


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:
    """Answer a form without its CSRF token."""
    return problem_response(ApplicationError("csrf_failed", reason), request)


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer an address there is nothing at."""
    return problem_response(application_error_of(exception) or ApplicationError("not_found"), request)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer what nobody has caught: a fault of the venue's own, but for a busy database; Django has logged it."""
    return problem_response(application_error_of(sys.exception()) or ApplicationError("internal"), request)
