"""What REST framework raises, as the one error shape."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions as rest
from rest_framework.views import set_rollback

from cift.errors.application import ApplicationError, FieldError
from cift.errors.problems import application_error_of, error_response, problem_response


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer for REST framework's views; None lets a fault of the venue through to `server_error`."""
    if isinstance(exception, rest.APIException):
        error: ApplicationError | None = _of_rest(exception)
    else:
        error = application_error_of(exception)
    if error is None:
        return None
    set_rollback()
    request = context.get("request")
    inner = getattr(request, "_request", request)
    return problem_response(error, None) if inner is None else error_response(error, inner)


_REST_CODES: tuple[tuple[type[rest.APIException], str], ...] = (
    (rest.NotAuthenticated, "unauthenticated"),
    (rest.AuthenticationFailed, "unauthenticated"),
    (rest.PermissionDenied, "forbidden"),
    (rest.NotFound, "not_found"),
    (rest.MethodNotAllowed, "method_not_allowed"),
    (rest.NotAcceptable, "not_acceptable"),
    (rest.UnsupportedMediaType, "unsupported_media_type"),
    (rest.ParseError, "invalid"),
)


def _of_rest(exception: rest.APIException) -> ApplicationError:
    if isinstance(exception, rest.ValidationError):
        return ApplicationError("invalid", errors=list(_fields_of(exception.get_full_details(), path="")))
    if isinstance(exception, rest.Throttled):
        wait_s = max(1, int(getattr(exception, "wait", None) or 1))
        return ApplicationError("rate_limited", str(exception.detail), extra={"retry_after": wait_s})
    headers = {"WWW-Authenticate": "Bearer"} if exception.status_code == HTTPStatus.UNAUTHORIZED else None
    for kind, code in _REST_CODES:
        if isinstance(exception, kind):
            return ApplicationError(code, str(exception.detail), headers=headers)
    code = "invalid" if exception.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    return ApplicationError(code, str(exception.detail), status=exception.status_code)


_REST_FIELD_CODES = {
    "required": "required",
    "blank": "required",
    "null": "required",
    "invalid_choice": "not_a_choice",
    "max_length": "out_of_range",
    "min_length": "out_of_range",
    "max_value": "out_of_range",
    "min_value": "out_of_range",
    "unknown_field": "unknown_field",
}


def _fields_of(details: Any, *, path: str) -> Iterator[FieldError]:
    """Walk a serializer's nested errors and name each field by its path."""
    if isinstance(details, Mapping) and set(details) == {"message", "code"}:
        code = _REST_FIELD_CODES.get(str(details["code"]), "invalid")
        yield FieldError(field=path, code=code, detail=str(details["message"]))
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _fields_of(inner, path=".".join(part for part in (path, step) if part))
    else:
        many = any(not (isinstance(inner, Mapping) and set(inner) == {"message", "code"}) for inner in details)
        for index, inner in enumerate(details):
            yield from _fields_of(inner, path=f"{path}.{index}".lstrip(".") if many else path)
