"""The second factor, on both databases and with real concurrency."""

import time
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from apps.accounts.audit.records import records_verify
from apps.accounts.identity.second_factor import (
    code_check,
    enrolment_begin,
    enrolment_confirm,
    second_factor_fresh,
    second_factor_has,
    second_factor_mark,
)
from apps.accounts.identity.sessions import access_family, family_start, tokens_issue
from apps.accounts.identity.tokens import TokenInvalidError
from apps.accounts.management.commands import operator_login
from apps.accounts.models import AuditRecord, User
from cift.errors.application import ApplicationError
from cift.times import clock_ns
from tests.support.together import together

PASSWORD = "Correct horse battery"


@pytest.fixture
def operator(databases: str) -> User:
    return User.objects.create_superuser("operator@example.com", PASSWORD)


def code(user: User, *, steps: int = 0) -> str:
    device = TOTPDevice.objects.get(user=user)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + steps * device.step
    return f"{totp.token():06d}"


def enrol(user: User) -> list[str]:
    enrolment_begin(user)
    return enrolment_confirm(user, code(user, steps=-1))


def checker(user: User, given: str) -> Callable[[int], None]:
    return lambda _: code_check(user, given)


def test_a_code_brought_by_eight_at_once_lets_one_in(operator: User) -> None:
    enrol(operator)

    results = together(8, checker(operator, code(operator)))

    assert results.count(None) == 1
    assert {result.code for result in results if isinstance(result, ApplicationError)} <= {
        "second_factor_wrong",
        "rate_limited",
    }


def test_a_recovery_code_is_good_once(operator: User) -> None:
    codes = enrol(operator)
    assert len(set(codes)) == 8
    # What is kept of them says nothing, and lets nobody in.
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 8
    assert not kept & set(codes)
    with pytest.raises(ApplicationError, match="second_factor_wrong"):
        code_check(operator, next(iter(kept)))
    StaticDevice.objects.update(throttling_failure_count=0)

    results = together(4, checker(operator, codes[0]))

    assert results.count(None) == 1


def test_recovery_codes_of_before_become_digests_and_stay_good(operator: User) -> None:
    enrol(operator)
    StaticToken.objects.all().delete()
    device = StaticDevice.objects.get(user=operator)
    StaticToken.objects.create(device=device, token="0123456789abcdef")

    migration = import_module("apps.accounts.migrations.0003_recovery_codes_hashed")
    migration.codes_hash(apps, SimpleNamespace(connection=connections["default"]))

    assert StaticToken.objects.get().token != "0123456789abcdef"
    code_check(operator, "0123456789abcdef")
    assert not StaticToken.objects.exists()


def test_an_enrolment_counts_once_its_code_was_given(operator: User) -> None:
    enrolment_begin(operator)
    assert not second_factor_has(operator)
    with pytest.raises(ApplicationError) as caught:
        enrolment_confirm(operator, "000000")
    assert caught.value.code == "second_factor_wrong"
    assert not second_factor_has(operator)

    TOTPDevice.objects.update(throttling_failure_count=0)
    enrolment_confirm(operator, code(operator))

    assert second_factor_has(operator)
    with pytest.raises(ApplicationError) as caught:
        enrolment_begin(operator)
    assert caught.value.code == "conflict"


def request_of(user: User, **parts: Any) -> Any:
    return type("Request", (), {"user": user, "session": {}, "auth": None, **parts})()


def test_a_second_factor_is_fresh_for_a_while_where_it_is_required(operator: User, settings: Settings) -> None:
    request = request_of(operator)
    assert second_factor_fresh(request)

    settings.IDENTITIES = {**settings.IDENTITIES, "SECOND_FACTOR_REQUIRED": True}
    assert not second_factor_fresh(request)
    second_factor_mark(request, at=clock_ns())
    assert second_factor_fresh(request)
    second_factor_mark(request, at=clock_ns() - 901 * 10**9)
    assert not second_factor_fresh(request)

    family = family_start(operator, at=clock_ns(), address="", second_factor=True)
    assert second_factor_fresh(request_of(operator, auth=family))
    assert not second_factor_fresh(request_of(operator, auth=family_start(operator, at=clock_ns(), address="")))


def test_who_has_a_second_factor_needs_it_to_log_in(sqlite: object) -> None:
    user = User.objects.create_user("trader@example.com", PASSWORD)
    enrol(user)

    def login(**more: str) -> tuple[int, str | None]:
        body = {"email": user.email, "password": PASSWORD, **more}
        answer = Client().post("/api/v1/auth/token/", body, content_type="application/json")
        return answer.status_code, answer.json().get("code")

    assert login() == (403, "second_factor_required")
    assert login(code="abcdef") == (403, "second_factor_wrong")
    assert login(code=code(user)) == (200, None)
    assert login(password="wrong password", code=code(user, steps=1)) == (401, "unauthenticated")


def test_the_page_enrols_and_then_asks_for_codes_and_leads_nowhere_else(sqlite: object) -> None:
    user = User.objects.create_superuser("operator@example.com", PASSWORD)
    browser = Client()
    browser.force_login(user)

    assert "Set one up" in browser.get("/account/second-factor/").content.decode()
    assert "The password is wrong" in browser.post("/account/second-factor/", {"password": "x"}).content.decode()
    assert not TOTPDevice.objects.exists()
    assert "otpauth://" in browser.post("/account/second-factor/", {"password": PASSWORD}).content.decode()
    shown = browser.post("/account/second-factor/", {"code": code(user, steps=-1)}).content.decode()
    assert shown.count("<li><code>") == 8
    wrong = browser.post("/account/second-factor/?next=/admin/x/", {"code": "wrong"})
    assert "code wrong or already used" in wrong.content.decode()
    right = browser.post("/account/second-factor/?next=/admin/x/", {"code": code(user)})
    assert (right.status_code, right["Location"]) == (302, "/admin/x/")
    stray = browser.post("/account/second-factor/?next=https://evil.example/", {"code": code(user, steps=1)})
    assert (stray.status_code, stray["Location"]) == (302, "/admin/")


def test_a_lost_operator_is_let_back_in(sqlite: object) -> None:
    user = User.objects.create_superuser("operator@example.com", PASSWORD)
    enrol(user)
    tokens = tokens_issue(family_start(user, at=clock_ns(), address=""), at=clock_ns())
    User.objects.create_user("trader@example.com", PASSWORD)
    printed = StringIO()

    for email in ("trader@example.com", "nobody@example.com"):
        with pytest.raises(CommandError):
            call_command("operator_login", email)
    call_command("operator_login", "Operator@example.com", "--remove-second-factor", stdout=printed)

    page, _, token = printed.getvalue().strip().removeprefix("http://testserver").partition("#")
    browser = Client()
    assert 'name="token"' in browser.get(page).content.decode()
    new = {"token": token, "new_password": "a wholly new password", "new_password_again": "a wholly new password"}
    assert "not the same" in browser.post(page, {**new, "new_password_again": "another"}).content.decode()
    assert "too common" in browser.post(page, dict.fromkeys(new, "password1234") | {"token": token}).content.decode()
    assert "logged out everywhere" in browser.post(page, new).content.decode()
    assert User.objects.get(pk=user.pk).check_password("a wholly new password")
    assert not second_factor_has(user)
    with pytest.raises(TokenInvalidError):
        access_family(tokens.access, at=clock_ns())
    assert "not valid any more" in Client().post(page, new).content.decode()


def acts() -> list[tuple[int | None, str, str, str, str]]:
    rows = AuditRecord.objects.order_by("number")
    return list(rows.values_list("actor", "action", "subject", "before", "after"))


def test_what_the_console_does_to_an_operator_is_written_down(databases: str) -> None:
    lost = User.objects.create_superuser("lost@example.com", PASSWORD, is_active=False)
    enrol(lost)

    call_command("operator_login", "lost@example.com", "--remove-second-factor", stdout=StringIO())
    call_command("operator_login", "lost@example.com", stdout=StringIO())
    call_command("operator_login", "New@example.com", "--create", stdout=StringIO())

    new = User.objects.get(email="new@example.com")
    assert acts() == [
        (
            None,
            "user.login_link",
            f"user {lost.pk}",
            '{"is_active":false,"second_factor":true}',
            '{"is_active":true,"second_factor":false}',
        ),
        (None, "user.login_link", f"user {lost.pk}", "{}", "{}"),
        (
            None,
            "user.login_link",
            f"user {new.pk}",
            "{}",
            '{"email":"new@example.com","is_active":true,"is_staff":true,"is_superuser":true}',
        ),
    ]
    records_verify()


def test_what_the_console_cannot_write_down_it_does_not_do(databases: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = User.objects.create_superuser("lost@example.com", PASSWORD, is_active=False)
    enrol(lost)
    version = lost.session_version

    def fail(*_arguments: Any, **_options: Any) -> int:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(operator_login, "record", fail)
    printed = StringIO()
    for options in (["lost@example.com", "--remove-second-factor"], ["new@example.com", "--create"]):
        with pytest.raises(RuntimeError):
            call_command("operator_login", *options, stdout=printed)

    lost.refresh_from_db()
    assert (lost.is_active, lost.session_version, second_factor_has(lost)) == (False, version, True)
    assert not User.objects.filter(email="new@example.com").exists()
    assert not printed.getvalue()
    for email in ("trader@example.com", "nobody@example.com"):
        with pytest.raises(CommandError):
            call_command("operator_login", email)
    assert not AuditRecord.objects.exists()
