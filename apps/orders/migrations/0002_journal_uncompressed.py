"""Keep PostgreSQL from compressing the journal's columns: it cost more than half of a commit's time."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

COLUMNS = ("commands", "events")


def storage_set(storage: str, apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("orders", "JournalBatch")._meta.db_table
    for column in COLUMNS:
        schema_editor.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" SET STORAGE {storage}')


def uncompress(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    storage_set("EXTERNAL", apps, schema_editor)


def compress(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    storage_set("EXTENDED", apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunPython(uncompress, compress, hints={"model_name": "journalbatch"})]
