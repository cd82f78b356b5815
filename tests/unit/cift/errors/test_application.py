import json
import sqlite3
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404
from django.test import AsyncClient, RequestFactory
from rest_framework import exceptions as rest
from rest_framework import serializers

from cift.errors.application import ApplicationError, FieldError
from cift.errors.codes import CODES
from cift.errors.pages import server_error
from cift.errors.problems import problem_of, problem_response
from cift.http.answers import problem_raw, problem_send
from cift.rest.handler import exception_handler


class _Leg(serializers.Serializer[Any]):
    price = serializers.DecimalField(max_digits=10, decimal_places=2)


class _Order(serializers.Serializer[Any]):
    side = serializers.ChoiceField(choices=["buy", "sell"])
    quantity = serializers.IntegerField(min_value=1)
    legs = _Leg(many=True)


def test_a_problem_has_the_members_of_rfc_9457_and_ours() -> None:
    error = ApplicationError(
        "invalid",
        "Two fields are wrong.",
        errors=[FieldError("price", "malformed", "not a decimal")],
        extra={"client_order_id": "abc"},
    )

    assert problem_of(error, request_id="r1") == {
        "type": "urn:cift:error:invalid",
        "title": "Invalid request",
        "status": 400,
        "detail": "Two fields are wrong.",
        "code": "invalid",
        "request_id": "r1",
        "errors": [{"field": "price", "code": "malformed", "detail": "not a decimal"}],
        "client_order_id": "abc",
    }


def test_what_is_added_cannot_hide_what_a_problem_is() -> None:
    assert problem_of(ApplicationError("not_found", extra={"status": 200}), request_id="r1")["status"] == 404


def test_a_code_of_the_engine_s_is_answered_with_the_status_it_is_given() -> None:
    problem = problem_of(ApplicationError("insufficient_funds", status=422), request_id="r1")

    assert (problem["status"], problem["code"]) == (422, "insufficient_funds")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_status_that_tells_of_an_error(code: str) -> None:
    assert 400 <= ApplicationError(code).status <= 599


@pytest.mark.parametrize(
    ("raised", "code", "status"),
    [
        (Http404(), "not_found", 404),
        (PermissionDenied(), "forbidden", 403),
        (RequestDataTooBig(), "payload_too_large", 413),
        (rest.NotAuthenticated(), "unauthenticated", 401),
        (rest.AuthenticationFailed(), "unauthenticated", 401),
        (rest.PermissionDenied(), "forbidden", 403),
        (rest.NotFound(), "not_found", 404),
        (rest.MethodNotAllowed("PUT"), "method_not_allowed", 405),
        (rest.NotAcceptable(), "not_acceptable", 406),
        (rest.UnsupportedMediaType("text/csv"), "unsupported_media_type", 415),
        (rest.ParseError(), "invalid", 400),
        (rest.Throttled(wait=3), "rate_limited", 429),
    ],
)
def test_what_the_frameworks_raise_has_its_code(raised: Exception, code: str, status: int) -> None:
    response = exception_handler(raised, {})

    assert response is not None
    assert (json.loads(response.content)["code"], response.status_code) == (code, status)


def test_a_fault_of_the_venue_s_own_is_not_taken_for_the_client_s() -> None:
    assert exception_handler(ZeroDivisionError(), {}) is None


def caused(error: Exception, **cause: Any) -> Exception:
    """Raise Django's error as it comes, with the driver's behind it."""
    error.__cause__ = type("DriverError", (Exception,), cause)()
    return error


BUSY = {
    "no more is known": OperationalError("locked"),
    "connection closed": InterfaceError("connection already closed"),
    "SQLite busy": caused(OperationalError(), sqlite_errorcode=sqlite3.SQLITE_BUSY),
    "SQLite busy, snapshot": caused(OperationalError(), sqlite_errorcode=sqlite3.SQLITE_BUSY_SNAPSHOT),
    "SQLite locked": caused(OperationalError(), sqlite_errorcode=sqlite3.SQLITE_LOCKED),
    "SQLite full": caused(OperationalError(), sqlite_errorcode=sqlite3.SQLITE_FULL),
    "PostgreSQL not reached": caused(OperationalError(), sqlstate=None),
    "PostgreSQL lock": caused(OperationalError(), sqlstate="55P03"),
    "PostgreSQL deadlock": caused(OperationalError(), sqlstate="40P01"),
    "PostgreSQL shut down": caused(OperationalError(), sqlstate="57P01"),
}
OURS = {
    "SQLite statement": caused(OperationalError("no such table: x"), sqlite_errorcode=sqlite3.SQLITE_ERROR),
    "SQLite misuse": caused(InterfaceError(), sqlite_errorcode=sqlite3.SQLITE_MISUSE),
    "PostgreSQL savepoint": caused(OperationalError(), sqlstate="3B001"),
    "statement": ProgrammingError(),
    "constraint": IntegrityError(),
    "value": DataError(),
    "anything else": caused(ValueError(), sqlite_errorcode=sqlite3.SQLITE_BUSY),
}


@pytest.mark.parametrize("which", BUSY)
def test_a_database_that_is_busy_is_not_taken_for_a_fault(which: str) -> None:
    response = exception_handler(BUSY[which], {})

    assert response is not None
    assert (json.loads(response.content)["code"], response.status_code) == ("database_busy", 503)


@pytest.mark.parametrize("which", OURS)
def test_a_fault_is_not_taken_for_a_database_that_is_busy(which: str) -> None:
    assert exception_handler(OURS[which], {}) is None


def test_each_wrong_field_is_named_by_its_path() -> None:
    serializer = _Order(data={"side": "hold", "quantity": 0, "legs": [{"price": "1"}, {}]})
    assert not serializer.is_valid()

    response = exception_handler(rest.ValidationError(serializer.errors), {})

    assert response is not None
    assert {(field["field"], field["code"]) for field in json.loads(response.content)["errors"]} == {
        ("side", "not_a_choice"),
        ("quantity", "out_of_range"),
        ("legs.1.price", "required"),
    }


def test_an_answer_carries_the_request_s_id_and_the_problem_s_media_type() -> None:
    request = RequestFactory().get("/")
    request.request_id = "mine-1"  # type: ignore[attr-defined]

    response = exception_handler(rest.Throttled(wait=7), {"request": request})

    assert response is not None
    assert response["Content-Type"] == "application/problem+json"
    assert response["X-Request-Id"] == "mine-1"
    assert response["Retry-After"] == "7"
    assert json.loads(response.content)["request_id"] == "mine-1"


def test_a_fault_is_answered_without_a_word_of_what_failed() -> None:
    response = server_error(RequestFactory().get("/"))

    assert response.status_code == 500
    assert json.loads(response.content)["code"] == "internal"


async def test_an_address_with_nothing_at_it_is_a_problem_with_the_id_it_was_asked_under() -> None:
    response = await AsyncClient().get("/nowhere", headers={"x-request-id": "abc.1"})

    assert response.status_code == 404
    assert response["X-Request-Id"] == "abc.1"
    assert response.json()["code"] == "not_found"
    assert response.json()["request_id"] == "abc.1"


@pytest.mark.parametrize("given", ["", "x" * 65, "with space", "line\nbreak", "é"])
async def test_an_id_that_is_not_sane_is_replaced(given: str) -> None:
    response = await AsyncClient().get("/nowhere", headers={"x-request-id": given})

    assert response["X-Request-Id"] != given
    assert len(response["X-Request-Id"]) == 32


@pytest.mark.parametrize("code", sorted(code for code, known in CODES.items() if known.status in (429, 503)))
async def test_who_may_ask_again_is_told_when_whichever_way_the_answer_is_made(code: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    async def headers_of(error: ApplicationError) -> set[str]:
        sent.clear()
        await problem_send(send, error, request_id="r1", secure=False)
        raw = problem_raw(error, request_id="r1").decode().partition("\r\n\r\n")[0]
        return {
            problem_response(error, None)["Retry-After"],
            dict(sent[0]["headers"])[b"Retry-After"].decode(),
            *(line.partition(": ")[2] for line in raw.split("\r\n") if line.startswith("Retry-After: ")),
        }

    assert await headers_of(ApplicationError(code)) == {str(CODES[code].retry_s)}
    assert await headers_of(ApplicationError(code, extra={"retry_after": 7})) == {"7"}
    assert await headers_of(ApplicationError(code, headers={"Retry-After": "9"})) == {"9"}
    assert CODES[code].retry_s > 0


def test_who_has_no_place_is_told_when_on_a_socket_too() -> None:
    assert problem_of(ApplicationError("rate_limited", "So many and no more."), request_id="r1")["retry_after"] == 1


@pytest.mark.parametrize("code", sorted(code for code, known in CODES.items() if known.status not in (429, 503)))
def test_nobody_else_is(code: str) -> None:
    assert "Retry-After" not in ApplicationError(code).headers
