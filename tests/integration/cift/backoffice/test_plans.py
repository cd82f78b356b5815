"""How the operators' lists are read: by an index, whatever is searched or filtered, and without counting."""

import re
from typing import NamedTuple

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from cift.backoffice import tables as bounds
from tests.support.backoffice import TABLES, client_of, instruments_make, requests_make, rows_make

pytestmark = pytest.mark.django_db(databases=["default", "journal"])

SMALL = {"marketdata/asset", "marketdata/feetier", "marketdata/instrument", "orders/venuestate"}
"""What a venue has few of."""

LARGE = sorted(set(TABLES) - SMALL)

SORTED = {
    ("accounts/account", "q=owner:"), ("accounts/balance", "q=account:"), ("accounts/balance", "q=owner:"),
    ("accounts/user", "groups__id__exact="), ("orders/fill", "q=order:"), ("orders/position", "q=account:"),
    ("orders/positionlimit", "q=account:"),
}  # fmt: skip
"""Where what is found is sorted: it is what one user, account, order or role has."""

SCANNED = {("accounts/user", "q=email:")}
"""Walked from the newest on: SQLite looks up no beginning of an address."""

PAGES = [
    "journal/", "journal/?before=5", "journal/?sequence=5", "journal/5/", "overview/data/?after=1", "mass-cancel/",
]  # fmt: skip


class Read(NamedTuple):
    """A statement, and how SQLite goes about it."""

    statement: str
    plan: str


def reads(client: Client, path: str) -> list[Read]:
    found = []
    for alias in ("default", "journal"):
        with CaptureQueriesContext(connections[alias]) as captured:
            assert client.get(f"/admin/{path}").status_code == 200, path
        with connections[alias].cursor() as cursor:
            for query in captured.captured_queries:
                if query["sql"].startswith("SELECT"):
                    cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
                    found.append(Read(query["sql"], " | ".join(str(row[3]) for row in cursor.fetchall())))
    assert found, path
    return found


@pytest.fixture
def client() -> Client:
    """Somebody who sees everything; each table has forty rows, and a filter looks at five."""
    instruments_make(3)
    rows_make(40)
    requests_make(40)
    return client_of(User.objects.create_superuser("root@example.com", "secret"))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FILTERED_ROWS_MAX", 5)


def choices(client: Client, table: str) -> list[str]:
    """Return the address of each choice a list's filters offer."""
    listed = client.get(f"/admin/{table}/").context["cl"]
    queries = [choice["query_string"] for spec in listed.filter_specs for choice in spec.choices(listed)]
    return [query.removeprefix("?") for query in queries if query != "?"]


def is_listed(found: tuple[str, str], among: set[tuple[str, str]]) -> bool:
    return any(found[0] == table and found[1].startswith(query) for table, query in among)


@pytest.mark.parametrize("table", LARGE)
def test_a_list_its_searches_and_its_filters_go_by_an_index(client: Client, table: str) -> None:
    registered = TABLES[table]
    assert isinstance(registered, bounds.BoundedAdmin)
    searches = [f"q={word}:5" for word in (*registered.search_numbers, *registered.search_words)]
    filters = choices(client, table)
    assert searches
    assert bool(filters) == bool(registered.list_filter)
    own = re.compile(rf"SCAN {registered.model._meta.db_table}\b")

    for query in ("", *searches, *filters):
        for read in reads(client, f"{table}/?{query}"):
            said = (query, *read)
            assert "COUNT(" not in read.statement.upper(), said
            assert "TEMP B-TREE" not in read.plan or is_listed((table, query), SORTED), said
            # A list is walked in its order as far as its page; a filter first looks where the newest rows begin.
            walked = not query or "OFFSET 5" in read.statement or is_listed((table, query), SCANNED)
            assert walked or not own.search(read.plan), said


@pytest.mark.parametrize(
    "path", ["orders/order/?q=account:3%20id:c1", "orders/order/?q=account:3&status__exact=0",
             *(f"orders/venuestate/{page}" for page in PAGES)]
)  # fmt: skip
def test_no_page_sorts_or_walks_a_large_table(client: Client, path: str) -> None:
    for read in reads(client, path):
        assert "TEMP B-TREE" not in read.plan, read
        # The index of requests that wait holds those alone.
        walked = "OFFSET 5" in read.statement or "USING INDEX money_request_due" in read.plan
        assert walked or not re.search(r"SCAN (orders_(order|fill|journalbatch)|accounts_\w+)\b", read.plan), read
