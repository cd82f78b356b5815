"""What may be said on a socket: every message that tests send or are sent is held to the schema."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from apps.gateways.socket.fields import FIELDS
from apps.gateways.socket.schema import EVENTS, REF, document, request_name
from cift.errors.extras import error_extras_of
from tests.support.schema import extras_of


@cache
def _validator(name: str) -> Draft202012Validator:
    whole = document()
    return Draft202012Validator({"$ref": REF.format(name=name), "components": whole["components"]})


@cache
def _names() -> dict[tuple[str, str, bool], str]:
    """Name the schemas by channel, type, and whether the channel is a symbol's."""
    names = {}
    for shape in EVENTS:
        said = document()["components"]["schemas"][shape.__name__]["properties"]
        of_symbol = said.get("symbol", {}).get("type") == "string"
        names[said["channel"]["const"], str(shape.__struct_config__.tag), of_symbol] = shape.__name__
    assert len(names) == len(EVENTS)
    return names


def message_check(message: dict[str, Any], *, op: str | None = None) -> None:
    """Fail unless a message of the venue is what its schema says; `op`: the request it answers."""
    if "ok" in message:
        name = f"{request_name(op)}Answer" if message["ok"] and op is not None else "Refusal"
        if message["ok"] and op is None:
            return
    elif "channel" in message:
        name = _names()[message["channel"], message["type"], isinstance(message.get("symbol"), str)]
    else:
        name = "ServerPing"
    _validator(name).validate(message)
    items = message["result"].get("results", []) if message.get("ok") and op == "order.batch" else [message]
    for error in [item["error"] for item in items if item.get("error")]:
        if not extras_of(error) <= set(error_extras_of(error["code"]).all):
            raise ValidationError(f"an error brings what its code does not: {error}")


def request_check(request: dict[str, Any]) -> None:
    """Fail unless a request that was carried out is what its schema says."""
    if not isinstance(request["op"], str) or request["op"] not in FIELDS:
        raise ValidationError(f"no operation: {request['op']!r}")
    _validator(request_name(request["op"])).validate(request)
