"""The operators' pages: who may see and do what, that nobody gains more, and that no page grows with its table."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from apps.accounts.audit.records import records_verify
from apps.accounts.identity.sessions import family_start, tokens_issue
from apps.accounts.models import AuditRecord, MoneyRequest, User
from apps.marketdata.models import Instrument
from apps.orders.matching.tables import PROJECTED
from cift.backoffice.tables import CommandAdmin
from cift.times import clock_ns
from tests.support.backoffice import ROLES, TABLES, client_of, instruments_make, requests_make, rows_make, user_in

pytestmark = pytest.mark.django_db(databases=["default", "journal"])

WRITTEN = re.compile(r'(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM) "(\w+)"')
VENUE = "/admin/orders/venuestate"
QUERIES_MAX = 8
PASSWORD = "a-long-passphrase-7"

PAGES = ["overview", "overview/data", "kill-switch", "mass-cancel", "journal"]


@pytest.fixture
def venue() -> None:
    """One instrument, two traders, a request of somebody's, and no order service."""
    instruments_make()
    rows_make(2)
    asker = User.objects.create_user("asker@example.com", "secret")
    MoneyRequest.objects.create(
        pk=1, account_id=3, asset_id=1, kind=0, amount=5, note="n", requested_by=asker, requested_at=1
    )


def action(table: str, name: str) -> Callable[[Client], Any]:
    return lambda client: client.post(f"/admin/{table}/", {"action": name, "_selected_action": ["1"]})


def posted(path: str, **fields: object) -> Callable[[Client], Any]:
    return lambda client: client.post(path, fields)


def trader() -> User:
    return User.objects.get(email="trader-1@example.com")


def trader_posted(page: str, **fields: object) -> Callable[[Client], Any]:
    return lambda client: client.post(f"/admin/accounts/user/{trader().pk}/{page}/", fields)


def user_action(name: str, email: str) -> Callable[[Client], Any]:
    return lambda client: client.post(
        "/admin/accounts/user/", {"action": name, "_selected_action": [User.objects.get(email=email).pk]}
    )


TERMS = {
    "tick_size": "0.02", "lot_size": "1", "quantity_min": "1", "quantity_max": "1000", "notional_min": "0.01",
    "band_ppm": "0", "slippage_ppm": "0", "reference_price": "1",
}  # fmt: skip
LISTING = TERMS | {
    "symbol": "B-USD", "kind": "0", "base": "2", "quote": "1", "price_scale": "2", "maker_ppm": "1", "taker_ppm": "1",
}  # fmt: skip
ACCOUNT = {"status": "0", "fee_tier": "0", "open_orders_max": "100", "stp": "1"}
MONEY = {"kind": "0", "account": "3", "asset": "1", "amount": "1.5", "note": "why"}
SUSPENDED = posted("/admin/accounts/account/3/change/", **(ACCOUNT | {"status": "1"}))
LIMITED = posted("/admin/accounts/account/3/change/", **(ACCOUNT | {"open_orders_max": "7"}))
POSITION = posted("/admin/orders/positionlimit/add/", account="3", instrument="1", limit="5")
NEW_PASSWORD = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
ADDED = posted("/admin/accounts/user/add/", email="n@example.com", **NEW_PASSWORD)

ACTS: dict[str, tuple[Callable[[Client], Any], set[str]]] = {
    "halt": (action("marketdata/instrument", "halt"), {"operator", "risk manager", "administrator"}),
    "resume": (action("marketdata/instrument", "resume"), {"operator", "risk manager", "administrator"}),
    "cancel only": (action("marketdata/instrument", "cancel_only"), {"operator", "risk manager", "administrator"}),
    "terms": (posted("/admin/marketdata/instrument/1/change/", **TERMS), {"risk manager", "administrator"}),
    "list": (posted("/admin/marketdata/instrument/add/", **LISTING), {"administrator"}),
    "list asset": (posted("/admin/marketdata/asset/add/", symbol="X", scale="2"), {"administrator"}),
    "fees": (
        posted("/admin/marketdata/feetier/add/", instrument="1", tier="2", maker_ppm="1", taker_ppm="1"),
        {"risk manager", "administrator"},
    ),
    "suspend": (SUSPENDED, {"operator", "risk manager", "administrator"}),
    "limit": (LIMITED, {"risk manager", "administrator"}),
    "position limit": (POSITION, {"risk manager", "administrator"}),
    "request money": (posted("/admin/accounts/moneyrequest/add/", **MONEY), {"operator"}),
    "approve money": (action("accounts/moneyrequest", "approve"), {"operator"}),
    "reject money": (action("accounts/moneyrequest", "reject"), {"operator"}),
    "mass cancel": (posted(f"{VENUE}/mass-cancel/", confirmed="yes"), {"risk manager", "administrator"}),
    "kill switch": (
        posted(f"{VENUE}/kill-switch/", switch="on", confirmed="yes"),
        {"risk manager", "administrator"},
    ),
    "deactivate user": (trader_posted("change", email="trader-1@example.com"), {"operator", "administrator"}),
    "add user": (ADDED, {"administrator"}),
    "set password": (
        trader_posted("password", **NEW_PASSWORD),
        {"administrator"},
    ),
    "open account": (user_action("account_open", "asker@example.com"), {"operator", "administrator"}),
    "remove second factor": (user_action("second_factor_off", "trader-1@example.com"), {"administrator"}),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ACTS)
def test_a_role_may_do_what_it_is_for_and_nothing_else(venue: None, act: str, role: str) -> None:
    do, allowed = ACTS[act]
    client = client_of(user_in(role))

    with CaptureQueriesContext(connections["default"]) as captured:
        answer = do(client)

    written = {match.group(1) for query in captured for match in WRITTEN.finditer(query["sql"])}
    assert not written & {model._meta.db_table for model in PROJECTED}
    assert answer.status_code in ({200, 302} if role in allowed else {200, 302, 403})
    done = AuditRecord.objects.exists()
    assert done == (role in allowed), answer.content.decode()[:2_000]
    records_verify()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_venue_and_the_audit_log_is_not_every_viewer_s(venue: None, role: str) -> None:
    client = client_of(user_in(role))
    for table in TABLES:
        wanted = 403 if (table, role) == ("accounts/auditrecord", "viewer") else 200
        assert client.get(f"/admin/{table}/").status_code == wanted, table
    hidden = {"viewer": PAGES[2:4], "operator": PAGES[2:4]}.get(role, [])
    for page in PAGES:
        assert client.get(f"{VENUE}/{page}/").status_code == (403 if page in hidden else 200), page


def test_a_trader_has_no_back_office(client: Client, venue: None) -> None:
    client.force_login(User.objects.create_user("trader@example.com", "secret"))

    for path in [*TABLES, *(f"orders/venuestate/{page}" for page in PAGES)]:
        assert client.get(f"/admin/{path}/").status_code == 302, path


@pytest.mark.parametrize(("form", "leads"), [("/admin/login/", "/admin/"), ("/api/login/login/", "/")])
def test_a_login_that_names_no_page_leads_to_one_there_is(client: Client, form: str, leads: str) -> None:
    User.objects.create_user("operator@example.com", "secret", is_staff=True)

    answer = client.post(form, {"username": "operator@example.com", "password": "secret"})

    assert (answer.status_code, answer["Location"]) == (302, leads)
    assert client.get(leads).status_code == 200


def test_without_an_order_service_an_act_is_refused_in_words_and_written_down(venue: None) -> None:
    client = client_of(user_in("operator"))

    answer = client.post("/admin/marketdata/instrument/", {"action": "halt", "_selected_action": ["1"]}, follow=True)

    assert "Order service unavailable; the request had no effect." in answer.content.decode()
    assert Instrument.objects.get(pk=1).status == 0
    asked, ended = AuditRecord.objects.order_by("number")
    assert (asked.outcome, asked.after) == ("asked", '{"status":"halted"}')
    assert (ended.outcome, ended.code, ended.about) == ("refused", "venue_unavailable", asked.number)
    assert (ended.actor_email, ended.address) == ("operator@example.com", "127.0.0.1")


KILLED = posted("/admin/accounts/account/3/change/", **(ACCOUNT | {"killed": "on"}))
NO_PASSWORD = {"usable_password": "false", "unset-password": "yes", "password1": "", "password2": ""}
HARMLESS = {"open account"}
GUARDED: dict[str, Callable[[Client], Any]] = {
    **{name: act for name, (act, _) in ACTS.items() if name not in HARMLESS},
    "kill account": KILLED,
    "disable a password": trader_posted("password", **NO_PASSWORD),
    "make staff": trader_posted("change", email="trader-1@example.com", is_active="on", is_staff="on"),
    "make a superuser": trader_posted("change", email="trader-1@example.com", is_active="on", is_superuser="on"),
    "change an address": trader_posted("change", email="stolen@example.com", is_active="on"),
    "deactivate an operator": lambda client: client.post(
        f"/admin/accounts/user/{User.objects.get(email='staff@example.com').pk}/change/",
        {"email": "staff@example.com", "is_staff": "on"},
    ),
}


def users() -> list[tuple[object, ...]]:
    return list(User.objects.order_by("pk").values_list("pk", "email", "password", "is_active", "is_superuser"))


@pytest.fixture
def guarded(venue: None, settings: Settings) -> User:
    """A superuser who has a second factor, and settings that want it."""
    settings.IDENTITIES = {**settings.IDENTITIES, "SECOND_FACTOR_REQUIRED": True}
    User.objects.create_user("staff@example.com", "secret", is_staff=True)
    root = User.objects.create_superuser("root@example.com", "secret")
    TOTPDevice.objects.create(user=root, name="authenticator")
    return root


def client_given_code(user: User, *, hours_ago: int) -> Client:
    """A session in which the second factor was given."""
    client = client_of(user)
    session = client.session
    session["second_factor_at"] = clock_ns() - hours_ago * 3_600 * 10**9
    session.save()
    return client


@pytest.mark.parametrize("act", GUARDED)
def test_every_dangerous_act_needs_a_fresh_second_factor_where_that_is_set(guarded: User, act: str) -> None:
    client, before = client_given_code(guarded, hours_ago=12), users()

    assert GUARDED[act](client).status_code == 302

    assert "This needs your second factor" in client.get("/admin/").content.decode()
    assert not AuditRecord.objects.exists()
    assert users() == before
    assert TOTPDevice.objects.filter(user=guarded, confirmed=True).exists()


@pytest.mark.parametrize("act", GUARDED)
def test_with_a_fresh_second_factor_they_are_done(guarded: User, act: str) -> None:
    GUARDED[act](client_given_code(guarded, hours_ago=0))

    assert AuditRecord.objects.exists()


@pytest.mark.parametrize("act", HARMLESS)
def test_a_harmless_act_needs_no_fresh_second_factor(guarded: User, act: str) -> None:
    ACTS[act][0](client_given_code(guarded, hours_ago=12))

    assert AuditRecord.objects.exists()


def test_each_action_and_page_is_declared_dangerous_or_harmless_and_each_form_is_dangerous(guarded: User) -> None:
    request = RequestFactory().get("/admin/")
    request.user = guarded
    undeclared = []
    for table, registered in TABLES.items():
        for name, offered in (registered.get_actions(request) or {}).items():
            if offered is None or not hasattr(offered[0], "is_dangerous"):
                undeclared.append(f"action {name} of {table}")
        writes = registered.has_add_permission(request) or registered.has_change_permission(request)
        # The form of users is among the acts above.
        if writes and not isinstance(registered, CommandAdmin) and table != "accounts/user":
            undeclared.append(f"form of {table}")
    names = [
        pattern.name for pattern in patterns_of(admin.site.get_urls()) if not hasattr(pattern.callback, "is_dangerous")
    ]

    assert undeclared == []
    # Django's own pages: what they do is an action's or a form's, or everybody's own login.
    assert {re.sub(r"^[a-z]+_[a-z]+_(?=changelist|add|change|delete|history)", "", str(name)) for name in names} == {
        "None", "add", "app_list", "autocomplete", "change", "changelist", "delete", "history", "index", "jsi18n",
        "login", "logout", "password_change", "password_change_done", "search", "view_on_site",
    }  # fmt: skip


def patterns_of(entries: list[Any]) -> Iterator[Any]:
    for entry in entries:
        if hasattr(entry, "url_patterns"):
            yield from patterns_of(entry.url_patterns)
        else:
            yield entry


@pytest.mark.parametrize("fields", [NEW_PASSWORD, NO_PASSWORD])
def test_a_password_set_or_disabled_by_an_administrator_ends_all_logins(venue: None, fields: dict[str, str]) -> None:
    tokens = tokens_issue(family_start(trader(), at=clock_ns(), address=""), at=clock_ns())

    def asked() -> int:
        bearer = {"authorization": f"Bearer {tokens.access}"}
        return Client().get("/api/v1/auth/second-factor/", headers=bearer).status_code

    assert asked() == 200
    trader_posted("password", **fields)(client_of(user_in("administrator")))

    assert asked() == 401
    assert trader().has_usable_password() == (fields is NEW_PASSWORD)
    assert AuditRecord.objects.get().action == "user.password"


def test_the_pages_scripts_are_all_from_here(venue: None) -> None:
    answer = client_of(user_in("viewer")).get(f"{VENUE}/overview/")

    # The directives come in any order.
    assert re.search(r'rel="icon"[^>]*href="/static/cift/icon', re.sub(r"\s+", " ", answer.content.decode()))
    assert "script-src 'self' 'unsafe-eval'" in answer.headers["Content-Security-Policy"].split("; ")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.content.decode())


def privileges(user: User) -> tuple[bool, bool, set[str], int, str, str]:
    user = User.objects.get(pk=user.pk)
    names = set(user.groups.values_list("name", flat=True))
    return user.is_staff, user.is_superuser, names, user.user_permissions.count(), user.password, user.email


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gives_themselves_more(venue: None, role: str) -> None:
    me, superuser = user_in(role), User.objects.create_superuser("root@example.com", "secret")
    somebody = trader()
    administrators = Group.objects.get(name="administrator").pk
    client = client_of(me)
    before = {user: privileges(user) for user in (me, superuser)}
    more = {
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [administrators],
        "user_permissions": ["1", "2"],
    }

    for user in (me, superuser, somebody):
        client.post(f"/admin/accounts/user/{user.pk}/change/", {**more, "email": "stolen@example.com"})
        client.post(
            f"/admin/accounts/user/{user.pk}/password/",
            {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
        )
        me.refresh_from_db()
        client.force_login(me)
    for path in ("auth/group", "auth/permission", "otp_totp/totpdevice", "otp_static/staticdevice"):
        assert client.get(f"/admin/{path}/").status_code == 404, path

    assert privileges(superuser) == before[superuser]
    assert privileges(me)[:4] == before[me][:4]
    if role != "administrator":
        assert privileges(me)[4:] == before[me][4:]
        assert privileges(somebody)[:4] == (False, False, set(), 0)
        assert privileges(somebody)[5] == "trader-1@example.com"
    else:
        assert not privileges(somebody)[1]


def test_an_administrator_gives_a_role_and_it_is_written_down(venue: None) -> None:
    client = client_of(user_in("administrator"))
    somebody = trader()
    role = Group.objects.get(name="risk manager").pk
    fields = {"email": somebody.email, "is_active": "on", "is_staff": "on", "groups": [role]}

    assert client.post(f"/admin/accounts/user/{somebody.pk}/change/", fields).status_code == 302

    record = AuditRecord.objects.get()
    assert (record.action, record.subject) == ("user.change", f"user {somebody.pk}")
    assert record.before == '{"is_staff":false,"roles":[]}'
    assert record.after == '{"is_staff":true,"roles":["risk manager"]}'
    assert User.objects.get(pk=somebody.pk).has_perm("orders.kill_venuestate")


def test_a_user_s_address_is_kept_in_lower_case(venue: None) -> None:
    client = client_of(user_in("administrator"))
    fields = {"email": "Ada@Example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

    assert client.post("/admin/accounts/user/add/", fields).status_code == 302

    assert User.objects.get(email="ada@example.com").check_password(PASSWORD)


def queries(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connections["default"]) as one, CaptureQueriesContext(connections["journal"]) as two:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in (*one.captured_queries, *two.captured_queries)]


@pytest.mark.parametrize("path", [*TABLES, "orders/venuestate/journal"])
def test_a_list_makes_as_many_queries_for_forty_rows_as_for_two_and_counts_none(path: str) -> None:
    client = client_of(User.objects.create_superuser("root@example.com", "secret"))
    instruments_make(2)
    rows_make(2)
    requests_make(2)
    address = f"/admin/{path}/"
    client.get(address)
    few = queries(client, address)
    instruments_make(38, start=3)
    rows_make(38, start=3)
    requests_make(38)

    many = queries(client, address)

    assert len(many) == len(few) <= QUERIES_MAX, many
    assert not [query for query in many if "COUNT(" in query.upper()]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("3145728", 1), ("order:3145728", 1), ("account:5", 1), ("account:5 id:c3", 1), ("id:c3", 0), ("c3", 0),
        ("account:5 id:c4", 0), ("account:x", 0), ("99999999999999999999999", 0), ("'; --", 0), ("\x00", None),
    ],
)  # fmt: skip
def test_a_search_is_by_what_an_index_serves(search: str, found: int | None) -> None:
    client = client_of(User.objects.create_superuser("root@example.com", "secret"))
    instruments_make()
    rows_make(4)

    answer = client.get("/admin/orders/order/", {"q": search}, follow=True)

    assert answer.status_code == 200
    if found is not None:
        assert len(answer.context["cl"].result_list) == found


@pytest.mark.parametrize(
    "query",
    ["p=100000000", "o=5.-3", "all=", "e=1", "_facets=1", "status__exact=7&side__exact=x", "fee_tier=x", "fee_tier=99"],
)
def test_a_strange_address_is_no_fault(query: str) -> None:
    client = client_of(User.objects.create_superuser("root@example.com", "secret"))
    instruments_make()
    rows_make(2)

    for table in TABLES:
        assert client.get(f"/admin/{table}/?{query}", follow=True).status_code == 200
    for path in (
        "journal/?before=x",
        "journal/?before=99999999999999999999",
        "journal/?sequence=-1",
        "overview/data/?after=x",
    ):
        assert client.get(f"{VENUE}/{path}").status_code == 200
    for path in ("journal/999/", "journal/99999999999999999999999/"):
        assert client.get(f"{VENUE}/{path}").status_code == 404
