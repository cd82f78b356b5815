"""What has run out leaves the tables, on both databases; what has not stays."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.identity.attempt_limits import Wanted, places_take
from apps.accounts.identity.sessions import families_alive, family_end, family_rotate, family_start
from apps.accounts.identity.sweeping import BATCH_ROWS, identities_sweep
from apps.accounts.identity.tickets import ticket_make, ticket_redeem
from apps.accounts.identity.tokens import Claims, TokenInvalidError
from apps.accounts.models import RateMark, SocketTicket, TokenFamily, User
from cift.times import clock_ns

S = 10**9
DAY = 24 * 3600 * S
NOBODY_GONE = dict.fromkeys(
    ("accounts.TokenFamily", "accounts.SocketTicket", "accounts.RateMark", "sessions.Session", "accounts.User"), 0
)


@pytest.fixture
def user(databases: str) -> User:
    return User.objects.create_user("trader@example.com", "Correct horse battery")


def test_what_has_run_out_leaves_and_what_has_not_stays(user: User) -> None:
    at = clock_ns()
    out = family_start(user, at=at - 15 * DAY, address="")
    ended = family_start(user, at=at - 2 * DAY, address="")
    family_end(ended.pk, at=at - 2 * DAY, reason="logout")
    ended_today = family_start(user, at=at, address="")
    family_end(ended_today.pk, at=at - 3600 * S, reason="logout")
    alive = family_start(user, at=at - 13 * DAY, address="")
    old, fresh = ticket_make(alive, at=at - 31 * S), ticket_make(alive, at=at)
    ticket_make(out, at=at)
    places_take((Wanted("login-address", "old"),), at=at - 3600 * S)
    places_take((Wanted("login-address", "new"),), at=at)
    for key, hours in (("past", -1), ("future", 1)):
        Session.objects.create(session_key=key, expire_date=timezone.now() + timedelta(hours=hours))

    gone = identities_sweep(at=at)

    assert gone == NOBODY_GONE | {
        "accounts.TokenFamily": 2, "accounts.SocketTicket": 1, "accounts.RateMark": 1, "sessions.Session": 1
    }  # fmt: skip
    assert set(TokenFamily.objects.values_list("pk", flat=True)) == {ended_today.pk, alive.pk}
    assert families_alive([alive.pk], at=at) == {alive.pk}
    assert SocketTicket.objects.count() == RateMark.objects.count() == 1
    assert [session.session_key for session in Session.objects.all()] == ["future"]
    assert ticket_redeem(fresh, at=at).family == alive.pk
    with pytest.raises(TokenInvalidError):
        ticket_redeem(old, at=at)
    for family in (out, ended):
        with pytest.raises(TokenInvalidError):
            family_rotate(Claims(user=user.pk, family=family.pk, generation=1), at=at)
    assert identities_sweep(at=at) == NOBODY_GONE


def test_a_sweep_takes_a_batch_of_each_kind_at_most(user: User) -> None:
    at = clock_ns()
    RateMark.objects.bulk_create(RateMark(key=f"k{n}", ahead_until=at - S) for n in range(BATCH_ROWS + 3))

    assert [identities_sweep(at=at)["accounts.RateMark"] for _ in range(3)] == [BATCH_ROWS, 3, 0]


def test_registrations_that_were_not_confirmed_leave_where_addresses_are_confirmed(
    user: User, settings: Settings
) -> None:
    long_ago = timezone.now() - timedelta(days=8)
    User.objects.create_user("stale@example.com", "x", email_confirmed=False, opening_due=True, created_at=long_ago)
    User.objects.create_user("fresh@example.com", "x", email_confirmed=False, opening_due=True)
    assert identities_sweep(at=clock_ns()) == NOBODY_GONE

    settings.IDENTITIES = {**settings.IDENTITIES, "CONFIRM_EMAIL": True}

    assert identities_sweep(at=clock_ns())["accounts.User"] == 1
    assert set(User.objects.values_list("email", flat=True)) == {"trader@example.com", "fresh@example.com"}
