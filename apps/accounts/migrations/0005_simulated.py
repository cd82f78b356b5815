from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_withdrawals'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='simulated',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
