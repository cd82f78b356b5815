"""What operators did: records that are only ever added, each bound to the one before by a hash."""

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q

GENESIS = bytes(32)
"""What the first record is bound to."""


class ActOutcome(StrEnum):
    """What a record says of an act.

    An act that sends a command has two records: `asked` before it is sent, and behind it how it ended. One without an
    end was cut off: what came of it is in the journal. An act on this database's own tables is `done` in their commit.
    """

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class AuditRecord(models.Model):
    """One record; `number` counts from 1 without a gap, `at` is ns since the epoch, UTC.

    `before` and `after` are JSON objects of what changed, `sequence` is the journal's (0: none), `about` the number of
    the record this one ends (0: none). The actor's address is kept beside the reference, as it was.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.BigIntegerField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="audit_records", null=True, db_index=False
    )
    actor_email = models.CharField(max_length=254)
    address = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=128)
    outcome = models.CharField(max_length=8, choices=[(each.value, each.value) for each in ActOutcome])
    code = models.CharField(max_length=64, blank=True)
    before = models.TextField()
    after = models.TextField()
    sequence = models.BigIntegerField(default=0)
    about = models.BigIntegerField(default=0)
    chain = models.BinaryField(max_length=32)

    class Meta:
        """Newest first."""

        ordering = ("-number",)
        indexes = (
            Index(fields=("subject", "-number"), name="audit_record_subject"),
            Index(fields=("actor", "-number"), name="audit_record_actor"),
        )
        constraints = (
            CheckConstraint(condition=Q(number__gte=1, sequence__gte=0, about__gte=0), name="audit_record_counts"),
            CheckConstraint(condition=Q(outcome__in=[each.value for each in ActOutcome]), name="audit_record_outcome"),
        )

    def __str__(self) -> str:
        """Name the record."""
        return f"audit record {self.number}"


class AuditHead(models.Model):
    """The last record's number and chain hash, one row: who appends locks it, so that records queue up."""

    id = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    chain = models.BinaryField(max_length=32)

    class Meta:
        """There is one."""

        constraints = (CheckConstraint(condition=Q(id=1, number__gte=0), name="audit_head_single"),)

    def __str__(self) -> str:
        """Say how many records there are."""
        return f"{self.number} audit records"
