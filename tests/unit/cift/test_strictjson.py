import pytest

from cift.strictjson import JsonInvalidError, json_parse


def test_plain_json_is_read() -> None:
    assert json_parse(b'{"a": [1, "x", true, null], "b": {"c": -5}}') == {"a": [1, "x", True, None], "b": {"c": -5}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1} x',
        b"{'a': 1}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1.5",
        b"1e5",
        b'{"a": 0.1}',
        b"1" * 1_000_000,
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'"\xff"',
        b'"\x00"',
    ],
)
def test_what_is_no_json_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(JsonInvalidError):
        json_parse(body)
