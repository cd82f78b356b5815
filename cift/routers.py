"""Which database a model lives in."""

from typing import Any

from django.db.models import Model

ALIASES = {
    "orders.journalbatch": "journal",
    "orders.writerlease": "journal",
    "orders.tradinghalt": "journal",
    "orders.enginebounds": "journal",
    "orders.bookmark": "snapshots",
    "orders.snapshot": "snapshots",
    "orders.verification": "snapshots",
}
"""The models that do not live in the default database."""


class AliasRouter:
    """Sends the journal's and the snapshots' models to their own databases, all others to the default."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        """Name the database a model is read from."""
        return ALIASES.get(model._meta.label_lower, "default")

    def db_for_write(self, model: type[Model], **_hints: Any) -> str:
        """Name the database a model is written to."""
        return ALIASES.get(model._meta.label_lower, "default")

    def allow_relation(self, one: Model, other: Model, **_hints: Any) -> bool:
        """Allow relations within a database only."""
        # Django's lazy `request.user` is of a type that is no model; its class is asked of the user behind it.
        return self.db_for_read(one.__class__) == self.db_for_read(other.__class__)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **_hints: Any) -> bool:
        """Make a model's table in its own database; migrations without a model run in the default."""
        return ALIASES.get(f"{app_label}.{model_name}", "default") == db
