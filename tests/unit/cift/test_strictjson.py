import pytest

from cift.errors.application import FIELDS_TOLD_MAX
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


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'{"id": 7, "price": 100.5}', [("price", "wrong_type")]),
        (b'{"id": 7, "a": {"b": [1, 2e3]}, "c": NaN}', [("a.b.1", "wrong_type"), ("c", "wrong_type")]),
        (b'{"id": 7, "n": 123456789012345678901}', [("n", "out_of_range")]),
        (b'{"id": 7, "n": 1, "n": 1}', [("n", "invalid")]),
        (b'{"id": 7, "t": "\\ud800"}', [("t", "malformed")]),
        (b'{"id": 7, "\\ud800": 1}', [("?", "malformed")]),
        (b'{"id": 7, "a":' + b"[" * 40 + b"1.5" + b"]" * 40 + b"}", [("a" + ".0" * 7, "wrong_type")]),
        (b'{"id": 7, "' + b"x" * 100 + b'": 0.5}', [("x" * 64, "wrong_type")]),
    ],
)
def test_a_fault_in_one_field_names_it_and_leaves_the_others_readable(
    body: bytes, faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(JsonInvalidError) as caught:
        json_parse(body)

    assert [(fault.field, fault.code) for fault in caught.value.errors] == faults
    assert caught.value.sound["id"] == 7
    assert not {name.split(".")[0] for name, _ in faults} & caught.value.sound.keys()


@pytest.mark.parametrize("body", [b'{"id": 1.5}', b'{"id": 7, "id": 7}', b'{"id": "\\udc00"}'])
def test_a_faulty_member_is_not_sound_itself(body: bytes) -> None:
    with pytest.raises(JsonInvalidError) as caught:
        json_parse(body)

    assert [fault.field for fault in caught.value.errors] == ["id"]
    assert caught.value.sound == {}


@pytest.mark.parametrize("body", [b'{"id": 7, "price": 1.5', b'{"a": 1.5, "b":' + b"[" * 100_000])
def test_what_is_no_json_besides_names_no_field(body: bytes) -> None:
    with pytest.raises(JsonInvalidError) as caught:
        json_parse(body)

    assert (caught.value.errors, caught.value.sound) == ((), {})


@pytest.mark.parametrize("fault", ["1.5", "NaN", "9" * 30, r'"\ud800"'])
def test_no_more_faults_are_looked_for_than_are_told(fault: str) -> None:
    flat = "{" + ",".join(f'"k{number}":{fault}' for number in range(1_000)) + "}"
    nested = f'{{"first":"sound","orders":[{",".join([fault] * 1_000)}]}}'

    for text in (flat, nested):
        with pytest.raises(JsonInvalidError) as raised:
            json_parse(text)
        assert len(raised.value.errors) == FIELDS_TOLD_MAX
    assert raised.value.sound == {"first": "sound"}
