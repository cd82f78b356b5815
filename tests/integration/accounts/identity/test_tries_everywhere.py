"""Every place where a password, a code or a mailed token can be tried: found by looking, held to the same limits."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.identity.second_factor import enrolment_begin
from apps.accounts.models import User
from tests.support.backoffice import client_of

PASSWORD = "Correct horse battery"
NEW = "a wholly new password"
EMAIL = "operator@example.com"
TRIES = 10
"""As many fail from one address at one account until the next is not looked at."""

SECRETS = frozenset({"password", "code", "token"})
"""Fields by which somebody shows who they are. A refresh token is signed, and counted by limits of its own."""

pytestmark = pytest.mark.usefixtures("sqlite")

Post = Callable[[Client, str, Mapping[str, str]], Any]


def call(client: Client, address: str, body: Mapping[str, str]) -> Any:
    return client.post(address, dict(body), content_type="application/json")


def remove(client: Client, address: str, body: Mapping[str, str]) -> Any:
    return client.delete(address, dict(body), content_type="application/json")


def form(client: Client, address: str, body: Mapping[str, str]) -> Any:
    return client.post(address, dict(body))


# What is tried where; one that says `enrolled` is there only for who has a second factor.
TRIED: dict[str, tuple[Post, dict[str, str]]] = {
    "POST /api/v1/auth/token/": (call, {"email": EMAIL, "password": "wrong"}),
    "POST /api/v1/auth/password/": (call, {"password": "wrong", "new_password": NEW}),
    "POST /api/v1/auth/password/reset/confirm/": (call, {"token": "wrong", "password": NEW}),
    "POST /api/v1/auth/email/confirm/": (call, {"token": "wrong"}),
    "POST /api/v1/auth/second-factor/": (call, {"password": "wrong"}),
    "DELETE /api/v1/auth/second-factor/": (remove, {"password": "wrong", "code": "abcdef"}),
    "POST /api/v1/auth/second-factor/confirm/": (call, {"code": "abcdef"}),
    "POST /api/v1/auth/second-factor/verify/": (call, {"code": "abcdef"}),
    "POST /api/v1/auth/register/": (call, {"email": EMAIL, "password": "Another long password"}),
    "POST /api/login/login/": (form, {"username": EMAIL, "password": "wrong"}),
    "POST /admin/login/": (form, {"username": EMAIL, "password": "wrong"}),
    "POST /account/confirm/": (form, {"token": "wrong"}),
    "POST /account/reset/": (form, {"token": "wrong", "new_password": NEW, "new_password_again": NEW}),
    "POST /account/password/": (form, {"password": "wrong", "new_password": NEW, "new_password_again": NEW}),
    "POST /account/second-factor/": (form, {"password": "wrong"}),
}
ENROLLED = {"DELETE /api/v1/auth/second-factor/", "POST /api/v1/auth/second-factor/verify/"}
BEGUN = {"POST /api/v1/auth/second-factor/confirm/"}
MAILED = {key for key, (_, body) in TRIED.items() if "token" in body}

# These set somebody else's password and take none; who may, has shown a second factor.
SETS = {"POST /admin/accounts/user/add/", "POST /admin/accounts/user/ID/password/"}


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Find every address with its view; what varies in one is a user's number."""
    for entry in patterns:
        route = prefix + re.sub(r"<[^>]+>|\(\?P<[^>]+>[^)]*\)", "ID", str(entry.pattern).lstrip("^"))
        if isinstance(entry, URLResolver):
            yield from views(entry.url_patterns, route)
        elif isinstance(entry, URLPattern):
            yield "/" + re.sub(r"[\\$^]|\.\*", "", route), entry.callback


def takers(user: User) -> Iterator[str]:
    """Name what takes a secret: calls by the table of their body, pages by the form they show."""
    browser, stranger = client_of(user), Client()
    somebody = User.objects.create_user("somebody@example.com", PASSWORD)
    for address, view in views(get_resolver().url_patterns):
        kind = getattr(view, "view_class", None) or getattr(view, "cls", None)
        for method in ("post", "put", "patch", "delete"):
            described = getattr(getattr(kind, method, None), "call", None)
            if described is not None and described.body is not None and SECRETS & described.body.table.keys():
                yield f"{method.upper()} {address}"
        if address.startswith("/api/v1/") or re.search(r"/(ws|static)/", address):
            continue
        shown = ""
        for client in (stranger, browser):
            answer = client.get(address.replace("ID", str(somebody.pk)), headers={"Accept": "text/html"})
            if answer.status_code == 200 and not answer.streaming:
                shown += answer.content.decode(errors="replace")
        if re.search(r"""type="password"|name="(code|token)\"""", shown):
            yield f"POST {address}"


def superuser() -> User:
    return User.objects.create_superuser(EMAIL, PASSWORD)


def test_every_place_that_takes_a_password_a_code_or_a_token_is_known_here() -> None:
    found = set(takers(superuser()))

    assert found == TRIED.keys() | SETS


def prepared(key: str, user: User) -> Client:
    """Make what a place wants to be there: a login, a second factor, one that was begun, an interrupted opening."""
    if key in ENROLLED | BEGUN:
        enrolment_begin(user)
    if key in ENROLLED:
        TOTPDevice.objects.filter(user=user).update(confirmed=True)
    if key.endswith("/register/"):
        User.objects.filter(pk=user.pk).update(opening_due=True)
    return client_of(user)


def tried(client: Client, key: str, **more: str) -> Any:
    method, _, address = key.partition(" ")
    post, body = TRIED[key]
    assert method in {"POST", "DELETE"}
    # What the authenticator's own brake does is not what is asked here.
    TOTPDevice.objects.update(throttling_failure_count=0)
    StaticDevice.objects.update(throttling_failure_count=0)
    return post(client, address, {**body, **more})


def is_refused(answer: Any) -> bool:
    return answer.status_code == 429 or "Too many tries" in answer.content.decode()


@pytest.mark.parametrize("key", TRIED)
def test_ten_wrong_ones_are_looked_at_and_the_eleventh_is_not(key: str) -> None:
    user = superuser()
    client = prepared(key, user)

    answers = [tried(client, key) for _ in range(TRIES + 1)]

    if key.endswith("/login/"):
        # A form of Django's says the same whatever is wrong: that even the right one is not looked at tells.
        assert tried(client, key, password=PASSWORD).status_code == 200
        return
    assert [is_refused(answer) for answer in answers] == [False] * TRIES + [True], [each.content for each in answers]


def test_they_count_together_wherever_they_are_tried() -> None:
    user = superuser()
    client = client_of(user)
    places = [key for key in TRIED if key not in MAILED | ENROLLED | BEGUN and not key.endswith("/register/")]
    assert len(places) >= 5

    for count in range(TRIES):
        assert not is_refused(tried(client, places[count % len(places)]))

    for key in places:
        if not key.endswith("/login/"):
            assert is_refused(tried(client, key)), key
    login = {"username": EMAIL, "password": PASSWORD}
    assert form(Client(), "/admin/login/", login).status_code == 200
    # Somebody at another address, and another account at this one, are not held up.
    assert Client(REMOTE_ADDR="198.51.100.7").post("/admin/login/", login).status_code == 302
    User.objects.create_user("other@example.com", PASSWORD)
    token = {"email": "other@example.com", "password": PASSWORD}
    assert call(Client(), "/api/v1/auth/token/", token).status_code == 200


def test_right_ones_do_not_count() -> None:
    superuser()
    credentials = {"email": EMAIL, "password": PASSWORD}

    for _ in range(TRIES + 2):
        assert call(Client(), "/api/v1/auth/token/", credentials).status_code == 200
    for _ in range(TRIES - 1):
        tried(Client(), "POST /api/v1/auth/token/")
    assert call(Client(), "/api/v1/auth/token/", credentials).status_code == 200
