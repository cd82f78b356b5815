"""Fix an engine's bounds when its shard opens; keep PostgreSQL from compressing snapshots, as the journal."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def storage_set(storage: str, apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        table = apps.get_model("orders", "Snapshot")._meta.db_table
        schema_editor.execute(f'ALTER TABLE "{table}" ALTER COLUMN "data" SET STORAGE {storage}')


def uncompress(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    storage_set("EXTERNAL", apps, schema_editor)


def compress(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    storage_set("EXTENDED", apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0002_journal_uncompressed'),
    ]

    operations = [
        migrations.CreateModel(
            name='EngineBounds',
            fields=[
                ('shard', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('open_orders_max', models.BigIntegerField()),
                ('ids_max', models.BigIntegerField()),
                ('ids_window_ns', models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(uncompress, compress, hints={"model_name": "snapshot"}),
    ]
