"""What the venue remembers of who is logged in. Times are ns since the epoch, UTC.

A token family is one login: its access tokens name it, its refresh token is exchanged for the next generation's, and a
socket lives as long as it does. It is alive while it has not been ended, has not run out, and was made under the
session version its user still has; so a new version ends all of a user's families at once.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Index, Q, QuerySet

ADDRESS_LENGTH_MAX = 45
"""An IPv6 address in its longest form."""


class TokenFamilyQuerySet(QuerySet["TokenFamily"]):
    """Queries of token families."""

    def alive(self, *, at: int) -> "TokenFamilyQuerySet":
        """Keep those that let their user in at a time."""
        return self.filter(
            ended_at=None, expires_at__gt=at, user__is_active=True, user__session_version=F("session_version")
        )


class TokenFamily(models.Model):
    """One login; only the refresh token of the current generation is exchanged."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_families")
    session_version = models.BigIntegerField()
    generation = models.BigIntegerField(default=1)
    created_at = models.BigIntegerField()
    used_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)
    end_reason = models.CharField(max_length=20, blank=True)
    second_factor_at = models.BigIntegerField(null=True)
    address = models.CharField(max_length=ADDRESS_LENGTH_MAX, blank=True)

    objects: ClassVar[models.Manager["TokenFamily"]] = models.Manager.from_queryset(TokenFamilyQuerySet)()

    class Meta:
        """Newest first; swept when they have run out, or a while after they were ended."""

        verbose_name_plural = "token families"
        ordering = ("-id",)
        indexes = (
            Index(fields=("expires_at",), name="token_family_expiry"),
            Index(fields=("ended_at",), name="token_family_end", condition=Q(ended_at__isnull=False)),
        )

    def __str__(self) -> str:
        """Name the family."""
        return f"token family {self.pk} of user {self.user_id}"


class SocketTicket(models.Model):
    """Opens one socket, once; only a hash of what the client holds is kept."""

    digest = models.CharField(max_length=64, primary_key=True)
    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="tickets")
    expires_at = models.BigIntegerField()

    class Meta:
        """Swept when they have run out."""

        indexes = (Index(fields=("expires_at",), name="socket_ticket_expiry"),)

    def __str__(self) -> str:
        """Name the ticket by its family; its digest says nothing."""
        return f"socket ticket of token family {self.family_id}"


class RateMark(models.Model):
    """How far ahead of the clock somebody's requests run; `ahead_until` behind the clock is as good as no row."""

    key = models.CharField(max_length=64, primary_key=True)
    ahead_until = models.BigIntegerField()

    class Meta:
        """Swept when they are behind the clock."""

        indexes = (Index(fields=("ahead_until",), name="rate_mark_expiry"),)

    def __str__(self) -> str:
        """Name the mark."""
        return f"rate mark {self.key}"
