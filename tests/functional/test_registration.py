"""Registering where things go wrong: interrupted, without an order service, and where addresses are confirmed."""

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.venue import Venue, manage, venue_open
from tests.support.webprocess import web_process

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with venue_open(tmp_path_factory.mktemp("venue") / "var", WEB_SERVER=request.param) as opened:
        yield opened


def post(port: int, path: str, **body: str) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/{path}", json=body, timeout=30)


def database(venue: Venue, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(venue.folder / "db.sqlite3", timeout=10)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def register_interrupted(venue: Venue, email: str) -> int:
    """Leave what a crash right behind the user's row leaves: somebody made ten minutes ago who has no account yet."""
    assert post(venue.port, "auth/register/", email=f"twin-of-{email}", password=PASSWORD).status_code == 201
    database(
        venue,
        """
        INSERT INTO accounts_user (email, password, is_staff, is_superuser, is_active, created_at, session_version,
            email_confirmed, opening_due)
        SELECT ?, password, is_staff, is_superuser, is_active, '2026-01-01 00:00:00', 7, 0, 1 FROM accounts_user
        WHERE email = ?
        """,
        email,
        f"twin-of-{email}",
    )
    return int(database(venue, "SELECT id FROM accounts_user WHERE email = ?", email)[0][0])


def accounts(venue: Venue, user: int) -> list[tuple[Any, ...]]:
    """Return a user's accounts, each with its dollars; waits for the tables."""
    wanted = """
        SELECT a.id, sum(l.amount) FROM accounts_account a JOIN accounts_ledgerentry l ON l.account_id = a.id
        JOIN marketdata_asset s ON s.id = l.asset_id WHERE a.owner_id = ? AND s.symbol = 'USD' GROUP BY a.id
    """
    give_up_at = time.monotonic() + 10
    while not (found := database(venue, wanted, user)) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return found


def test_an_interrupted_registration_is_completed_at_the_next_login(venue: Venue) -> None:
    user = register_interrupted(venue, "login@example.com")

    assert post(venue.port, "auth/token/", email="login@example.com", password=PASSWORD).status_code == 200

    assert [total for _, total in accounts(venue, user)] == [10**12]
    assert database(venue, "SELECT opening_due FROM accounts_user WHERE id = ?", user) == [(0,)]


def test_an_interrupted_registration_is_completed_by_registering_again(venue: Venue) -> None:
    user = register_interrupted(venue, "again@example.com")

    other = post(venue.port, "auth/register/", email="again@example.com", password="another password")
    same = post(venue.port, "auth/register/", email="again@example.com", password=PASSWORD)

    assert (other.status_code, same.status_code) == (409, 201)
    assert [str(account) for account, _ in accounts(venue, user)] == [same.json()["account"]]


def test_interrupted_registrations_are_completed_by_a_command_once(venue: Venue) -> None:
    users = [register_interrupted(venue, f"{n}-swept@example.com") for n in range(3)]

    # The venue does the same from time to time, so some may be done already.
    assert manage(venue, "complete_registrations").endswith(" completed, 0 removed")
    assert manage(venue, "complete_registrations") == "0 completed, 0 removed"

    assert [[total for _, total in accounts(venue, user)] for user in users] == [[10**12]] * 3


def test_a_start_completes_what_was_interrupted(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("restarted") / "var"
    with venue_open(folder) as first:
        user = register_interrupted(first, "left@example.com")
    with venue_open(folder) as second:
        assert [total for _, total in accounts(second, user)] == [10**12]


def test_without_an_order_service_nobody_is_registered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("stopped") / "var"
    with venue_open(folder) as stopped:
        pass
    with web_process(stopped) as web:
        answer = post(web.port, "auth/register/", email="early@example.com", password=PASSWORD)

    assert (answer.status_code, answer.json()["code"]) == (503, "venue_unavailable")
    assert database(stopped, "SELECT * FROM accounts_user WHERE email = 'early@example.com'") == []
