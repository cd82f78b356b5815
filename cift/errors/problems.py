"""Errors as clients see them: RFC 9457 `application/problem+json`, whoever raised them."""

import logging
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from prometheus_client import Counter

from cift.errors.application import FIELDS_TOLD_MAX, ApplicationError
from cift.errors.busy import is_busy
from cift.errors.codes import CODES
from cift.logs.refusals import refusal_log
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

CONTENT_TYPE = "application/problem+json"


logger = logging.getLogger(__name__)


_REFUSALS = Counter("cift_refusals", "Errors told to clients, over HTTP and on sockets", ["code"])


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
    named = error.extra.get("client_order_id") or error.extra.get("id")
    refusal_log.line(code=error.code, status=error.status, order_id=named)
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
