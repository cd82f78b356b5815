"""The operator's pages: every table can be looked at, and none that comes from the journal can be edited."""

import pytest
from django.contrib import admin
from django.test import Client

from apps.accounts.models import User
from cift.admin import ProjectedAdmin

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator@example.com", "secret"))
    return client


PROJECTED = [
    f"{model._meta.app_label}/{model._meta.model_name}"
    for model, registered in admin.site._registry.items()
    if isinstance(registered, ProjectedAdmin)
]


def test_every_projected_table_an_operator_asks_for_is_there() -> None:
    assert {"accounts/balance", "marketdata/instrument", "orders/order", "orders/fill"} <= set(PROJECTED)


@pytest.mark.parametrize("table", PROJECTED)
def test_a_projected_table_is_shown_and_not_edited(operator: Client, table: str) -> None:
    assert operator.get(f"/admin/{table}/").status_code == 200
    assert operator.get(f"/admin/{table}/?q=1").status_code in {200, 302}
    assert operator.get(f"/admin/{table}/add/").status_code == 403


def test_an_operator_makes_a_user_whose_address_is_kept_in_lower_case(operator: Client) -> None:
    password = "a-long-passphrase-7"
    response = operator.post(
        "/admin/accounts/user/add/",
        {"email": "Ada@Example.com", "usable_password": "true", "password1": password, "password2": password},
    )
    assert response.status_code == 302, response.content

    user = User.objects.get(email="ada@example.com")
    assert user.check_password(password)
    assert operator.get(f"/admin/accounts/user/{user.pk}/change/").status_code == 200


def test_a_trader_has_no_back_office(client: Client) -> None:
    client.force_login(User.objects.create_user("trader@example.com", "secret"))

    assert client.get("/admin/accounts/balance/").status_code == 302
