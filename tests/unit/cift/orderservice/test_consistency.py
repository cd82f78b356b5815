import base64
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from cift.errors.application import ApplicationError
from cift.orderservice.consistency import WAITS_MAX, WAITS_OF_ONE_MAX, JournalPlace, place_of, token_of, waiting


def opaque(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def refused(token: str) -> bool:
    with pytest.raises(ApplicationError) as caught:
        place_of(token)
    return [(error.field, error.code) for error in caught.value.errors] == [("at_least", "malformed")]


def test_a_token_names_its_place() -> None:
    place = JournalPlace(shard=0, number=123_456_789)

    assert place_of(token_of(place)) == place


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "MC4",
        "é",
        "A" * 1_000,
        token_of(JournalPlace(0, 2**63)),
        "MC4x.==",
        opaque(b"0.17"),
        opaque(b"0.17." + b"0" * 16),
        opaque(b"0.17."),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        place_of(token)

    assert caught.value.code == "invalid"


def test_a_tag_is_of_one_place_and_of_one_venue_s_key(settings: Settings) -> None:
    ours = token_of(JournalPlace(shard=0, number=17))
    named, _, tag = base64.urlsafe_b64decode(ours + "=" * (-len(ours) % 4)).rpartition(b".")
    assert named == b"0.17"

    assert refused(opaque(b"0.18." + tag))
    assert refused(opaque(b"1.17." + tag))
    assert refused(opaque(named + b"." + tag[:-1]))
    settings.SECRET_KEY = "another venue's, as long as ours is: 0123456789"
    assert refused(ours)


def code_of(account: int | None) -> str:
    with pytest.raises(ApplicationError) as caught, waiting(account):
        pass
    return caught.value.code


def test_only_so_many_reads_wait_at_a_time_and_nobody_takes_the_places_of_others() -> None:
    with ExitStack() as places:
        for _ in range(WAITS_OF_ONE_MAX):
            places.enter_context(waiting(3))
        assert code_of(3) == "projection_behind"
        for _ in range(WAITS_MAX // 2):
            places.enter_context(waiting(None))
        assert code_of(None) == "projection_behind"
        for number in range(WAITS_MAX // 2 - WAITS_OF_ONE_MAX):
            places.enter_context(waiting(4 + number))
        assert code_of(1_000) == "projection_behind"
    for account in (3, None, 1_000):
        with waiting(account):
            pass
