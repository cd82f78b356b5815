"""Limits, on both databases and with real concurrency."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from apps.accounts.identity.attempt_limits import Wanted, places_return, places_take
from cift.errors.application import ApplicationError
from cift.ratelimits import Standing, address_counted
from tests.support.together import together

S = 10**9
AT = 1_700_000_000 * S


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.IDENTITIES = {**settings.IDENTITIES, "LIMITS": {"few": (5, 60), "many": (100, 60)}}


def take(who: str = "a", *, at: int = AT, limit: str = "few") -> Standing:
    return places_take((Wanted(limit, who),), at=at)


def taker(who: str) -> Callable[[int], Standing]:
    return lambda _: take(who)


def refused(who: str = "a", *, at: int = AT) -> dict[str, str]:
    with pytest.raises(ApplicationError) as caught:
        take(who, at=at)
    assert caught.value.code == "rate_limited"
    return caught.value.headers


def test_of_many_at_once_as_many_pass_as_there_is_room_for(databases: str) -> None:
    for who in ("x", "y", "z"):
        results = together(12, taker(who))

        assert sum(isinstance(result, Standing) for result in results) == 5
        assert {result.code for result in results if isinstance(result, ApplicationError)} == {"rate_limited"}


def test_a_full_limit_says_when_to_come_again_and_then_lets_in(databases: str) -> None:
    assert [take().remaining for _ in range(5)] == [4, 3, 2, 1, 0]

    headers = refused()

    assert headers == {
        "RateLimit-Policy": '"few";q=5;w=60',
        "RateLimit": '"few";r=0;t=60',
        "Retry-After": "12",
    }
    refused(at=AT + 11 * S)
    assert take(at=AT + 12 * S).remaining == 0
    refused(at=AT + 12 * S)
    assert take(at=AT + 80 * S).remaining == 4


def test_a_clock_that_is_set_back_locks_nobody_out(databases: str) -> None:
    for _ in range(5):
        take(at=AT + 3_600 * S)
    assert refused()["Retry-After"] == "12"
    assert take(at=AT + 12 * S).remaining == 0


def test_who_was_refused_waits_no_longer_for_having_tried(databases: str) -> None:
    for _ in range(5):
        take()
    for second in range(12):
        refused(at=AT + second * S)

    take(at=AT + 12 * S)


def test_a_place_given_back_is_free_again(databases: str) -> None:
    for _ in range(5):
        take()
    places_return((Wanted("few", "a"),))

    assert take().remaining == 0
    refused()


def test_one_is_not_held_up_by_another(sqlite: object) -> None:
    for _ in range(5):
        take("a")
    refused("a")

    assert take("b").remaining == 4


def test_the_tightest_of_several_limits_is_told(sqlite: object) -> None:
    standing = places_take((Wanted("many", "a"), Wanted("few", "a")), at=AT)

    assert standing.headers["RateLimit"] == '"few";r=4;t=12'


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("socket", "socket"),
    ],
)
def test_a_subscriber_counts_as_one_address(address: str, counted: str) -> None:
    assert address_counted(address) == counted
