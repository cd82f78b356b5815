"""What is written of the socket is what is said on it."""

import json
import re
import zlib
from pathlib import Path

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from apps.gateways.socket.fields import FIELDS
from apps.gateways.socket.schema import EVENTS, PARAMS, RESULTS, document, document_text, schemas
from apps.orders.feeds.account_messages import AccountMessage
from tests.support.messages import message_check, request_check

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGE = (DOCS / "websocket.md").read_text(encoding="utf-8")
ACCOUNT_TYPES = re.findall(r"`[a-z_]+`", PAGE.partition("| `type` | carries |")[2].partition("```")[0])
EXAMPLES = [line for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_the_stored_document_is_the_code_s() -> None:
    stored = (DOCS / "asyncapi.json").read_text(encoding="utf-8")
    assert stored == document_text(), "run: manage.py socket_schema > docs/reference/asyncapi.json"


def test_the_document_is_served(client: Client) -> None:
    answer = client.get("/api/schema/socket/")

    assert answer.status_code == 200
    assert json.loads(answer.content) == document()


def test_every_schema_is_one() -> None:
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_schema() -> None:
    assert set(RESULTS) == set(FIELDS)
    assert set(PARAMS) == {op for op, table in FIELDS.items() if "params" in table}


def test_no_message_of_an_account_is_missing() -> None:
    assert {f"`{shape.__struct_config__.tag}`" for shape in AccountMessage.__subclasses__()} <= set(ACCOUNT_TYPES)
    assert set(AccountMessage.__subclasses__()) <= set(EVENTS)


def test_every_reference_leads_somewhere() -> None:
    text = document_text()
    for path in re.findall(r'"#/([^"]+)"', text):
        found = document()
        for step in path.split("/"):
            found = found[step]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_what_is_said(example: str) -> None:
    message = json.loads(example)
    if "op" in message:
        request_check(message)
    else:
        message_check(message, op="subscribe")


@pytest.mark.parametrize("op", FIELDS)
def test_every_operation_is_described(op: str) -> None:
    assert f"| `{op}` |" in PAGE


def test_the_checksum_is_worked_as_written() -> None:
    text, said = re.findall(r"^(\S+\|\S+)\s+→\s+(\d+)$", PAGE, re.MULTILINE)[0]
    snapshot = next(json.loads(line) for line in EXAMPLES if '"snapshot"' in line)
    sides = (",".join(f"{price}:{quantity}" for price, quantity, _ in snapshot[side]) for side in ("bids", "asks"))

    assert text == "|".join(sides)
    assert zlib.crc32(text.encode()) == int(said) == snapshot["checksum"]
