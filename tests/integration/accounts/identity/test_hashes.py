"""An answer costs as many password hashes whoever is asked about: they are nearly all of its time."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.core import mail
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User

PASSWORD = "Correct horse battery"
WRONG = "Another long password"

Ask = Callable[[str], Any]
Hashes = Callable[[Ask, str], int]


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """Count how often a password is hashed while something is asked of an address; a hash within a hash is one."""
    kind = type(get_hasher())
    counted = under_way = 0

    def counting(name: str) -> Callable[..., Any]:
        hashed = getattr(kind, name)

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal counted, under_way
            counted += not under_way
            under_way += 1
            try:
                return hashed(*arguments, **options)
            finally:
                under_way -= 1

        return call

    for name in ("encode", "verify"):
        monkeypatch.setattr(kind, name, counting(name))

    def count(ask: Ask, email: str) -> int:
        before = counted
        ask(email)
        return counted - before

    return count


@pytest.fixture
def users(sqlite: object) -> None:
    User.objects.create_user("known@example.com", PASSWORD)
    User.objects.create_user("inactive@example.com", PASSWORD, is_active=False)
    User.objects.create_user("pending@example.com", PASSWORD, email_confirmed=False, opening_due=True)
    User.objects.create_user("without@example.com", None)
    User.objects.create_superuser("operator@example.com", PASSWORD)


@pytest.fixture
def confirming(settings: Settings) -> None:
    settings.IDENTITIES = {**settings.IDENTITIES, "CONFIRM_EMAIL": True}
    mail.outbox.clear()


def post(path: str, **body: str) -> Any:
    return Client().post(f"/api/v1/auth/{path}", body, content_type="application/json")


EVERYBODY = [
    f"{name}@example.com" for name in ("known", "unknown", "inactive", "pending", "without", "operator", "KNOWN")
]


def test_the_count_is_of_hashes(users: None, hashes: Hashes) -> None:
    def once(email: str) -> None:
        User.objects.get(email=email).check_password(PASSWORD)

    def twice(email: str) -> None:
        User(email=email).set_password(PASSWORD)
        once(email)

    assert [hashes(ask, "known@example.com") for ask in (once, twice, str)] == [1, 2, 0]


@pytest.mark.usefixtures("users", "confirming")
@pytest.mark.parametrize("password", [PASSWORD, WRONG])
def test_a_login_costs_one_hash_whoever_it_is(hashes: Hashes, password: str) -> None:
    def login(email: str) -> None:
        post("token/", email=email, password=password)

    costs = {email: hashes(login, email) for email in EVERYBODY}

    assert costs == dict.fromkeys(EVERYBODY, 1)


@pytest.mark.usefixtures("users", "confirming")
@pytest.mark.parametrize("form", ["/api/login/login/", "/admin/login/"])
@pytest.mark.parametrize("password", [PASSWORD, WRONG])
def test_so_does_a_login_by_a_form(hashes: Hashes, form: str, password: str) -> None:
    def login(email: str) -> None:
        Client().post(form, {"username": email, "password": password})

    costs = {email: hashes(login, email) for email in EVERYBODY}

    assert costs == dict.fromkeys(EVERYBODY, 1)


@pytest.mark.usefixtures("users")
def test_asking_for_a_new_password_costs_none(hashes: Hashes) -> None:
    answers = []

    def forgotten(email: str) -> None:
        answers.append(post("password/reset/", email=email))

    costs = {email: hashes(forgotten, email) for email in EVERYBODY}

    assert costs == dict.fromkeys(EVERYBODY, 0)
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}


@pytest.mark.usefixtures("users", "confirming")
@pytest.mark.parametrize("password", [PASSWORD, WRONG])
def test_a_registration_costs_one_hash_whether_the_address_is_new_known_or_waits(hashes: Hashes, password: str) -> None:
    answers = []

    def register(email: str) -> None:
        answers.append(post("register/", email=email, password=password))

    costs = {email: hashes(register, email) for email in EVERYBODY}

    assert costs == dict.fromkeys(EVERYBODY, 1)
    assert {answer.status_code for answer in answers} == {201}


@pytest.mark.usefixtures("users", "confirming")
def test_who_registers_again_changes_no_password_by_that() -> None:
    before = User.objects.get(email="pending@example.com")
    post("register/", email="pending@example.com", password=WRONG)

    after = User.objects.get(email="pending@example.com")
    assert (after.password, after.session_version) == (before.password, before.session_version)
    assert after.check_password(PASSWORD)
    assert User.objects.get(email="known@example.com").check_password(PASSWORD)


@pytest.mark.usefixtures("users")
def test_where_addresses_need_no_confirmation_a_taken_one_costs_as_many(hashes: Hashes) -> None:
    codes = []

    def register(email: str) -> None:
        codes.append(post("register/", email=email, password=WRONG).json()["code"])

    costs = [hashes(register, f"{name}@example.com") for name in ("known", "unknown", "inactive")]

    # Nothing is listed here, so nobody new can be let in.
    assert codes == ["email_taken", "venue_unavailable", "email_taken"]
    assert costs == [1, 1, 1]
