import pytest

from cift.errors.application import ApplicationError
from cift.orderservice.consistency import JournalPlace, place_of, token_of


def test_a_token_names_its_place() -> None:
    place = JournalPlace(shard=0, number=123_456_789)

    assert place_of(token_of(place)) == place


@pytest.mark.parametrize("token", ["", "x", "MC4", "é", "A" * 1_000, token_of(JournalPlace(0, 2**63)), "MC4x.=="])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        place_of(token)

    assert caught.value.code == "invalid"
