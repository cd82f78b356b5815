"""The OpenAPI schema and its page."""

from typing import Any

from cift import __version__
from cift.errors.codes import CODES

_PLAIN = "text/plain"


def _process(
    summary: str, media_type: str, schema: dict[str, Any], *, may_fail: bool = False, is_public: bool = True
) -> dict[str, Any]:
    content = {"content": {media_type: {"schema": schema}}, "description": summary}
    responses = {"200": content, **({"503": dict(content)} if may_fail else {}), "429": _problem("rate_limited")}
    if not is_public:
        responses["401"] = _problem("unauthenticated")
    return {"get": {"operationId": summary.lower().replace(" ", "_"), "summary": summary, "tags": ["process"],
                    "parameters": [], "responses": responses, "security": [{}]}}  # fmt: skip


def _problem(code: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"content": {"application/problem+json": {"schema": schema}}, "description": CODES[code].title}


_CHECKS = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["ok", "degraded", "down"]},
        "version": {
            "type": "string",
            "description": "The version of CIFT Markets that answers; for who may see the venue's inside.",
        },
        "checks": {
            "type": "object",
            "description": "For who may see the venue's inside.",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "status": {"type": "string", "enum": ["ok", "degraded", "down"]},
                    "latency_ms": {"type": "number"},
                    "required": {"type": "boolean"},
                },
                "required": ["status", "latency_ms", "required"],
            },
        },
    },
    "required": ["status"],
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "CIFT Markets",
    "DESCRIPTION": (
        "Prices, quantities and money are strings holding decimals, times RFC 3339 UTC with microseconds, ids strings. "
        "Lists are cursor pages, newest first. Errors are `application/problem+json` (RFC 9457) with a stable `code`. "
        "Unknown fields are refused. A write's `consistency_token`, as a read's `at_least`, makes the read see it."
    ),
    "VERSION": __version__,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": ["cift.rest.schema.schema_finish"],
    "APPEND_PATHS": {
        "/health": _process("Process lives", "application/json", {"type": "object"}),
        "/ready": _process("Venue ready", "application/json", _CHECKS, may_fail=True),
        "/metrics": _process("Metrics for Prometheus", _PLAIN, {"type": "string"}, is_public=False),
    },
    "APPEND_COMPONENTS": {
        "parameters": {
            "RequestId": {
                "in": "header",
                "name": "X-Request-Id",
                "description": (
                    "The request's id: 1 to 64 letters, digits, dots, dashes and underscores. "
                    "The venue assigns one where none, or an invalid one, is given."
                ),
                "schema": {"type": "string"},
            }
        },
        "headers": {
            "RateLimitPolicy": {
                "description": (
                    "The limit with the least room: its name, `q` requests in `w` seconds. "
                    "Each of several web processes names its own share."
                ),
                "schema": {"type": "string"},
                "example": '"orders-account";q=500;w=1',
            },
            "RateLimit": {
                "description": "Its state: `r` requests are left; in `t` seconds all are available again.",
                "schema": {"type": "string"},
                "example": '"orders-account";r=499;t=1',
            },
            "RetryAfter": {
                "description": "Seconds until a request is possible again.",
                "schema": {"type": "integer", "minimum": 1},
                "example": 1,
            },
            "XRequestId": {
                "description": "The request's id: the client's own, if it is valid.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
            },
        },
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "docExpansion": "none"},
}
