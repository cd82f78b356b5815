"""Parts of the API's schema made from what the code itself reads and writes: tables of fields, structs, error codes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cift.errors.codes import CODES, FIELD_CODES
from cift.errors.extras import EXTRAS, error_extras_of
from cift.errors.problems import CONTENT_TYPE
from cift.fields import Field, Kind

REF = "#/components/schemas/{name}"

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457. What a code adds (`sequence`, `client_order_id`, …) is in docs/reference/errors.md.",
    "properties": {
        "type": {"type": "string", "pattern": "^urn:cift:error:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(CODES)},
        "request_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "A dotted path into the body, or a query's parameter."},
                    "code": {"type": "string", "enum": list(FIELD_CODES)},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
                "additionalProperties": False,
            },
        },
        **{name: {**extra.schema, "description": f"{extra.meaning}."} for name, extra in EXTRAS.items()},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}
"""The one shape of an error."""


def field_schema(field: Field) -> dict[str, Any]:
    """Return the schema of one field; what need not be given may be null, which is the same as left out.

    Raises:
        TypeError: the field's kind has no schema.

    """
    if not isinstance(field.parse, Kind):
        raise TypeError(f"{field.parse} says nothing for a schema")
    schema = dict(field.parse.schema)
    if not field.required and field.nullable and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def table_schema(
    table: Mapping[str, Field],
    *,
    instead: Mapping[str, Any] | None = None,
    field_rules: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the schema of a body read by a table of fields.

    `instead` has schemas of fields the table cannot tell, `field_rules` what it cannot tell of several fields.
    """
    return {
        "type": "object",
        "properties": {
            name: field_schema(field) | dict((instead or {}).get(name, {})) for name, field in table.items()
        },
        "required": [name for name, field in table.items() if field.required],
        "additionalProperties": False,
        **(field_rules or {}),
    }


def case_of(
    title: str, *, given: Iterable[str] = (), absent: Iterable[str] = (), **fixed: str | bool
) -> dict[str, Any]:
    """Return the schema of one way fields go together: those that must be given, those that must not, fixed values."""
    given = list(given)
    return {
        "title": title,
        "properties": {
            **{name: {"const": value} for name, value in fixed.items()},
            **{name: {"type": "string"} for name in given},
            **{name: {"type": "null"} for name in absent},
        },
        "required": [*fixed, *given],
    }


def query_parameters(table: Mapping[str, Field], *, with_empty: bool) -> list[dict[str, Any]]:
    """Return the parameters of a query read by a table of fields; `with_empty`: an empty one is as good as none."""
    return [_parameter(name, field, with_empty=with_empty) for name, field in sorted(table.items())]


def _parameter(name: str, field: Field, *, with_empty: bool) -> dict[str, Any]:
    if not isinstance(field.parse, Kind):
        raise TypeError(f"{name} says nothing for a schema")
    schema = dict(field.parse.schema)
    if isinstance(field.default, int):
        schema["default"] = field.default
    parameter: dict[str, Any] = {"in": "query", "name": name, "schema": schema}
    if with_empty and not field.required:
        parameter["allowEmptyValue"] = True
    if name in _QUERY_TEXTS:
        parameter["description"] = _QUERY_TEXTS[name]
    return parameter | ({"required": True} if field.required else {})


_QUERY_TEXTS = {
    "limit": "The most rows of a page.",
    "cursor": "From `next` or `previous` of another page.",
    "start": "From this time on.",
    "end": "Before this time.",
    "at_least": "The `consistency_token` of a write this read must see; it waits up to 2 s.",
    "depth": "Levels a side.",
    "interval": "How long a candle is.",
    "all": "Must be true to cancel all there is, without a filter.",
}


def structs_schemas(*types: type[msgspec.Struct]) -> dict[str, dict[str, Any]]:
    """Return the schemas of answers and of all that is in them, by name."""
    return msgspec.json.schema_components(types, ref_template=REF)[1]


def problems(codes: Iterable[str], error_extras: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    """Return the responses that errors are answered with, by status, with an example for each code.

    `error_extras` has, by code, what errors of this call bring of all they may.
    """
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {str(status): _problem(status, names, error_extras) for status, names in sorted(by_status.items())}


def _problem(status: int, codes: list[str], error_extras: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    lines = [f"`{code}`: {CODES[code].title}." for code in codes]
    return {
        "description": "  \n".join(lines),
        "content": {
            CONTENT_TYPE: {
                "schema": {
                    "allOf": [{"$ref": REF.format(name="Problem")}],
                    "properties": {"status": {"const": status}, "code": {"enum": codes}},
                },
                "examples": {code: {"value": _problem_example(code, error_extras.get(code, ()))} for code in codes},
            }
        },
    }


def _problem_example(code: str, error_extras: Iterable[str]) -> dict[str, Any]:
    known = CODES[code]
    example: dict[str, Any] = {
        "type": f"urn:cift:error:{code}",
        "title": known.title,
        "status": known.status,
        "detail": known.title,
        "code": code,
        "request_id": "0123456789abcdef0123456789abcdef",
    }
    if code == "invalid":
        example["errors"] = [{"field": "price", "code": "malformed", "detail": FIELD_CODES["malformed"]}]
    return example | {name: EXTRAS[name].example for name in (*error_extras_of(code).always, *error_extras)}


_PLAIN = {"string": "text", "integer": 1, "boolean": False, "null": None}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Any:
    """Make an example that a schema takes; `schemas` are the components it may refer to."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for listed in ("examples", "enum"):
        if listed in schema:
            return schema[listed][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    return _made(schema, schemas)


def _made(schema: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(inner, schemas) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(item, schemas) for item in schema.get("prefixItems") or [schema["items"]]]
    return schema.get("minimum", _PLAIN.get(kind[0] if isinstance(kind, list) else str(kind)))
