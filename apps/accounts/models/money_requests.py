"""Deposits, withdrawals and adjustments that one operator asks for and another decides."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q

from apps.accounts.codes import CashKind, RequestStatus
from cift.choices import choices_of, values_of

_WITHOUT_ANOTHER = (RequestStatus.REQUESTED, RequestStatus.REFUSED, RequestStatus.REJECTED, RequestStatus.EXPIRED)
"""Where nobody else has had to decide; a withdrawal is refused before, when it cannot be held."""


class MoneyRequest(models.Model):
    """An amount (smallest units; signed for an adjustment) to be moved between an account and outside.

    `status` moves as `money/lifecycle.py` says. A withdrawal is held from its request until it is booked or given back;
    `held` is the sequence it was held at, 0 for not. While it is `due`, a command of it is still to be sent, under an
    id made of its number, so that sending it again cannot double it.
    """

    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="money_requests", db_constraint=False
    )
    asset = models.ForeignKey(
        "marketdata.Asset", on_delete=models.PROTECT, related_name="money_requests", db_constraint=False
    )
    kind = models.SmallIntegerField(choices=choices_of(CashKind))
    amount = models.BigIntegerField()
    note = models.CharField(max_length=500)
    status = models.SmallIntegerField(choices=choices_of(RequestStatus), default=int(RequestStatus.REQUESTED))
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.BigIntegerField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.BigIntegerField(null=True)
    code = models.CharField(max_length=64, blank=True)
    sequence = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    due = models.BooleanField(default=False)

    class Meta:
        """Newest first; nobody approves their own, and only what is booked has a place in the journal."""

        ordering = ("-id",)
        permissions = (("decide_moneyrequest", "Can approve or reject another operator's money request"),)
        indexes = (
            Index(fields=("status", "-id"), name="money_request_status"),
            Index(fields=("id",), name="money_request_due", condition=Q(due=True)),
        )
        constraints = (
            CheckConstraint(condition=Q(kind__in=values_of(CashKind)), name="money_request_kind"),
            CheckConstraint(condition=Q(status__in=values_of(RequestStatus)), name="money_request_state"),
            CheckConstraint(
                condition=Q(amount__gt=0) | Q(kind=int(CashKind.ADJUSTMENT), amount__lt=0),
                name="money_request_amount",
            ),
            CheckConstraint(
                condition=Q(status__in=[int(each) for each in _WITHOUT_ANOTHER])
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by")),
                name="money_request_four_eyes",
            ),
            CheckConstraint(
                condition=Q(status=int(RequestStatus.BOOKED), sequence__gt=0)
                | ~Q(status=int(RequestStatus.BOOKED)) & Q(sequence=0),
                name="money_request_booked",
            ),
            CheckConstraint(
                condition=Q(due=False) | ~Q(status__in=(int(RequestStatus.BOOKED), int(RequestStatus.REFUSED))),
                name="money_request_due_open",
            ),
        )

    def __str__(self) -> str:
        """Name the request."""
        return f"money request {self.pk}"

    @property
    def command_id(self) -> str:
        """The id it is booked under, or held; no client may use an id with a slash."""
        return f"request/{self.pk}"

    @property
    def settling_id(self) -> str:
        """The id a withdrawal is booked or given back under."""
        return f"{self.command_id}/settle"
