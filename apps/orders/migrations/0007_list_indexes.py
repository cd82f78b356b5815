"""Indexes for every filter of the lists: each is walked from where a page begins."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0006_verification'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='order',
            name='order_client_order_id',
        ),
        migrations.AddIndex(
            model_name='fill',
            index=models.Index(fields=['account', 'instrument', '-id'], name='fill_instrument'),
        ),
        migrations.AddIndex(
            model_name='fill',
            index=models.Index(condition=models.Q(('liquidity', 1)), fields=['instrument', '-id'], name='fill_trade'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['account', 'client_order_id', '-id'], name='order_client_id'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['account', 'status', 'side', '-id'], name='order_status_side'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['account', 'instrument', 'status', 'side', '-id'], name='order_instrument'),
        ),
    ]
