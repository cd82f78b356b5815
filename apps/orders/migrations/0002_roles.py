"""The back office's roles: viewer, operator, risk manager, administrator."""

from django.db import migrations

VIEWED = {
    "accounts": ("account", "balance", "ledgerentry", "moneyrequest", "user"),
    "marketdata": ("asset", "feetier", "instrument"),
    "orders": ("fill", "journalbatch", "order", "position", "positionlimit", "projection", "venuestate"),
}
MONEY = {
    ("accounts", "moneyrequest", "add_moneyrequest"),
    ("accounts", "moneyrequest", "decide_moneyrequest"),
}
VIEWER = {(app, model, f"view_{model}") for app, models in VIEWED.items() for model in models}
OPERATOR = VIEWER | MONEY | {
    ("accounts", "account", "suspend_account"),
    ("accounts", "auditrecord", "view_auditrecord"),
    ("accounts", "user", "change_user"),
    ("marketdata", "instrument", "halt_instrument"),
}
RISK_MANAGER = VIEWER | {
    ("accounts", "account", "limit_account"),
    ("accounts", "account", "suspend_account"),
    ("accounts", "auditrecord", "view_auditrecord"),
    ("marketdata", "feetier", "change_feetier"),
    ("marketdata", "instrument", "change_instrument"),
    ("marketdata", "instrument", "halt_instrument"),
    ("orders", "order", "cancel_order"),
    ("orders", "venuestate", "kill_venuestate"),
}
# Who gives rights moves no money.
ADMINISTRATOR = (
    (OPERATOR - MONEY)
    | RISK_MANAGER
    | {
        ("accounts", "user", "add_user"),
        ("accounts", "user", "grant_user"),
        ("marketdata", "asset", "add_asset"),
        ("marketdata", "instrument", "add_instrument"),
    }
)
ROLES = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "risk manager": RISK_MANAGER,
    "administrator": ADMINISTRATOR,
}


def roles_make(apps, schema_editor):
    """Make the groups and what permissions of theirs Django has not made yet: it does so behind all migrations."""
    database = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    made = {}
    for app, model, codename in sorted(set().union(*ROLES.values())):
        content_type, _ = content_types.get_or_create(app_label=app, model=model)
        made[app, model, codename], _ = permissions.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": _name(apps, app, model, codename)}
        )
    for name, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.set([made[each] for each in sorted(wanted)])


def roles_drop(apps, schema_editor):
    """Remove the groups; the permissions belong to the models."""
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=ROLES).delete()


def _name(apps, app, model, codename):
    options = apps.get_model(app, model)._meta
    return dict(options.permissions).get(codename) or f"Can {codename.partition('_')[0]} {options.verbose_name_raw}"


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_initial"),
        ("accounts", "0001_initial"),
        ("marketdata", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(roles_make, roles_drop)]
