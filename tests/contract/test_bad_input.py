"""What nobody should send: each line of the matrix is refused in its own words on every way, and leaves nothing."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.support.traders import Socket, Trader
from tests.support.venue import Venue, manage

ORDER = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}
AS_PROGRAM = {"Accept": "*/*"}
AS_BROWSER = {"Accept": "application/json, text/html;q=0.5"}
WAYS = {"programs": AS_PROGRAM, "django": AS_BROWSER}
DEEP = 20_000


def with_field(name: str, text: str) -> bytes:
    """Return an order's JSON with one member's value as it stands."""
    return json.dumps(ORDER | {name: "?"}).replace('"?"', text).encode()


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "only a number": b"1",
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "cut off": json.dumps(ORDER).encode()[:-1],
    "two documents": json.dumps(ORDER).encode() * 2,
    "a comma too many": b'{"symbol": "AAPL-USD",}',
    "a comment": b'{"symbol": "AAPL-USD" /* */}',
    "deep lists": b'{"symbol": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a wide list": b'{"symbol": [' + b"[]," * 15_000 + b"[]]}",
    "many members": b"{" + b",".join(b'"k%d":1' % n for n in range(4_000)) + b"}",
    "a key twice": b'{"symbol": "AAPL-USD", ' + json.dumps(ORDER).encode()[1:],
    "a key twice, escaped": b'{"s\\u0079mbol": "BTC-USD", ' + json.dumps(ORDER).encode()[1:],
    "NaN": with_field("price", "NaN"),
    "Infinity": with_field("price", "-Infinity"),
    "NaN in words": with_field("price", '"NaN"'),
    "infinity in words": with_field("quantity", '"Infinity"'),
    "a float": with_field("price", "180.0"),
    "a float without end": with_field("price", "1e400"),
    "an integer": with_field("price", "180"),
    "a long integer": with_field("price", "9" * 60_000),
    "a boolean": with_field("quantity", "true"),
    "an exponent": with_field("price", '"1.8e2"'),
    "a huge exponent": with_field("quantity", '"1e999999999"'),
    "many digits": with_field("quantity", '"' + "9" * 60_000 + '"'),
    "many zeros": with_field("quantity", '"' + "0" * 60_000 + '1"'),
    "many decimals": with_field("price", '"180.' + "0" * 60_000 + '1"'),
    "a plus sign": with_field("price", '"+180"'),
    "digits of another script": with_field("price", '"\u0661\u0668\u0660"'),
    "full-width digits": with_field("quantity", '"\uff11"'),
    "a thousands separator": with_field("price", '"1_80"'),
    "blanks around": with_field("price", '" 180"'),
    "NUL in an id": with_field("client_order_id", '"a\\u0000b"'),
    "a control in an id": with_field("client_order_id", '"a\\u0085b"'),
    "half a character in an id": with_field("client_order_id", '"\\ud800"'),
    "an empty id": with_field("client_order_id", '""'),
    "an id of 65 letters": with_field("client_order_id", '"' + "x" * 65 + '"'),
    "an id of 65 bytes": with_field("client_order_id", '"' + "\u00fc" * 33 + '"'),
    "an id that is the venue's": with_field("client_order_id", '"request/1"'),
    "an id that is a number": with_field("client_order_id", "7"),
    "a symbol of a megabyte's kind": with_field("symbol", '"' + "A" * 50_000 + '"'),
    "a symbol with NUL": with_field("symbol", '"AAPL\\u0000-USD"'),
    "a symbol in SQL": with_field("symbol", '"\'; DROP TABLE orders_order; --"'),
    "a member nobody knows": with_field("account", "4"),
    "a prototype": with_field("__proto__", "{}"),
    "another side": with_field("side", '"BUY"'),
    "bytes that are no UTF-8": b'{"symbol": "\xff\xfe"}',
    "UTF-16": json.dumps(ORDER).encode("utf-16"),
    "a byte order mark": json.dumps(ORDER).encode("utf-8-sig"),
}

REFUSED = {"invalid", "instrument_unknown"}

ANSWER_BYTES_MAX = 20_000
"""An answer does not grow with what was sent."""


@pytest.fixture(scope="module", autouse=True)
def clean(running_venue: Venue, sessions: tuple[Trader, Trader]) -> Iterator[None]:
    """Hold who sends all of this against the state before: no order, no event of the account, no balance moved."""
    before = standing(sessions[0])
    yield
    assert standing(sessions[0]) == before
    assert manage(running_venue, "audit").startswith("clean")


def standing(trader: Trader) -> tuple[Any, ...]:
    with trader.socket() as socket:
        sequence = socket.ask("subscribe", channel="account")["result"]["account_sequence"]
    return sequence, trader.call("GET", "balances/")[1], trader.call("GET", "orders/", params={"limit": "1"})[1]


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Read a problem, whole and of one shape."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == answer.status_code
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize("way", WAYS)
def test_a_body_nobody_should_send_is_refused_as_invalid(sessions: tuple[Trader, Trader], way: str) -> None:
    headers = {"Content-Type": "application/json", **WAYS[way]}
    for name, body in BODIES.items():
        answer = sessions[0].rest.post("orders/", content=body, headers=headers)
        told = (answer.status_code, problem(answer)["code"])
        assert told in {(400, "invalid"), (422, "instrument_unknown")}, (name, answer.text)
        assert len(answer.content) < ANSWER_BYTES_MAX, name


def test_the_same_by_socket_is_answered_and_the_socket_lives(sessions: tuple[Trader, Trader]) -> None:
    with sessions[0].socket() as socket:
        for name, body in BODIES.items():
            try:
                params = body.decode()
            except UnicodeDecodeError:
                continue  # a text frame that is no UTF-8 is the protocol's to refuse
            socket.send(f'{{"id": 1, "op": "order.submit", "params": {params}}}')
            answer = socket.answer()
            assert (answer["ok"], answer["error"]["code"] in REFUSED) == (False, True), (name, answer)
            assert len(json.dumps(answer)) < ANSWER_BYTES_MAX, name
        assert socket.ask("ping")["ok"]


FIELD_FAULTS = {
    "a float": ("price", "wrong_type"),
    "NaN": ("price", "wrong_type"),
    "a long integer": ("price", "out_of_range"),
    "a key twice": ("symbol", "invalid"),
    "half a character in an id": ("client_order_id", "malformed"),
}
"""What no JSON of the venue's may hold, and the one field that holds it."""


@pytest.mark.parametrize("name", FIELD_FAULTS)
def test_what_is_wrong_with_one_value_names_its_field(sessions: tuple[Trader, Trader], name: str) -> None:
    for way in WAYS.values():
        headers = {"Content-Type": "application/json", **way}
        told = problem(sessions[0].rest.post("orders/", content=BODIES[name], headers=headers))
        assert [(error["field"], error["code"]) for error in told["errors"]] == [FIELD_FAULTS[name]]
    with sessions[0].socket() as socket:
        socket.send(f'{{"id": 17, "op": "order.submit", "params": {BODIES[name].decode()}}}')
        answer = socket.answer()
    assert answer["id"] == 17
    assert [(error["field"], error["code"]) for error in answer["error"]["errors"]] == [FIELD_FAULTS[name]]


MEDIA_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/xml",
    "application/json5",
    "json",
    "/",
]


@pytest.mark.parametrize("way", WAYS)
def test_another_media_type_is_not_guessed_at(sessions: tuple[Trader, Trader], way: str) -> None:
    for media_type in MEDIA_TYPES:
        headers = {**WAYS[way], "Content-Type": media_type}
        answer = sessions[0].rest.post("orders/", content=json.dumps(ORDER), headers=headers)
        assert (answer.status_code, problem(answer)["code"]) == (415, "unsupported_media_type"), media_type


@pytest.mark.parametrize("way", WAYS)
def test_a_method_that_is_not_there_is_refused(sessions: tuple[Trader, Trader], way: str) -> None:
    for method, path in (("PUT", "orders/"), ("PATCH", "orders/"), ("POST", "balances/"), ("TRACE", "orders/")):
        answer = sessions[0].rest.request(method, path, headers=WAYS[way])
        assert (answer.status_code, problem(answer)["code"]) == (405, "method_not_allowed"), (method, path)


# --- tokens ---------------------------------------------------------------------------------------------------------


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{segment(hmac.digest(key.encode(), text.encode(), hashlib.sha256))}"


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


HS256 = {"alg": "HS256", "typ": "JWT"}

FORGED: dict[str, Callable[[dict[str, Any], str, str], str]] = {
    "one letter": lambda _claims, _key, _token: "x",
    "no signature asked for": lambda claims, _key, _token: f"{segment({'alg': 'none'})}.{segment(claims)}.",
    "none in other letters": lambda claims, key, _token: signed({"alg": "NoNe"}, claims, key),
    "another key": lambda claims, _key, _token: signed(HS256, claims, "x" * 48),
    "an empty key": lambda claims, _key, _token: signed(HS256, claims, ""),
    "another algorithm named": lambda claims, key, _token: signed({"alg": "HS512"}, claims, key),
    "a public key's algorithm": lambda claims, key, _token: signed({"alg": "RS256"}, claims, key),
    "a key the token names": lambda claims, _key, _token: signed({**HS256, "kid": "/dev/null"}, claims, ""),
    "expired": lambda claims, key, _token: signed(HS256, {**claims, "exp": int(time.time()) - 1}, key),
    "a refresh token's kind": lambda claims, key, _token: signed(HS256, {**claims, "type": "refresh"}, key),
    "another issuer": lambda claims, key, _token: signed(HS256, {**claims, "iss": "else"}, key),
    "another user's": lambda claims, key, _token: signed(HS256, {**claims, "sub": "1000000"}, key),
    "a user in words": lambda claims, key, _token: signed(HS256, {**claims, "sub": "1 OR 1=1"}, key),
    "a family nobody has": lambda claims, key, _token: signed(HS256, {**claims, "sid": 2**62}, key),
    "a claim left out": lambda claims, key, _token: signed(HS256, {k: claims[k] for k in claims if k != "exp"}, key),
    "a signature cut short": lambda _claims, _key, token: token[:-2],
    "claims that are no object": lambda _claims, key, _token: signed(HS256, [], key),  # type: ignore[arg-type]
    "not base64": lambda _claims, _key, _token: "a.b.c",
    "long": lambda _claims, _key, _token: "x" * 6_000,
}


@pytest.fixture(scope="module")
def tokens_key(running_venue: Venue) -> str:
    key: str = json.loads((Path(running_venue.folder) / "secrets.json").read_text())["tokens"]
    return key


def test_the_key_of_the_forgeries_is_the_venue_s(sessions: tuple[Trader, Trader], tokens_key: str) -> None:
    token = sessions[0].token
    again = signed(HS256, claims_of(token), tokens_key)

    assert httpx.get(sessions[0].base + "account/", headers={"Authorization": f"Bearer {again}"}).status_code == 200


@pytest.mark.parametrize("name", FORGED)
def test_a_token_that_is_not_the_venue_s_lets_nobody_in(
    sessions: tuple[Trader, Trader], tokens_key: str, name: str
) -> None:
    token = FORGED[name](claims_of(sessions[0].token), tokens_key, sessions[0].token)
    for way in WAYS.values():
        headers = {"Authorization": f"Bearer {token}", **way}
        for method, path in (("POST", "orders/"), ("GET", "account/")):
            answer = httpx.request(
                method, sessions[0].base + path, headers=headers, json=ORDER if "P" in method else None
            )
            assert (answer.status_code, problem(answer)["code"]) == (401, "unauthenticated"), (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    with connect(sessions[0].socket_url) as connection:
        socket = Socket(connection)
        socket.send(json.dumps({"id": 1, "op": "authenticate", "token": token}))
        if name == "long":
            assert socket.answer()["error"]["code"] == "invalid"
        else:
            assert socket.close_code() == 4001
    with connect(sessions[0].socket_url, additional_headers={"Authorization": f"Bearer {token}"}) as connection:
        assert Socket(connection).close_code() == 4001


# --- what is another's ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_another_s_order_is_answered_like_one_that_never_was(traders: tuple[Trader, Trader], way: str) -> None:
    mine, other = traders
    theirs = other.submit(**ORDER)
    never = str((1 << 40) + 5)
    for method, suffix, body in (
        ("GET", "", None),
        ("GET", "events/", None),
        ("PATCH", "", {"quantity": "2"}),
        ("DELETE", "", None),
    ):
        answers = [
            mine.rest.request(method, f"orders/{each}/{suffix}", headers=WAYS[way], json=body)
            for each in (theirs["id"], never)
        ]
        told = [{k: v for k, v in problem(answer).items() if k != "request_id"} for answer in answers]
        assert told[0] == told[1], (method, suffix)
        assert (answers[0].status_code, told[0]["code"]) == (404, "not_found")
    missing = [
        mine.rest.get(f"orders/by-client-order-id/{each}/", headers=WAYS[way]).json()["code"]
        for each in (theirs["client_order_id"], "never-was")
    ]
    assert missing == ["not_found", "not_found"]
    assert other.call("GET", f"orders/{theirs['id']}/")[1]["status"] == "new"


def test_the_same_by_socket(traders: tuple[Trader, Trader]) -> None:
    mine, other = traders
    theirs = other.submit(**ORDER)
    with mine.socket() as socket:
        for op, params in (("order.amend", {"quantity": "2"}), ("order.cancel", {})):
            errors = [
                socket.ask(op, params={"id": each, **params})["error"] for each in (theirs["id"], str((1 << 40) + 5))
            ]
            assert errors[0] == errors[1]
            assert errors[0]["code"] == "not_found"
    assert other.call("GET", f"orders/{theirs['id']}/")[1]["status"] == "new"


PATHS = [
    "orders/0/",
    "orders/-1/",
    "orders/1e3/",
    "orders/99999999999999999999999999/",
    "orders/%00/",
    "orders/%2e%2e/",
    "orders/by-client-order-id/%00/",
    "orders/by-client-order-id/%ff/",
    "orders/by-client-order-id/" + "x" * 65 + "/",
    "instruments/%00/",
    "instruments/../../admin/",
    "instruments/AAPL-USD%0d%0aX: y/book/",
    "no/such/thing/",
    "%",
]


@pytest.mark.parametrize("way", WAYS)
def test_an_address_of_nothing_is_not_found(sessions: tuple[Trader, Trader], way: str) -> None:
    for path in PATHS:
        answer = sessions[0].rest.get(path, headers=WAYS[way])
        assert answer.status_code in (400, 404), (path, answer.text)
        assert problem(answer)["code"] in ("not_found", "invalid", "instrument_unknown"), path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/static/../manage.py", 404),
        ("GET", "/static/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/static//etc/passwd", 404),
        ("GET", "/static/%00", 404),
        ("GET", "/static/no-such.css", 404),
        ("PUT", "/static/cift/api.css", 405),
        ("GET", "/static/cift/api.css", 200),
    ],
)
def test_a_file_s_address_leads_to_files_of_the_venue_alone(
    running_venue: Venue, method: str, path: str, status: int
) -> None:
    # By hand: a client would tidy the path.
    with create_connection(("127.0.0.1", running_venue.port), timeout=30) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{running_venue.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b"")).lower()

    assert answer.startswith(f"http/1.1 {status} ".encode())
    assert b"x-request-id: " in answer
    assert b"x-content-type-options: nosniff" in answer
    assert (b"application/problem+json" in answer) is (status != 200)
    assert (b"allow: get, head" in answer) is (status == 405)
