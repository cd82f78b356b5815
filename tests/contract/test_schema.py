"""The OpenAPI schema: valid, complete, and true of what the code takes and answers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import validate

from cift.errors.codes import CODES
from cift.wire.reasons import Reason
from tests.support.schema import METHODS, body_of, codes_documented, escaped, operations, schema, value_check
from tests.support.traders import DjangoWay, RestWay, Trader
from tests.support.venue import Venue

NOT_THE_API_S = ("/admin/", "/account/", "/api/login/", "/api/schema/", "/api/docs/", "/static/")

ENDS_ALONE = {reason.code for reason in Reason if reason >= Reason.USER_REQUESTED} - {
    "deadline_passed",
    "venue_not_open",
    "batch_member_refused",
}
"""Reasons why orders end, or why other commands than orders are refused: no answer has one as its code."""

NO_OPERATION_S = {
    "method_not_allowed",
    "uri_too_long",
    "expectation_failed",
    "headers_too_large",
    "not_implemented",
}
"""What is refused before it is known which operation is meant, if any."""


def addresses(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        whole = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, whole)
        elif isinstance(pattern, URLPattern):
            yield whole.replace("<str:", "{").replace(">", "}"), pattern.callback


def test_it_is_valid_openapi_3_1() -> None:
    assert schema()["openapi"].startswith("3.1")
    validate(schema())


def test_no_address_and_no_method_is_missing() -> None:
    missing = []
    for path, view in addresses(get_resolver().url_patterns):
        if path.startswith(NOT_THE_API_S):
            continue
        described = schema()["paths"].get(path, {})
        view_class = getattr(view, "cls", None)
        wanted = {method for method in METHODS if hasattr(view_class, method)} if view_class else {"get"}
        missing += [f"{method} {path}" for method in sorted(wanted ^ set(described))]

    assert not missing


def test_its_check_finds_nothing() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_every_operation_says_all_there_is_to_say() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    for path, method, operation in operations():
        assert operation["summary"], (method, path)
        assert operation["security"], (method, path)
        for status, response in operation["responses"].items():
            assert response["headers"]["X-Request-Id"]
            for media_type, content in response.get("content", {}).items():
                assert content["schema"], (method, path, status, media_type)


def examples() -> Iterator[tuple[str, Any]]:
    for path, method, operation in operations():
        contents = [("requestBody", operation.get("requestBody", {}))]
        contents += [(f"responses/{status}", response) for status, response in operation["responses"].items()]
        for where, holder in contents:
            for media_type, content in holder.get("content", {}).items():
                at = f"/paths/{escaped(path)}/{method}/{where}/content/{escaped(media_type)}"
                if "example" in content:
                    yield at, content["example"]
                for named in content.get("examples", {}).values():
                    yield at, named["value"]


def test_every_example_is_one() -> None:
    found = list(examples())

    assert len(found) > 400
    for at, example in found:
        value_check(example, f"{at}/schema")


def test_every_body_that_has_one_has_an_example() -> None:
    with_examples = {at for at, _ in examples()}
    for path, method, operation in operations():
        holders = [("requestBody", operation.get("requestBody", {}))]
        holders += [(f"responses/{status}", response) for status, response in operation["responses"].items()]
        for where, holder in holders:
            for media_type in holder.get("content", {}):
                at = f"/paths/{escaped(path)}/{method}/{where}/content/{escaped(media_type)}"
                assert at in with_examples or not path.startswith("/api/"), at


def test_every_code_is_some_operation_s() -> None:
    codes = {code for path, method, _ in operations() for code in codes_documented(method, path)}

    assert set(CODES) - codes == ENDS_ALONE | NO_OPERATION_S


def test_money_and_times_are_texts_of_a_pattern() -> None:
    parts = schema()["components"]["schemas"]
    order = parts["OrderBody"]["properties"]
    assert order["filled_quantity"]["pattern"] == r"^-?[0-9]{1,38}(\.[0-9]{1,38})?$"
    assert order["created_at"]["format"] == "date-time"
    assert order["side"]["enum"] == ["buy", "sell"]
    submit = parts["SubmitOrder"]
    assert submit["additionalProperties"] is False
    assert submit["required"] == ["symbol", "side", "type"]
    assert submit["properties"]["time_in_force"]["enum"] == ["gtc", "ioc", "fok", None]


IN_PATHS = {"symbol": "AAPL-USD", "order_id": "77", "client_order_id": "nobody-s"}


def test_no_call_passes_over_a_parameter_it_does_not_know(sessions: tuple[Trader, Trader]) -> None:
    asked = [(path, method, operation) for path, method, operation in operations() if path.startswith("/api/v1/")]
    assert len(asked) > 30
    for path, method, operation in asked:
        address = path.removeprefix("/api/v1/").format(**IN_PATHS)
        required = {
            parameter["name"]: parameter["schema"]["enum"][0]
            for parameter in operation["parameters"]
            if parameter.get("in") == "query" and parameter.get("required")
        }
        query = {**required, "nonsense": "1"}
        answer = sessions[0].rest.request(method, address, params=query, json=body_of(operation))
        faults = [(error["field"], error["code"]) for error in answer.json().get("errors", [])]
        assert (answer.status_code, faults) == (400, [("nonsense", "unknown_field")]), (method, path, answer.text)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("application/json", "application/vnd.oai.openapi+json"), ("*/*", "application/vnd.oai.openapi")],
)
def test_it_is_served(running_venue: Venue, accept: str, media_type: str) -> None:
    base = f"http://127.0.0.1:{running_venue.port}"
    answer = httpx.get(f"{base}/api/schema/", headers={"Accept": accept}, timeout=60)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].partition(";")[0] in {media_type, "application/json"}


@pytest.mark.parametrize("address", ["/api/schema/", "/api/schema/?format=json", "/api/schema/socket/"])
def test_who_has_it_is_told_that_it_is_the_same(running_venue: Venue, address: str) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{running_venue.port}", timeout=60) as client:
        first = client.get(address)
        etag = first.headers["ETag"]
        known = client.get(address, headers={"If-None-Match": etag})
        other = client.get(address, headers={"If-None-Match": '"another"'})
        head = client.head(address)

    assert etag.startswith('"')
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", etag)
    assert (other.status_code, other.content) == (200, first.content)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", etag)


def cache_control(answer: httpx.Response) -> str:
    told = answer.headers.get_list("Cache-Control")
    assert len(told) == 1, (answer.request.method, answer.url, told)
    return told[0]


PUBLIC = ("/api/v1/instruments/", "/api/v1/tickers/")


def test_nobody_keeps_what_is_private(sessions: tuple[Trader, Trader]) -> None:
    with httpx.Client(base_url=sessions[0].rest.base_url, headers=sessions[0].headers, timeout=60) as client:
        for path, method, operation in operations():
            for headers in (RestWay.headers, DjangoWay.headers):
                # Nothing is done by a call with a parameter it does not know.
                for query in ({}, {"nonsense": "1"}) if method == "get" else ({"nonsense": "1"},):
                    answer = client.request(
                        method,
                        client.base_url.join(path.format(**IN_PATHS)),
                        params=query,
                        json=body_of(operation) if "requestBody" in operation else None,
                        headers=headers,
                    )
                    public = (
                        path.startswith(("/api/v1/instruments/", "/api/v1/tickers/"))
                        and answer.status_code == httpx.codes.OK
                    )
                    wanted = "no-cache" if public else "no-store"
                    assert wanted in cache_control(answer).split(", "), (method, path, answer.status_code)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/admin/",
        "/admin/login/",
        "/api/login/login/",
        "/account/second-factor/",
        "/account/confirm/invented/",
        "/account/reset/MQ/invented/",
        "/api/v1/instruments/AAPL-USD/book/",
        "/api/v1/orders/",
        "/api/v1/orders",
        "/nothing/",
    ],
)
def test_nobody_keeps_a_page(running_venue: Venue, path: str) -> None:
    answer = httpx.get(
        f"http://127.0.0.1:{running_venue.port}{path}",
        headers={"Accept": "text/html"},
        timeout=60,
        follow_redirects=False,
    )

    assert "no-store" in cache_control(answer), answer.status_code


def test_its_page_comes_from_the_venue_alone(running_venue: Venue) -> None:
    base = f"http://127.0.0.1:{running_venue.port}"
    page = httpx.get(f"{base}/api/docs/", timeout=60)

    assert page.status_code == 200
    assert "http://" not in page.text.replace(base, "")
    assert "https://" not in page.text
    assert "<script>" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-standalone-preset.js"):
        address = f"{base}/static/drf_spectacular_sidecar/swagger-ui-dist/{file}"
        assert file in page.text
        assert httpx.get(address, timeout=60).status_code == 200
    assert httpx.get(f"{base}/api/docs/?script=", timeout=60).status_code == 200
