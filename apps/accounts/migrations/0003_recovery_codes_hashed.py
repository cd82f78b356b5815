"""Recovery codes that were kept as they are shown become digests of themselves."""

from django.db import migrations
from django.utils.crypto import salted_hmac

_SALT = "apps.accounts.identity.second_factor.recovery"


def codes_hash(apps, schema_editor):
    """Replace each code by what is kept of it since: as `second_factor.code_check` looks for it."""
    codes = apps.get_model("otp_static", "StaticToken").objects.using(schema_editor.connection.alias)
    for code in codes.iterator():
        code.token = salted_hmac(_SALT, code.token, algorithm="sha256").hexdigest()[:16]
        code.save(update_fields=["token"])


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_identities_swept'),
        ('otp_static', '0003_add_timestamps'),
    ]

    operations = [
        migrations.RunPython(codes_hash, migrations.RunPython.noop),
    ]
