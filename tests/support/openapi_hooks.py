"""What requests made from the schema are told that no schema can say, and which answers are right all the same.

Loaded by schemathesis, in a process of its own: tests/contract/test_openapi.py starts it. All its checks are on for all
operations; every exception stands in `EXCEPTIONS`, with the operations it is for and the reason.
"""

import copy
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

Problem = Mapping[str, Any]

PASSWORDS = (
    "POST /api/v1/auth/register/",
    "POST /api/v1/auth/password/",
    "POST /api/v1/auth/password/reset/confirm/",
    "POST /api/v1/auth/second-factor/",
    "DELETE /api/v1/auth/second-factor/",
)
MAILED_TOKENS = ("POST /api/v1/auth/email/confirm/", "POST /api/v1/auth/password/reset/confirm/")
ORDERS = (
    "POST /api/v1/orders/",
    "PATCH /api/v1/orders/{order_id}/",
    "POST /api/v1/orders/batch/",
    "DELETE /api/v1/orders/",
    "DELETE /api/v1/orders/{order_id}/",
    "DELETE /api/v1/orders/by-client-order-id/{client_order_id}/",
)
DECIMALS = frozenset({"price", "quantity", "quote_amount", "price_min", "price_max"})


class Exempt(NamedTuple):
    """Requests that fit the schema and are refused nevertheless: of which operations, with which answers, and why."""

    operations: Iterable[str]
    answer: Callable[[int, Problem], bool]
    why: str


def faults(fields: Iterable[str], *codes: str) -> Callable[[int, Problem], bool]:
    """Recognise an answer 400 that finds fault with these fields alone, for these reasons."""
    named = frozenset(fields)

    def told(status: int, problem: Problem) -> bool:
        errors = problem.get("errors", [])
        return (
            status == 400
            and bool(errors)
            and all(error["field"].rpartition(".")[2] in named and error["code"] in codes for error in errors)
        )

    return told


EXCEPTIONS = (
    Exempt(
        ORDERS,
        lambda status, _problem: status == 422,
        "422 is the engine's answer to a well-formed command: its funds, its bands, its clock are in no schema.",
    ),
    Exempt(
        ORDERS[:4],
        faults(DECIMALS, "malformed", "out_of_range"),
        "How many decimals a number may have, and how large it may be, is its instrument's listing's to say.",
    ),
    Exempt(
        ("DELETE /api/v1/orders/",),
        faults({"price_min", "price_max", "all"}, "invalid", "required"),
        "OpenAPI cannot say that one parameter of a query needs another, or excludes it.",
    ),
    Exempt(
        PASSWORDS,
        faults({"password", "new_password", "code"}, "invalid"),
        "Which passwords are common, like the address, or the caller's own, and which code is due, is in no schema.",
    ),
    Exempt(
        ("GET /api/v1/instruments/{symbol}/candles/",),
        faults({"start", "end", "cursor"}, "invalid", "out_of_range", "malformed"),
        "No schema can say that a time is a whole multiple of another parameter, or later than one.",
    ),
    Exempt(MAILED_TOKENS, faults({"token"}, "invalid"), "Which tokens were mailed is in no schema."),
)


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Keep a failure unless it is an exception's."""
    del context
    if not isinstance(failure, RejectedPositiveData):
        return True
    operation, problem = case.operation.label, json.loads(response.content)
    return not any(operation in each.operations and each.answer(response.status_code, problem) for each in EXCEPTIONS)


_whole: dict[str, Any] = {}
"""The schema as it is served."""


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Say of a tuple no more than what an array's items are: the tool reads `prefixItems` as an older draft's."""
    del context
    _whole.update(copy.deepcopy(raw_schema))
    _tuples_loosen(raw_schema)


def _tuples_loosen(schema: Any) -> None:
    if isinstance(schema, dict):
        parts = schema.pop("prefixItems", None)
        if parts is not None:
            schema["items"] = {"anyOf": parts}
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _tuples_loosen(inner)


@schemathesis.check
def tuples_conformance(ctx: Any, response: Any, case: Any) -> None:
    """Hold an answer to the schema as it is served, whose tuples the tool was not told of."""
    del ctx
    known = _whole["paths"][case.operation.path][case.operation.method]["responses"].get(str(response.status_code), {})
    schema = known.get("content", {}).get("application/json", {}).get("schema")
    if schema is not None and response.status_code == 200 and response.request.method == "GET":
        Draft202012Validator({**schema, "components": _whole["components"]}).validate(json.loads(response.content))


_known: dict[str, str] = {}
"""What the venue has given that only it can give: a consistency token, an order's id, and a cursor of each list."""

_logins: list[dict[str, str]] = json.loads(os.environ["CIFT_TEST_LOGINS"])


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember what may be brought again."""
    del context
    if response.status_code >= 300 or "application/json" not in response.headers.get("content-type", [""])[0]:
        return
    answer = json.loads(response.content)
    if isinstance(answer, dict):
        if answer.get("consistency_token"):
            _known["at_least"] = answer["consistency_token"]
        if case.operation.label == "POST /api/v1/orders/" and answer.get("id"):
            _known["order"] = answer["id"]
        if answer.get("next"):
            _known[f"cursor of {case.operation.label}"] = answer["next"].rpartition("cursor=")[2]


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Put into a request that is to be accepted what only the venue can give: other texts fit the schema as well."""
    del context, kwargs
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name, known in (("at_least", "at_least"), ("cursor", f"cursor of {case.operation.label}")):
        if (case.query or {}).get(name):
            if known in _known:
                case.query[name] = _known[known]
            else:
                del case.query[name]
    if "order_id" in (case.path_parameters or {}) and "order" in _known:
        case.path_parameters["order_id"] = _known["order"]
    if not isinstance(case.body, dict):
        return
    if case.operation.label in ORDERS:
        case.body = case.body | {name: _fitting(value) for name, value in case.body.items() if name in DECIMALS}
    if case.operation.label == "POST /api/v1/auth/token/" and "code" not in case.body:
        case.body = dict(_logins[0])


def _fitting(value: Any) -> Any:
    """Shorten a number to one that every instrument has the decimals for, so that the engine gets to see it."""
    return value.partition(".")[0][:5] if isinstance(value, str) else value
