"""Logins, on both databases and with real concurrency."""

from collections.abc import Callable

import pytest

from apps.accounts.identity.sessions import (
    Principal,
    Tokens,
    access_family,
    families_alive,
    family_end,
    family_rotate,
    family_start,
    tokens_issue,
    user_deactivate,
    user_sessions_end,
)
from apps.accounts.identity.tickets import ticket_make, ticket_redeem
from apps.accounts.identity.tokens import Claims, TokenInvalidError, TokenKind, token_read
from apps.accounts.models import TokenFamily, User
from cift.times import clock_ns
from tests.support.together import together

AT_ONCE = 8


@pytest.fixture
def user(databases: str) -> User:
    return User.objects.create_user("trader@example.com", "Correct horse battery")


def login(user: User) -> Tokens:
    return tokens_issue(family_start(user, at=clock_ns(), address="192.0.2.1"), at=clock_ns())


def refresh(tokens: Tokens, *, later_s: int = 0) -> Tokens:
    return family_rotate(token_read(tokens.refresh, TokenKind.REFRESH), at=clock_ns() + later_s * 10**9)


def refresher(tokens: Tokens) -> Callable[[int], Tokens]:
    return lambda _: refresh(tokens)


def redeemer(ticket: str) -> Callable[[int], Principal]:
    return lambda _: ticket_redeem(ticket, at=clock_ns())


def lets_in(tokens: Tokens) -> bool:
    try:
        access_family(tokens.access, at=clock_ns())
    except TokenInvalidError:
        return False
    return True


def family_of(tokens: Tokens) -> TokenFamily:
    return TokenFamily.objects.get(pk=token_read(tokens.refresh, TokenKind.REFRESH).family)


def test_a_refresh_token_used_by_eight_at_once_has_one_successor_that_all_eight_are_given(user: User) -> None:
    for _ in range(5):
        tokens = login(user)
        results = together(AT_ONCE, refresher(tokens))

        (successor,) = set(results)
        assert isinstance(successor, Tokens)
        assert family_of(tokens).generation == 2
        assert lets_in(successor)
        assert refresh(successor).refresh != successor.refresh


def test_a_used_refresh_token_gives_its_successor_again_for_ten_seconds_and_then_ends_its_family(user: User) -> None:
    first, other = login(user), login(user)
    second = refresh(first)

    assert refresh(first, later_s=9) == second
    assert lets_in(second)
    with pytest.raises(TokenInvalidError):
        refresh(first, later_s=11)

    assert not lets_in(second)
    with pytest.raises(TokenInvalidError):
        refresh(second)
    assert family_of(first).end_reason == "token_reused"
    assert lets_in(other)


def test_a_refresh_token_seen_again_once_its_successor_was_used_ends_its_family_at_once(user: User) -> None:
    first = login(user)
    other = login(user)
    third = refresh(refresh(first))

    with pytest.raises(TokenInvalidError):
        refresh(first)

    assert not lets_in(third)
    with pytest.raises(TokenInvalidError):
        refresh(third)
    assert family_of(first).end_reason == "token_reused"
    assert lets_in(other)


def test_a_successor_is_not_given_again_to_a_login_that_has_ended(user: User) -> None:
    first, second = login(user), login(user)
    refresh(first)
    refresh(second)

    family_end(family_of(first).pk, at=clock_ns(), reason="logout")
    with pytest.raises(TokenInvalidError):
        refresh(first)
    user_sessions_end(user)
    with pytest.raises(TokenInvalidError):
        refresh(second)


def test_tokens_go_on_from_generation_to_generation(user: User) -> None:
    tokens = login(user)
    for generation in range(2, 5):
        tokens = refresh(tokens)
        assert token_read(tokens.refresh, TokenKind.REFRESH).generation == generation
        assert lets_in(tokens)


def test_logging_out_ends_one_login(user: User) -> None:
    one, other = login(user), login(user)

    assert family_end(token_read(one.access, TokenKind.ACCESS).family, at=clock_ns(), reason="logout")

    assert not lets_in(one)
    assert lets_in(other)
    with pytest.raises(TokenInvalidError):
        refresh(one)


def test_logging_out_everywhere_ends_all_logins_and_lets_new_ones_in(user: User) -> None:
    before = [login(user), login(user)]

    user_sessions_end(user)

    assert not any(lets_in(tokens) for tokens in before)
    assert lets_in(login(user))


@pytest.mark.parametrize("how", ["saved whole", "saved in part"])
def test_a_new_password_ends_all_logins_however_it_is_saved(user: User, how: str) -> None:
    tokens = login(user)

    user.set_password("Another long password")
    user.save(update_fields=["password"] if how == "saved in part" else None)

    assert not lets_in(tokens)
    with pytest.raises(TokenInvalidError):
        refresh(tokens)


def test_deactivation_ends_all_logins_and_coming_back_revives_none(user: User) -> None:
    tokens = login(user)

    user_deactivate(user)
    assert not lets_in(tokens)
    user.is_active = True
    user.save()

    assert not lets_in(tokens)
    assert lets_in(login(user))


def test_a_user_made_inactive_behind_the_services_back_is_out_too(user: User) -> None:
    tokens = login(user)

    User.objects.filter(pk=user.pk).update(is_active=False)

    assert not lets_in(tokens)


def test_a_login_under_way_while_all_logins_end_is_born_dead(user: User) -> None:
    checked = User.objects.get(pk=user.pk)
    user_sessions_end(user)

    assert not lets_in(login(checked))


def test_a_refresh_under_way_while_all_logins_end_gives_nothing_that_lets_in(user: User) -> None:
    tokens = login(user)

    def both(number: int) -> Tokens | None:
        if number:
            return refresh(tokens)
        user_sessions_end(user)
        return None

    results = together(2, both)

    assert not any(isinstance(result, Tokens) and lets_in(result) for result in results)


def test_a_family_runs_out(user: User) -> None:
    family = family_start(user, at=clock_ns() - 15 * 24 * 3600 * 10**9, address="")

    assert families_alive([family.pk], at=clock_ns()) == set()


def test_a_token_of_another_user_s_family_lets_nobody_in(user: User) -> None:
    other = User.objects.create_user("other@example.com", "Correct horse battery")
    family = family_start(other, at=clock_ns(), address="")

    with pytest.raises(TokenInvalidError):
        family_rotate(Claims(user=user.pk, family=family.pk, generation=1), at=clock_ns())


def test_a_ticket_redeemed_by_eight_at_once_opens_one_socket(user: User) -> None:
    for _ in range(5):
        ticket = ticket_make(family_start(user, at=clock_ns(), address=""), at=clock_ns())

        results = together(AT_ONCE, redeemer(ticket))

        assert sum(not isinstance(result, Exception) for result in results) == 1
        assert sum(isinstance(result, TokenInvalidError) for result in results) == AT_ONCE - 1


def test_a_ticket_runs_out_and_dies_with_its_login(user: User) -> None:
    family = family_start(user, at=clock_ns(), address="")
    late = ticket_make(family, at=clock_ns() - 31 * 10**9)
    with pytest.raises(TokenInvalidError):
        ticket_redeem(late, at=clock_ns())

    ticket = ticket_make(family, at=clock_ns())
    family_end(family.pk, at=clock_ns(), reason="logout")
    with pytest.raises(TokenInvalidError):
        ticket_redeem(ticket, at=clock_ns())
