"""Who gives rights moves no money: the administrator's role asks for none and decides about none."""

from django.db import migrations

MONEY = ("add_moneyrequest", "decide_moneyrequest")


def _administrators(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    return groups.filter(name="administrator").first()


def _money(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    return permissions.filter(content_type__app_label="accounts", codename__in=MONEY)


def money_take(apps, schema_editor):
    """Take money from the role, where there is one."""
    group = _administrators(apps, schema_editor)
    if group is not None:
        group.permissions.remove(*_money(apps, schema_editor))


def money_give(apps, schema_editor):
    """Give it back."""
    group = _administrators(apps, schema_editor)
    if group is not None:
        group.permissions.add(*_money(apps, schema_editor))


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_explained"),
        ("accounts", "0007_requests_due"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(money_take, money_give)]
