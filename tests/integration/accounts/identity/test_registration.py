"""Registration where an address must be confirmed first, and what nobody is told."""

import base64
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.identity.mails import confirmation_token, reset_token
from apps.accounts.identity.sweeping import registrations_sweep
from apps.accounts.models import User

PASSWORD = "Correct horse battery"
EMAIL = "new@example.com"
STRANGERS = "The stranger's password"


@pytest.fixture(autouse=True)
def confirming(sqlite: object, settings: Settings) -> None:
    settings.IDENTITIES = {**settings.IDENTITIES, "CONFIRM_EMAIL": True}
    mail.outbox.clear()


def post(path: str, **body: str) -> Any:
    return Client().post(f"/api/v1/auth/{path}", body, content_type="application/json")


def mailed(number: int = 1) -> str:
    """Wait for the mails sent behind the answers; give the last one."""
    give_up_at = time.monotonic() + 10
    while len(mail.outbox) < number:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    return str(mail.outbox[number - 1].body)


def login() -> tuple[int, str | None]:
    answer = post("token/", email=EMAIL, password=PASSWORD)
    return answer.status_code, answer.json().get("code")


def test_nobody_logs_in_before_the_address_is_confirmed() -> None:
    assert post("register/", email=EMAIL, password=PASSWORD).status_code == 201
    token = re.findall(r"email/confirm/:\n(\S+)", mailed())[0]
    assert login() == (403, "email_unconfirmed")
    form = {"username": EMAIL, "password": PASSWORD}
    assert "correct" in Client().post("/api/login/login/", form).content.decode()

    assert post("email/confirm/", token=token[:-1] + "_").status_code == 400
    assert post("email/confirm/", token=token).status_code == 200

    assert login() == (200, None)


def test_following_the_mailed_link_confirms_nothing_until_its_button_is_pressed() -> None:
    post("register/", email=EMAIL, password=PASSWORD)
    link, token = re.findall(r"http://testserver(/account/confirm/)#(\S+)", mailed())[0]

    assert "<button>Confirm" in Client().get(link).content.decode()
    assert not User.objects.get(email=EMAIL).email_confirmed
    assert "You can log in now" in Client().post(link, {"token": token}).content.decode()
    assert User.objects.get(email=EMAIL).email_confirmed
    assert "not valid any more" in Client().post(link, {"token": "forged:token:x"}).content.decode()


def test_who_registers_is_not_told_that_the_address_has_an_account() -> None:
    first = post("register/", email=EMAIL, password=PASSWORD)
    User.objects.filter(email=EMAIL).update(email_confirmed=True)
    second = post("register/", email=EMAIL.upper(), password="Another long password")

    assert first.content == second.content
    assert first.status_code == second.status_code == 201
    assert "has an account already" in mailed(2)
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_a_stranger_s_unconfirmed_registration_is_no_hold_on_the_address() -> None:
    post("register/", email=EMAIL, password="The stranger's password")
    user = User.objects.get(email=EMAIL)
    User.objects.filter(pk=user.pk).update(created_at=timezone.now() - timedelta(days=8))

    assert registrations_sweep() == 1
    assert not User.objects.filter(email=EMAIL).exists()


@pytest.mark.parametrize("first", [STRANGERS, PASSWORD])
def test_of_several_registrations_of_an_address_the_one_that_is_confirmed_has_its_password(first: str) -> None:
    tokens = {}
    for number, password in enumerate((first, *({STRANGERS, PASSWORD} - {first})), 1):
        post("register/", email=EMAIL, password=password)
        tokens[password] = re.findall(r"email/confirm/:\n(\S+)", mailed(number))[0]

    assert post("email/confirm/", token=tokens[PASSWORD]).status_code == 200
    assert post("email/confirm/", token=tokens[STRANGERS]).status_code == 400
    # Who presses the button twice is told the same.
    assert post("email/confirm/", token=tokens[PASSWORD]).status_code == 200

    assert login() == (200, None)
    assert post("token/", email=EMAIL, password=STRANGERS).status_code == 401


def test_a_confirmation_sets_no_password_once_another_was_set_by_mail() -> None:
    post("register/", email=EMAIL, password=STRANGERS)
    confirmation = re.findall(r"email/confirm/:\n(\S+)", mailed())[0]
    reset = reset_token(User.objects.get(email=EMAIL))
    assert post("password/reset/confirm/", token=reset, password=PASSWORD).status_code < 300

    assert post("email/confirm/", token=confirmation).status_code == 400
    assert login() == (200, None)


def test_a_mailed_confirmation_shows_no_hash_and_runs_out(settings: Settings) -> None:
    post("register/", email=EMAIL, password=PASSWORD)
    token = re.findall(r"email/confirm/:\n(\S+)", mailed())[0]
    hashed = User.objects.get(email=EMAIL).password
    assert hashed not in mailed()
    assert hashed.encode() not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    settings.IDENTITIES = {**settings.IDENTITIES, "CONFIRMATION_DAYS": -1}
    assert post("email/confirm/", token=token).status_code == 400


def test_a_confirmation_of_a_former_address_is_not_one_of_the_present_one() -> None:
    user = User.objects.create_user("before@example.com", PASSWORD, email_confirmed=False)
    token = confirmation_token(user, password=user.password)
    User.objects.filter(pk=user.pk).update(email="after@example.com")

    assert post("email/confirm/", token=token).status_code == 400


def test_a_sweep_leaves_who_is_confirmed_and_who_is_new() -> None:
    User.objects.create_user("confirmed@example.com", PASSWORD, created_at=timezone.now() - timedelta(days=99))
    User.objects.create_user("fresh@example.com", PASSWORD, email_confirmed=False, opening_due=True)

    assert registrations_sweep() == 0
