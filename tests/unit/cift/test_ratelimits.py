from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pytest_django import Settings

from cift.env import EnvironmentVariableError
from cift.errors.application import ApplicationError
from cift.ratelimits import RateLimits, Standing, tighter
from cift.settings.ratelimits import EMBEDDED, PRODUCTION, rate_limits

THREADS = 16
T0 = 1_000_000_000_000


@pytest.fixture
def limits(settings: Settings) -> RateLimits:
    """Ten in a minute, and a clock that stands still."""
    settings.RATE_LIMITS = {"few": (10, 60), "one": (1, 60)}
    return RateLimits(marks_max=4, clock=lambda: T0)


def refusal(limits: RateLimits, limit: str, who: str, weight: int = 1) -> ApplicationError:
    with pytest.raises(ApplicationError) as raised:
        limits.take(limit, who, weight=weight)
    return raised.value


def test_of_many_at_once_as_many_pass_as_there_is_room_for(limits: RateLimits) -> None:
    together = Barrier(THREADS)

    def attempt(_number: int) -> bool:
        together.wait()
        try:
            limits.take("few", "somebody")
        except ApplicationError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as threads:
        assert sum(threads.map(attempt, range(THREADS))) == 10


def test_who_has_no_place_is_told_when_to_come_again(limits: RateLimits) -> None:
    standings = [limits.take("few", "somebody") for _ in range(10)]

    assert [standing.remaining for standing in standings] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    error = refusal(limits, "few", "somebody")
    assert (error.code, error.status, error.extra) == ("rate_limited", 429, {"retry_after": 6})
    assert error.headers == {
        "RateLimit-Policy": '"few";q=10;w=60',
        "RateLimit": '"few";r=0;t=60',
        "Retry-After": "6",
    }
    assert limits.take("few", "somebody else").remaining == 9


def test_places_come_back_with_time(settings: Settings) -> None:
    settings.RATE_LIMITS = {"one": (1, 60)}
    now = [T0]
    limits = RateLimits(clock=lambda: now[0])
    limits.take("one", "somebody")
    assert refusal(limits, "one", "somebody").headers["Retry-After"] == "60"

    now[0] += 60 * 1_000_000_000
    assert limits.take("one", "somebody").wait_s == 0


def test_a_batch_takes_a_place_for_each_command_or_none(limits: RateLimits) -> None:
    limits.take("few", "somebody", weight=8)
    refusal(limits, "few", "somebody", weight=3)

    assert limits.take("few", "somebody", weight=2).remaining == 0
    # More than a window holds takes a window whole.
    assert limits.take("few", "another", weight=1_000).remaining == 0


def test_memory_is_bounded_and_who_was_not_seen_longest_leaves(limits: RateLimits) -> None:
    for who in "abcda":
        limits.take("few", who)
    limits.take("few", "e")

    assert len(limits) == 4
    assert limits.take("few", "a").remaining == 7
    assert limits.take("few", "b").remaining == 9


def test_the_limit_with_less_room_is_told() -> None:
    roomy = Standing("roomy", 100, 1, 50, 1, 0)
    tight = Standing("tight", 10, 1, 1, 1, 0)

    assert tighter(roomy, tight) is tighter(tight, roomy) is tight
    assert tighter(roomy, None) is roomy


def test_limits_are_changed_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFT_RATE_LIMITS", "orders-account=7/2, auth-address=30/60")

    assert rate_limits(PRODUCTION) == {**PRODUCTION, "orders-account": (7, 2), "auth-address": (30, 60)}
    assert set(EMBEDDED) == set(PRODUCTION)


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 500])
def test_all_web_processes_together_grant_no_more_than_a_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setenv("CIFT_WEB_PROCESSES", str(processes))
    monkeypatch.setenv("CIFT_RATE_LIMITS", "orders-account=500/1")
    settings.RATE_LIMITS = rate_limits(PRODUCTION)
    share = 500 // processes

    granted = 0
    for process in [RateLimits(clock=lambda: T0) for _ in range(processes)]:
        standing = process.take("orders-account", "somebody")
        assert standing.headers["RateLimit-Policy"] == f'"orders-account";q={share};w=1'
        granted += 1
        while standing.remaining:
            standing = process.take("orders-account", "somebody")
            granted += 1
        refusal(process, "orders-account", "somebody")

    assert 500 - processes < granted == share * processes <= 500


def test_a_process_grants_one_request_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFT_WEB_PROCESSES", "300")

    limits = rate_limits(PRODUCTION)

    assert limits["auth-address"] == (1, 60)
    assert limits["orders-account"] == (1, 1)
    assert limits["orders-address"] == (6, 1)


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many", "1001"])
def test_a_number_of_web_processes_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CIFT_WEB_PROCESSES", given)

    with pytest.raises(EnvironmentVariableError, match="CIFT_WEB_PROCESSES"):
        rate_limits(EMBEDDED)


@pytest.mark.parametrize("given", ["orders=7/2", "orders-account=0/1", "orders-account=7", "orders-account=7/x"])
def test_a_limit_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CIFT_RATE_LIMITS", given)

    with pytest.raises(EnvironmentVariableError, match="CIFT_RATE_LIMITS"):
        rate_limits(EMBEDDED)
