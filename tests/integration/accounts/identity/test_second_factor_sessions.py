"""A browser's session is made by the password alone: what it may do before its user's second factor was given in it."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from apps.accounts.identity.second_factor import enrolment_begin, enrolment_confirm
from apps.accounts.models import User

PASSWORD = "Correct horse battery"
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
LOGIN = "/api/login/login/"
FACTOR = "/account/second-factor/"
PASSWORD_PAGE = "/account/password/"
ORDERS = "/api/v1/orders/"

pytestmark = pytest.mark.usefixtures("sqlite")


def code(user: User, *, steps: int = 0) -> str:
    device = TOTPDevice.objects.get(user=user, confirmed=True)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + steps * device.step
    return f"{totp.token():06d}"


def enrol(user: User) -> None:
    enrolment_begin(user)
    device = TOTPDevice.objects.get(user=user)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() - device.step
    enrolment_confirm(user, f"{totp.token():06d}")


@pytest.fixture
def user() -> User:
    """An operator with an authenticator."""
    made = User.objects.create_superuser("operator@example.com", PASSWORD)
    enrol(made)
    return made


def browser_of(user: User, *, at: str = LOGIN) -> Client:
    """Log in by a form, with the password alone."""
    browser = Client()
    answer = browser.post(at, {"username": user.email, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 302
    return browser


def call(browser: Client, path: str, **body: str) -> Any:
    return browser.post(f"/api/v1/{path}", body, content_type="application/json")


def bearing(access: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {access}"})


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code") if answer.content else None


def led(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Location")


@pytest.mark.parametrize("form", [LOGIN, "/admin/login/"])
def test_the_password_alone_opens_no_call_of_the_api(user: User, form: str) -> None:
    browser = browser_of(user, at=form)

    for answer in (
        browser.get(ORDERS),
        call(browser, "orders/", symbol="AAPL-USD"),
        browser.get(ORDERS, headers={"Accept": "application/json, text/html;q=0.5"}),
        call(browser, "auth/ws-ticket/"),
        call(browser, "auth/logout/everywhere/"),
        call(browser, "auth/second-factor/confirm/", code="123456"),
        call(browser, "auth/password/", password=PASSWORD, new_password="a wholly new password", code="123456"),
    ):
        assert told(answer) == (403, "second_factor_required"), answer.request["PATH_INFO"]
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_page_leads_to_where_the_code_is_given_and_back(user: User) -> None:
    browser = browser_of(user)
    asked = f"{ORDERS}?status=new&limit=5"

    away = browser.get(asked, headers={"Accept": PAGE})
    assert led(away) == (302, f"{FACTOR}?next=%2Fapi%2Fv1%2Forders%2F%3Fstatus%3Dnew%26limit%3D5")
    assert "Give the code" in browser.get(away["Location"]).content.decode()
    wrong = browser.post(away["Location"], {"code": "abcdef"})
    assert "code wrong or already used" in wrong.content.decode()
    assert browser.get(asked, headers={"Accept": PAGE}).status_code == 302

    assert led(browser.post(away["Location"], {"code": code(user)})) == (302, asked)

    # The user has no account to trade with, which is the next thing to be told.
    assert told(browser.get(ORDERS)) == (403, "forbidden")
    assert browser.get("/api/v1/", headers={"Accept": PAGE}).status_code == 200
    assert browser.get("/admin/").status_code == 200


def addresses_of_the_site() -> list[str]:
    """Return every address of the back office's that needs no argument, but those to come and go by."""
    names = [pattern.name for pattern in _patterns(admin.site.get_urls()) if "<" not in str(pattern.pattern)]
    return sorted({reverse(f"admin:{name}") for name in names if name and name not in {"login", "logout"}})


def _patterns(patterns: list[Any]) -> list[Any]:
    return [
        found
        for entry in patterns
        for found in (_patterns(entry.url_patterns) if hasattr(entry, "url_patterns") else [entry])
        if not re.search(r"\(\?P<", str(entry.pattern))
    ]


def test_the_password_alone_opens_no_page_of_the_back_office(user: User) -> None:
    browser = browser_of(user, at="/admin/login/")
    addresses = addresses_of_the_site()
    assert len(addresses) > 30
    assert "/admin/password_change/" in addresses

    for address in [*addresses, "/admin/accounts/user/1/change/", "/admin/nowhere/"]:
        for answer in (browser.get(address, headers={"Accept": PAGE}), browser.post(address, headers={"Accept": PAGE})):
            status, location = led(answer)
            assert (status, str(location).partition("?")[0]) == (302, FACTOR), address
        assert told(browser.get(address, headers={"Accept": "application/json"})) == (403, "second_factor_required")
        assert told(browser.post(address)) == (403, "second_factor_required")

    assert browser.post(FACTOR, {"code": code(user)}).status_code == 302
    assert browser.get("/admin/accounts/user/").status_code == 200
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_who_has_no_second_factor_is_asked_for_none() -> None:
    user = User.objects.create_superuser("plain@example.com", PASSWORD)
    enrolment_begin(user)
    browser = browser_of(user)

    assert told(browser.get(ORDERS)) == (403, "forbidden")
    assert browser.get("/api/v1/", headers={"Accept": PAGE}).status_code == 200
    assert browser.get("/admin/").status_code == 200
    assert call(browser, "auth/ws-ticket/").status_code == 200


def test_a_code_given_in_one_session_opens_no_other(user: User) -> None:
    one, other = browser_of(user), browser_of(user)
    one.post(FACTOR, {"code": code(user)})

    assert call(one, "auth/ws-ticket/").status_code == 200
    assert told(call(other, "auth/ws-ticket/")) == (403, "second_factor_required")
    one.post("/api/login/logout/")
    one.post(LOGIN, {"username": user.email, "password": PASSWORD})
    assert told(call(one, "auth/ws-ticket/")) == (403, "second_factor_required")


def test_another_user_s_login_in_the_same_browser_has_to_give_its_own(user: User) -> None:
    browser = browser_of(user)
    browser.post(FACTOR, {"code": code(user)})
    other = User.objects.create_user("other@example.com", PASSWORD)
    enrol(other)

    browser.post(LOGIN, {"username": other.email, "password": PASSWORD})

    assert told(browser.get(ORDERS)) == (403, "second_factor_required")


def test_who_enrols_goes_on_in_that_session_and_all_other_logins_are_over() -> None:
    user = User.objects.create_user("trader@example.com", PASSWORD)
    before, browser = browser_of(user), browser_of(user)
    token = call(Client(), "auth/token/", email=user.email, password=PASSWORD).json()["access"]
    assert told(call(browser, "auth/second-factor/")) == (400, "invalid")
    assert told(call(browser, "auth/second-factor/", password="wrong")) == (400, "invalid")
    assert not TOTPDevice.objects.exists()
    assert call(browser, "auth/second-factor/", password=PASSWORD).status_code == 201
    device = TOTPDevice.objects.get(user=user)
    first = f"{TOTP(device.bin_key, device.step, device.t0, device.digits).token():06d}"

    assert call(browser, "auth/second-factor/confirm/", code=first).status_code == 200

    assert call(browser, "auth/ws-ticket/").status_code == 200
    assert told(call(before, "auth/ws-ticket/")) == (401, "unauthenticated")
    assert told(call(bearing(token), "auth/ws-ticket/")) == (401, "unauthenticated")


@pytest.mark.parametrize("by", ["session", "token"])
def test_removing_the_second_factor_takes_password_and_code_and_ends_all_other_logins(user: User, by: str) -> None:
    credentials = {"email": user.email, "password": PASSWORD}
    other = browser_of(user)
    browser = browser_of(user)
    if by == "token":
        browser = bearing(call(Client(), "auth/token/", **credentials, code=code(user)).json()["access"])
    else:
        browser.post(FACTOR, {"code": code(user)})

    def remove(**body: str) -> tuple[int, str | None]:
        return told(browser.delete("/api/v1/auth/second-factor/", body, content_type="application/json"))

    assert remove(code=code(user, steps=1)) == (400, "invalid")
    assert remove(code=code(user, steps=1), password="wrong") == (400, "invalid")
    assert remove(code="abcdef", password=PASSWORD) == (403, "second_factor_wrong")
    assert browser.get("/api/v1/auth/second-factor/").json()["enrolled"] is True
    StaticDevice.objects.update(throttling_failure_count=0)

    assert remove(code=code(user, steps=1), password=PASSWORD) == (204, None)

    assert browser.get("/api/v1/auth/second-factor/").json()["enrolled"] is False
    assert told(call(other, "auth/ws-ticket/")) == (401, "unauthenticated")
    assert call(Client(), "auth/token/", **credentials).status_code == 200
    assert remove(code="123456", password=PASSWORD) == (409, "conflict")


@pytest.mark.parametrize("way", ["call", "page"])
def test_a_new_password_takes_the_old_one_and_a_code_and_ends_all_logins(user: User, way: str) -> None:
    browser, other = browser_of(user), browser_of(user)
    browser.post(FACTOR, {"code": code(user)})
    new = "a wholly new password"

    def change(**body: str) -> bool:
        if way == "call":
            return bool(call(browser, "auth/password/", new_password=new, **body).status_code == 204)
        form = {"new_password": new, "new_password_again": new, **body}
        return "logged out everywhere" in browser.post(PASSWORD_PAGE, form).content.decode()

    assert not change(password="wrong", code=code(user, steps=1))
    assert not change(password=PASSWORD)
    assert not change(password=PASSWORD, code="abcdef")
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    assert change(password=PASSWORD, code=code(user, steps=1))

    assert User.objects.get(pk=user.pk).check_password(new)
    for ended in (browser, other):
        assert told(ended.get(ORDERS)) == (401, "unauthenticated")


def test_an_operator_s_own_password_and_factor_have_no_way_around(user: User) -> None:
    browser = browser_of(user)
    browser.post(FACTOR, {"code": code(user)})
    new = {"usable_password": "true", "password1": "a wholly new password", "password2": "a wholly new password"}

    for address in ("/admin/password_change/", f"/admin/accounts/user/{user.pk}/password/"):
        assert led(browser.post(address, new)) == (302, PASSWORD_PAGE)
        assert led(browser.get(address)) == (302, PASSWORD_PAGE)
    own = {"action": "second_factor_off", "_selected_action": [user.pk]}
    assert "Nobody removes their own" in browser.post("/admin/accounts/user/", own, follow=True).content.decode()

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert TOTPDevice.objects.filter(user=user).exists()


def test_who_removes_another_s_factor_ends_that_one_s_logins(user: User) -> None:
    browser = browser_of(user)
    browser.post(FACTOR, {"code": code(user)})
    lost = User.objects.create_user("lost@example.com", PASSWORD)
    theirs = browser_of(lost)

    browser.post("/admin/accounts/user/", {"action": "second_factor_off", "_selected_action": [lost.pk]})

    assert told(theirs.get(ORDERS)) == (401, "unauthenticated")


def test_a_program_with_a_session_gives_the_code_by_a_call_and_may_always_leave(user: User) -> None:
    browser = browser_of(user)
    verify = "auth/second-factor/verify/"

    assert browser.get("/api/v1/auth/second-factor/").json() == {"enrolled": True, "fresh": True}
    assert told(call(browser, "auth/second-factor/", password=PASSWORD)) == (409, "conflict")
    assert told(call(browser, verify, code="abcdef")) == (403, "second_factor_wrong")
    assert told(browser.get(ORDERS)) == (403, "second_factor_required")
    assert call(browser, verify, code=code(user)).status_code == 204
    assert told(browser.get(ORDERS)) == (403, "forbidden")

    for leave in ("/api/v1/auth/logout/", "/api/login/logout/", "/admin/logout/"):
        leaving = browser_of(user)
        assert leaving.post(leave, {}, content_type="application/json").status_code in (200, 204)
        assert told(leaving.get(ORDERS)) == (401, "unauthenticated")


def test_codes_tried_in_sessions_are_limited_as_everywhere(user: User) -> None:
    browsers = [browser_of(user) for _ in range(2)]

    pages = [browsers[n % 2].post(FACTOR, {"code": "abcdef"}).content.decode() for n in range(11)]

    assert "Too many tries" in pages[-1]
    # One of the ten was taken by enrolling.
    assert not any("Too many tries" in page for page in pages[:9])
    assert "Too many tries" in browsers[0].post(FACTOR, {"code": code(user)}).content.decode()
    assert told(browsers[0].get(ORDERS)) == (403, "second_factor_required")


def test_a_session_s_csrf_check_comes_first_and_a_token_needs_no_session_s_code(user: User) -> None:
    browser = browser_of(user)
    browser.handler.enforce_csrf_checks = True
    assert told(call(browser, "auth/ws-ticket/")) == (403, "csrf_failed")
    browser.handler.enforce_csrf_checks = False
    tokens = call(Client(), "auth/token/", email=user.email, password=PASSWORD, code=code(user)).json()

    # Beside a Bearer token the cookie counts for nothing.
    browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {tokens['access']}"

    assert call(browser, "auth/ws-ticket/").status_code == 200


def test_a_code_of_long_ago_lets_in_and_is_not_fresh_enough_for_money(user: User, settings: Settings) -> None:
    settings.IDENTITIES = {**settings.IDENTITIES, "SECOND_FACTOR_REQUIRED": True}
    browser = browser_of(user)
    browser.post(FACTOR, {"code": code(user)})
    session = browser.session
    session["second_factor_at"] -= 901 * 10**9
    session.save()

    assert browser.get("/api/v1/auth/second-factor/").json() == {"enrolled": True, "fresh": False}
    assert browser.get("/admin/").status_code == 200
    refused = browser.post("/admin/orders/venuestate/kill-switch/", {"switch": "on", "confirmed": "yes"}, follow=True)
    assert "This needs your second factor" in refused.content.decode()

    browser.post(FACTOR, {"code": code(user, steps=1)})
    assert browser.get("/api/v1/auth/second-factor/").json()["fresh"] is True


def test_the_schema_says_which_calls_want_it(sqlite: Path) -> None:
    from tests.support.schema import operation_of  # noqa: PLC0415 - made once, with the settings of a test

    def says(method: str, path: str) -> bool:
        operation = operation_of(method, f"/api/v1/{path}")
        assert operation is not None
        return "second_factor_required" in str(operation["responses"].get("403"))

    assert says("GET", "orders/")
    assert says("POST", "orders/")
    assert not says("POST", "auth/second-factor/verify/")
    assert not says("POST", "auth/register/")
