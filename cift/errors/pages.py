"""Django's own error handlers, answering in the one shape of all errors."""

import sys

from django.http import HttpRequest, JsonResponse

from cift.errors.application import ApplicationError
from cift.errors.problems import application_error_of, problem_response


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
