from typing import Any

import pytest
from django.db import IntegrityError

from apps.accounts.codes import ACCOUNT_EXTERNAL
from apps.accounts.models import Balance, LedgerEntry, User

pytestmark = pytest.mark.django_db


def balance(**changes: Any) -> Balance:
    return Balance.objects.create(**{"account_id": 3, "asset_id": 1, "total": 10, "held": 0, "sequence": 1, **changes})


@pytest.mark.parametrize(("total", "held"), [(10, 11), (10, -1), (-1, -1), (-1, 0)])
def test_a_balance_never_holds_more_than_it_has_nor_less_than_nothing(total: int, held: int) -> None:
    with pytest.raises(IntegrityError):
        balance(total=total, held=held)


def test_only_the_outside_world_owes() -> None:
    assert balance(account_id=ACCOUNT_EXTERNAL, total=-10).total == -10


def test_an_account_has_one_balance_of_an_asset() -> None:
    balance()
    with pytest.raises(IntegrityError):
        balance()


def test_a_leg_of_an_event_is_booked_once() -> None:
    leg = {"sequence": 1, "leg": 0, "account_id": 3, "asset_id": 1, "amount": 5, "kind": 0, "created_at": 0}
    LedgerEntry.objects.create(**leg)
    with pytest.raises(IntegrityError):
        LedgerEntry.objects.create(**leg)


def test_an_address_names_one_user_in_any_case() -> None:
    user = User.objects.create_user("Ada@Example.com", "secret")

    assert User.objects.get_by_natural_key(" ADA@example.COM") == user
    with pytest.raises(IntegrityError):
        User.objects.create_user("ada@example.com", "secret")


def test_an_address_is_never_stored_in_upper_case() -> None:
    with pytest.raises(IntegrityError):
        User.objects.create(email="Ada@Example.com")


def test_a_user_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("", "secret")


def test_a_password_and_none_each_bring_a_new_session_version() -> None:
    user = User.objects.create_user("ada@example.com", "secret")
    seen = {user.session_version}

    for password in ("another secret", None):
        if password is None:
            user.set_unusable_password()
        else:
            user.set_password(password)
        user.save(update_fields=["password"])
        seen.add(User.objects.get(pk=user.pk).session_version)

    assert len(seen) == 3
