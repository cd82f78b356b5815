"""Withdrawals as the journal has them: what is asked for and held, and what became of it."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from apps.accounts.codes import WithdrawalStatus
from cift.choices import choices_of, values_of


class Withdrawal(models.Model):
    """An amount (smallest units) set aside to leave an account; `id` is the sequence it was asked for at.

    A projection of the journal, written by the projector alone.
    """

    id = models.BigIntegerField(primary_key=True)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="withdrawals", db_constraint=False, db_index=False
    )
    command_id = models.CharField(max_length=64)
    asset = models.ForeignKey(
        "marketdata.Asset", on_delete=models.PROTECT, related_name="withdrawals", db_constraint=False, db_index=False
    )
    amount = models.BigIntegerField()
    status = models.SmallIntegerField(choices=choices_of(WithdrawalStatus))
    requested_at = models.BigIntegerField()
    settled_at = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField()

    class Meta:
        """Newest first; what is not settled has no time of it."""

        ordering = ("-id",)
        indexes = (Index(fields=("account", "-id"), name="withdrawal_account"),)
        constraints = (
            CheckConstraint(condition=Q(amount__gt=0), name="withdrawal_amount"),
            CheckConstraint(condition=Q(status__in=values_of(WithdrawalStatus)), name="withdrawal_status"),
            CheckConstraint(
                condition=Q(status=int(WithdrawalStatus.REQUESTED), settled_at__isnull=True)
                | ~Q(status=int(WithdrawalStatus.REQUESTED)) & Q(settled_at__isnull=False),
                name="withdrawal_settled",
            ),
        )

    def __str__(self) -> str:
        """Name the withdrawal."""
        return f"withdrawal {self.command_id} of account {self.account_id}"
