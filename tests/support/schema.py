"""What the API's schema says, and whether an answer is what it says."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import httpx
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from cift.errors.extras import error_extras_of

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"

SERVICE_CODES = frozenset({"venue_unavailable", "venue_halted", "overloaded", "outcome_unknown"})
"""What is answered for the order service, or for its absence."""

_OF_THE_METHOD = 405


@cache
def schema() -> dict[str, Any]:
    """Return the whole schema, as it is served."""
    generator: Any = cast("Any", SchemaGenerator)()
    made: dict[str, Any] = generator.get_schema(request=None, public=True)
    return made


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return each operation with its address and method."""
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def body_of(operation: dict[str, Any]) -> Any:
    """Return the first example of a call's body; None for a call without one."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    named = [example["value"] for example in content.get("examples", {}).values()]
    return [*named, content.get("example")][0]


def codes_documented(method: str, path: str) -> set[str]:
    """Return the codes an operation is documented to answer."""
    responses = schema()["paths"][path][method]["responses"].values()
    return {code for response in responses for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})}


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Return the addresses' patterns, those with fewer variable parts first."""
    paths = sorted(schema()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Find the operation of a request; None where the schema has none."""
    found = next((name for pattern, name in _paths() if pattern.fullmatch(path)), None)
    operation: dict[str, Any] | None = schema()["paths"][found].get(method.lower()) if found else None
    return operation


@cache
def _validator(pointer: str) -> Draft202012Validator:
    """Return the validator of a part of the schema, named by its address in it."""
    return Draft202012Validator(
        {"$ref": f"#{pointer}", "components": schema()["components"], "paths": schema()["paths"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def value_check(value: Any, pointer: str) -> None:
    """Hold a value to a part of the schema."""
    errors = [f"{error.json_path}: {error.message}" for error in _validator(pointer).iter_errors(value)]
    assert not errors, errors


def extras_of(error: dict[str, Any]) -> set[str]:
    """Return what an error brings beside what each has."""
    return error.keys() - {"type", "title", "status", "detail", "code", "request_id", "errors"}


def answer_check(answer: httpx.Response) -> None:
    """Hold an answer to the schema: status, headers, media type, body, and a problem's code and what that brings."""
    answer.read()
    method, path = answer.request.method, answer.request.url.path
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    operation = operation_of(method, path)
    if operation is None or answer.status_code == _OF_THE_METHOD or "text/html" in media_type:
        assert operation is not None or answer.status_code >= 400, (method, path)
        return
    assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code, answer.text)
    response = operation["responses"][str(answer.status_code)]
    missing = {name for name in response["headers"] if name not in answer.headers}
    assert not missing, (method, path, answer.status_code, missing)
    content = response.get("content")
    assert (media_type in content) if content else not answer.content, (method, path, media_type)
    if content:
        found = next(name for pattern, name in _paths() if pattern.fullmatch(path))
        where = (found, method.lower(), "responses", str(answer.status_code), "content", media_type, "schema")
        value_check(answer.json(), "/paths/" + "/".join(map(escaped, where)))
    if media_type == PROBLEM:
        brings = error_extras_of(answer.json()["code"])
        assert set(brings.always) <= extras_of(answer.json()) <= set(brings.all), (method, path, answer.text)


def escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
