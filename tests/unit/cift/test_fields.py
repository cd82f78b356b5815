from cift.errors.application import FIELDS_TOLD_MAX, FieldError
from cift.fields import Field, boolean, choice, decimal, fields_read, moment, number, text

TABLE = {
    "name": Field(text(r"[a-z]+", length_max=5), required=True),
    "side": Field(choice({"buy": 0, "sell": 1})),
    "flag": Field(boolean, default=False),
    "price": Field(decimal),
    "id": Field(number),
    "at": Field(moment),
}


def read(given: object) -> tuple[dict[str, object], list[tuple[str, str]]]:
    errors: list[FieldError] = []
    found = fields_read(given, TABLE, errors)
    return found, [(error.field, error.code) for error in errors]


def test_good_fields_are_read_and_the_rest_has_its_default() -> None:
    found, errors = read({"name": "abc", "side": "sell", "price": "1.50", "id": "42", "at": "1970-01-01T00:00:01Z"})

    assert errors == []
    assert found == {"name": "abc", "side": 1, "flag": False, "price": "1.50", "id": 42, "at": 1_000_000_000}


def test_null_is_the_same_as_leaving_out() -> None:
    assert read({"name": None, "flag": None})[1] == [("name", "required")]


def test_every_fault_is_told_at_once() -> None:
    _, errors = read(
        {"name": "toolong", "side": "up", "flag": 1, "price": 1, "id": "0", "at": "soon", "more": 1, "é" * 100: 1}
    )

    assert errors == [
        ("name", "out_of_range"),
        ("side", "not_a_choice"),
        ("flag", "wrong_type"),
        ("price", "wrong_type"),
        ("id", "malformed"),
        ("at", "malformed"),
        ("more", "unknown_field"),
        ("?" * 64, "unknown_field"),
    ]


def test_what_is_no_object_has_no_fields() -> None:
    nothing: tuple[object, ...] = ([], "x", 1, None)
    for given in nothing:
        assert read(given)[1] == [("", "wrong_type")]


def test_a_pattern_holds_to_the_very_end() -> None:
    assert read({"name": "abc\n"})[1] == [("name", "malformed")]


def test_an_id_fits_the_wire() -> None:
    assert read({"name": "a", "id": str(2**62)})[1] == []
    assert read({"name": "a", "id": str(2**63)})[1] == [("id", "malformed")]


def test_no_more_unknown_fields_are_told_than_an_answer_names() -> None:
    errors: list[FieldError] = []
    fields_read({f"k{number}": 1 for number in range(1_000)}, {}, errors)

    assert len(errors) == FIELDS_TOLD_MAX
