"""The OpenAPI schema: each call is described where it is written, by what it reads, answers and refuses.

REST framework's views have no serializers here: drf-spectacular finds the addresses and methods, collects the parts
and serves the result; what an operation says is made from its `Call`. A method without one is an error of `manage.py
check --deploy`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from drf_spectacular.drainage import error
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import AllowAny

from cift.fields import CLIENT_ORDER_ID, SYMBOL, Field, number
from cift.rest.parts import PROBLEM, REF, example_of, problems, query_parameters, structs_schemas, table_schema
from cift.texts import UrlText

ViewMethodT = TypeVar("ViewMethodT", bound=Callable[..., Any])

_component: Any = ResolvedComponent
_JSON = "application/json"
_REQUEST_ID = {"$ref": "#/components/parameters/RequestId"}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_ALL = ("invalid", "not_acceptable", "rate_limited", "internal", "database_busy")
_OF_BODIES = ("payload_too_large", "request_timeout", "unsupported_media_type")

WRITER_READS = ("venue_unavailable", "overloaded")
"""What a question to the order service may be answered with."""

STORE_READS = ("history_unavailable",)
"""What a read of trades and candles may be answered with."""

WRITER_WRITES = (
    "venue_unavailable",
    "venue_halted",
    "overloaded",
    "outcome_unknown",
    "deadline_passed",
    "venue_not_open",
)
"""What a command may be answered with, whatever it is."""

_IN_PATHS: Mapping[str, Mapping[str, Any]] = {
    "symbol": SYMBOL.schema,
    "order_id": number.schema,
    "client_order_id": CLIENT_ORDER_ID.schema,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body: its name among the schema's parts, its table, and what the table cannot tell."""

    name: str
    table: Mapping[str, Field]
    instead: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    field_rules: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one method of one address takes, and what it answers: structs by status, and codes of errors.

    `error_extras` has what errors here bring of all that errors of their code may (see `cift.errors.extras`).
    """

    answers: Mapping[int, type[msgspec.Struct] | None]
    query: Mapping[str, Field] = field(default_factory=dict)
    body: Body | None = None
    errors: tuple[str, ...] = ()
    error_extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def described(
    *,
    answers: Mapping[int, type[msgspec.Struct] | None],
    query: Mapping[str, Field] | None = None,
    body: Body | None = None,
    errors: tuple[str, ...] = (),
    error_extras: Mapping[str, tuple[str, ...]] | None = None,
) -> Callable[[ViewMethodT], ViewMethodT]:
    """Describe a view's method."""
    call = Call(answers=answers, query=query or {}, body=body, errors=errors, error_extras=error_extras or {})

    def keep(method: ViewMethodT) -> ViewMethodT:
        method.call = call  # type: ignore[attr-defined]
        return method

    return keep


def page_of(row: type[msgspec.Struct], *, beside: type[msgspec.Struct] | None = None) -> type[msgspec.Struct]:
    """Return the struct of a page of rows; the fields of `beside` stand beside them."""
    name = row.__name__.removesuffix("Body")
    parts: list[tuple[str, Any]] = [
        ("results", list[row]),  # type: ignore[valid-type]
        ("next", UrlText | None),
        ("previous", UrlText | None),
    ]
    parts += [(each.name, each.type) for each in msgspec.structs.fields(beside)] if beside is not None else []
    return msgspec.defstruct(f"{name}Page", parts, namespace={"__doc__": "A page, newest first."})


class CallSchema(AutoSchema):
    """Makes an operation of a view's method from its `Call`."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        """Return the operation; None for what is not described."""
        self.registry = registry
        self.path, self.path_regex, self.path_prefix, self.method = path, path_regex, path_prefix, method.upper()
        if self.is_excluded():
            return None
        handler = getattr(self.view, method.lower(), None)
        call: Call | None = getattr(handler, "call", None)
        if call is None:
            error(f"{self.method} {path} is not described")
            return None
        self._part("Problem", dict(PROBLEM))
        operation: dict[str, Any] = {
            "operationId": self.get_operation_id(),
            "summary": str(handler.__doc__ or "").strip().partition("\n")[0],
            "tags": [self._tag()],
            "parameters": [*self._in_path(), *self._in_query(call), _REQUEST_ID],
            "security": self.get_auth(),
            "responses": {**self._answers(call), **problems(self._codes(call), call.error_extras)},
        }
        if call.body is not None:
            operation["requestBody"] = self._request(call.body)
        return operation

    def get_operation_id(self) -> str:
        """Name the operation by its method and address."""
        words = re.findall(r"[a-z0-9_]+", self.path.removeprefix("/api/v1").replace("-", "_")) or ["root"]
        if self.path == "/api/v1/":
            words = ["api", "root"]
        return "_".join([self.method.lower(), *words])

    def _tag(self) -> str:
        return self.path.removeprefix("/api/v1/").partition("/")[0] or "root"

    def _in_path(self) -> list[dict[str, Any]]:
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        return [{"in": "path", "name": name, "required": True, "schema": dict(_IN_PATHS[name])} for name in names]

    def _in_query(self, call: Call) -> list[dict[str, Any]]:
        # A read leaves empty ones out; where something is done, that would widen what it is done to.
        return query_parameters(call.query, with_empty=self.method == "GET")

    def _codes(self, call: Call) -> set[str]:
        """Add to a call's own codes those its parts may bring."""
        codes = {*call.errors, *_OF_ALL}
        authenticators = self.view.get_authenticators()
        public = any(isinstance(permission, AllowAny) for permission in self.view.get_permissions())
        if authenticators:
            codes.add("unauthenticated")
        if authenticators and self.method not in _SAFE:
            codes.add("csrf_failed")
        for authenticator in authenticators:
            codes.update(getattr(authenticator, "errors", ()))
        if not public:
            codes.add("forbidden")
        if "{" in self.path:
            codes.add("not_found")
        if call.body is not None:
            codes.update(_OF_BODIES)
        if "at_least" in call.query:
            codes.add("projection_behind")
        return codes

    def _answers(self, call: Call) -> dict[str, Any]:
        return {str(status): self._answer(answer) for status, answer in call.answers.items()}

    def _answer(self, answer: type[msgspec.Struct] | None) -> dict[str, Any]:
        if answer is None:
            return {"description": "Done."}
        schemas = structs_schemas(answer)
        for name, schema in schemas.items():
            self._part(name, schema)
        name = answer.__name__
        content = {"schema": {"$ref": REF.format(name=name)}, "example": example_of(schemas[name], schemas)}
        return {"description": str(answer.__doc__ or "").strip().partition("\n")[0], "content": {_JSON: content}}

    def _request(self, body: Body) -> dict[str, Any]:
        schema = table_schema(body.table, instead=body.instead, field_rules=body.field_rules)
        self._part(body.name, schema)
        content: dict[str, Any] = {"schema": {"$ref": REF.format(name=body.name)}}
        if body.examples:
            content["examples"] = {name: {"value": value} for name, value in body.examples.items()}
        else:
            content["example"] = example_of(schema, {})
        return {"required": bool(schema["required"] or body.field_rules), "content": {_JSON: content}}

    def _part(self, name: str, schema: Mapping[str, Any]) -> None:
        part: Any = _component(name=name, type=ResolvedComponent.SCHEMA, schema=dict(schema), object=name)
        self.registry.register_on_missing(part)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """An access token of `auth/token/`."""

    target_class = "apps.accounts.identity.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe it."""
        what = "The access token of `auth/token/`."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": what}


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Django's session."""

    target_class = "apps.accounts.identity.authentication.BrowserAuthentication"
    name = "session"
    wants = ", in which who has a second factor has given it"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe it."""
        what = f"A browser's session{self.wants}; what changes anything needs the CSRF token in `X-CSRFToken` besides."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": what}


class PasswordScheme(BrowserScheme):  # type: ignore[no-untyped-call]
    """Django's session, made by the password alone."""

    target_class = "apps.accounts.identity.authentication.PasswordAuthentication"
    name = "password_session"
    wants = ", though its second factor was not given yet"


_COME_AGAIN = frozenset({"429", "503"})
"""All of their codes say when."""

_BEFORE_LIMITS = frozenset({"408", "413"})
"""Bodies are bounded before anybody is counted."""


def schema_finish(result: dict[str, Any], generator: Any, **_unused: Any) -> dict[str, Any]:
    """Say of every answer that it names its request, and how who asks stands under its limits."""
    del generator
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                names = ["X-Request-Id"]
                if status not in _BEFORE_LIMITS:
                    names += ["RateLimit-Policy", "RateLimit", *(["Retry-After"] if status in _COME_AGAIN else [])]
                told = {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}
                response.setdefault("headers", {}).update(told)
    return result
