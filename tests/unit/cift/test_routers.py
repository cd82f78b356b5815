from typing import Any

import pytest
from django.apps import apps
from django.db import connections, router
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import TokenFamily, User
from apps.orders.models import JournalBatch
from cift.routers import ALIASES, AliasRouter


def test_every_model_named_by_the_router_is_there() -> None:
    for label in ALIASES:
        apps.get_model(label)


@pytest.mark.parametrize(
    ("label", "alias"),
    [("orders.JournalBatch", "journal"), ("orders.Snapshot", "snapshots"), ("orders.Order", "default")],
)
def test_a_model_is_read_and_written_where_it_lives(label: str, alias: str) -> None:
    model = apps.get_model(label)

    assert router.db_for_read(model) == router.db_for_write(model) == alias
    assert [name for name in connections if router.allow_migrate_model(name, model)] == [alias]


def test_a_lazy_user_is_related_as_the_user_behind_it() -> None:
    lazy: Any = SimpleLazyObject(lambda: User(email="a@example.com"))

    assert AliasRouter().allow_relation(lazy, TokenFamily())
    assert not AliasRouter().allow_relation(lazy, JournalBatch())
