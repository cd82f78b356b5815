"""A database that another holds is told as such, whoever is asked; a statement that is wrong is a fault of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import AsyncClient, Client

from apps.accounts.identity.sessions import family_start, tokens_issue
from apps.accounts.models import User
from cift.processes.threads import database_call, threads_end
from cift.times import clock_ns

PASSWORD = "Correct horse battery"
LOGIN = {"email": "operator@example.com", "password": PASSWORD}
PAGES = ["/admin/", "/account/second-factor/"]
READS = ["/api/v1/balances/", "/api/v1/orders/", "/api/v1/instruments/"]


@pytest.fixture
def user(sqlite: Path) -> User:
    return User.objects.create_superuser(LOGIN["email"], PASSWORD)


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@contextmanager
def held(folder: Path, monkeypatch: pytest.MonkeyPatch, *, reads: bool = True) -> Iterator[None]:
    """Hold the database as another process may: against writers, and where `reads` against readers too."""
    monkeypatch.setitem(connections.settings["default"]["OPTIONS"], "timeout", 0.05)
    threads_end()
    connections.close_all()
    del connections["default"]
    with closing(sqlite3.connect(folder / "db.sqlite3", isolation_level=None)) as other:
        if reads:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE accounts_user SET is_active = is_active")
        yield


def told(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", [*READS, *PAGES])
def test_a_read_by_a_session_is_told(sqlite: Path, browser: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with held(sqlite, monkeypatch):
        assert told(browser.get(path, headers={"Accept": "application/json"})) == (503, "database_busy")

    assert browser.get(path).status_code != 500


def test_a_login_is_told(sqlite: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    form = {"username": LOGIN["email"], "password": PASSWORD}
    with held(sqlite, monkeypatch, reads=False):
        assert told(client.post("/api/v1/auth/token/", LOGIN, content_type="application/json")) == (
            503,
            "database_busy",
        )
        assert told(client.post("/api/login/login/", form)) == (503, "database_busy")
        assert told(client.post("/admin/login/", form)) == (503, "database_busy")

    assert client.post("/api/v1/auth/token/", LOGIN, content_type="application/json").status_code == 200


@pytest.mark.parametrize("path", [READS[0], PAGES[0]])
def test_so_it_is_by_the_way_web_servers_take(
    sqlite: Path, user: User, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client = AsyncClient(raise_request_exception=False)
    client.force_login(user)

    with held(sqlite, monkeypatch):
        answer = async_to_sync(client.get)(path, headers={"Accept": "application/json"})

    assert told(answer) == (503, "database_busy")


def test_a_token_s_holder_is_told_too(sqlite: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokens_issue(family_start(user, at=clock_ns(), address=""), at=clock_ns())
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {tokens.access}"})

    with held(sqlite, monkeypatch):
        assert told(client.get("/api/v1/balances/")) == (503, "database_busy")


@pytest.mark.parametrize("path", ["/api/v1/instruments/", "/admin/marketdata/instrument/"])
def test_a_table_that_is_missing_stays_a_fault(browser: Client, path: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("ALTER TABLE marketdata_instrument RENAME TO elsewhere")

    assert told(browser.get(path, headers={"Accept": "application/json"})) == (500, "internal")


async def test_nor_is_it_taken_for_busy_beside_the_event_loop(sqlite: Path) -> None:
    def read() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT * FROM nowhere")

    with pytest.raises(Exception, match="no such table"):
        await database_call(read)
