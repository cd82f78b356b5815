"""Who trades, and what is theirs.

Users are this database's own. Accounts, balances and the ledger are a projection of the journal, written by the
projector alone. Amounts are integers of the asset's smallest unit; times are ns since the epoch, UTC.
"""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.codes import ACCOUNT_EXTERNAL, AccountStatus, LedgerKind, SelfTradePrevention
from cift.choices import choices_of, values_of

FEE_TIER_MAX = 15
"""The highest fee tier."""


_VERSION_BITS = 62


def session_version_make() -> int:
    """Make a session version no user has had: under a new one, nothing issued before lets anybody in."""
    return secrets.randbits(_VERSION_BITS)


class UserManager(BaseUserManager["User"]):
    """Makes users; an address is kept in lower case, so it names one user however it is typed."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user.

        Raises:
            ValueError: no address was given.

        """
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user who may do everything in the back office."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by address, in any case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a program that logs in by e-mail address.

    A new password or none, and any change to a user who may not log in, brings a new session version.
    """

    email = models.EmailField(max_length=254, unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    session_version = models.BigIntegerField(default=session_version_make, editable=False)
    email_confirmed = models.BooleanField(default=True)
    opening_due = models.BooleanField(default=False, editable=False)
    """Registered, but the account or its opening deposit is still to come."""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """One user for an address, in lower case."""

        ordering = ("id",)
        permissions = (("grant_user", "Can give users roles, staff status and passwords"),)
        constraints = (CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),)

    def __str__(self) -> str:
        """Show the address."""
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        """Set the password, under a new session version."""
        super().set_password(raw_password)
        self.session_version = session_version_make()

    def set_unusable_password(self) -> None:
        """Let nobody in by password, under a new session version."""
        super().set_unusable_password()
        self.session_version = session_version_make()

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save, and with a password or a deactivation always the session version that goes with it."""
        if not self.is_active:
            self.session_version = session_version_make()
        if update_fields is not None:
            fields = set(update_fields)
            update_fields = fields | {"session_version"} if fields & {"password", "is_active"} else fields
        super().save(update_fields=update_fields, **options)

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Tie Django's sessions to the session version as well."""
        salt = "apps.accounts.models.User.session"
        return salted_hmac(
            salt, f"{self.password}{self.session_version}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Account(models.Model):
    """A trading account; `id` is the engine's.

    The owner has no database constraint: projecting the journal must not depend on a table the journal cannot rebuild.
    """

    id = models.BigIntegerField(primary_key=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts", null=True, db_constraint=False)
    group = models.BigIntegerField()
    status = models.SmallIntegerField(choices=choices_of(AccountStatus))
    killed = models.BooleanField()
    fee_tier = models.SmallIntegerField()
    open_orders_max = models.BigIntegerField()
    stp = models.SmallIntegerField(choices=choices_of(SelfTradePrevention))
    opened_at = models.BigIntegerField()
    sequence = models.BigIntegerField()
    simulated = models.BooleanField(default=False, db_default=False)
    """Traded by an agent of the simulated market; this table's own, not the journal's."""

    class Meta:
        """In the order of opening."""

        ordering = ("id",)
        permissions = (
            ("suspend_account", "Can suspend an account and set its kill switch"),
            ("limit_account", "Can set an account's limits, fee tier and self-trade prevention"),
        )
        constraints = (
            CheckConstraint(condition=Q(status__in=values_of(AccountStatus)), name="account_status"),
            CheckConstraint(condition=Q(stp__gt=0, stp__in=values_of(SelfTradePrevention)), name="account_stp"),
            CheckConstraint(condition=Q(fee_tier__gte=0, fee_tier__lte=FEE_TIER_MAX), name="account_fee_tier"),
        )

    def __str__(self) -> str:
        """Name the account."""
        return f"account {self.pk}"


class Balance(models.Model):
    """What an account holds of an asset; `held` of it is set aside for open orders and withdrawals."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="balances", db_constraint=False, db_index=False
    )
    asset = models.ForeignKey(
        "marketdata.Asset", on_delete=models.PROTECT, related_name="balances", db_constraint=False, db_index=False
    )
    total = models.BigIntegerField()
    held = models.BigIntegerField()
    sequence = models.BigIntegerField()

    class Meta:
        """One row for an account and an asset; only the outside world owes."""

        ordering = ("account", "asset")
        constraints = (
            UniqueConstraint(fields=("account", "asset"), name="balance_unique"),
            CheckConstraint(
                condition=Q(account=ACCOUNT_EXTERNAL) | Q(held__gte=0, held__lte=F("total")),
                name="balance_held_within_total",
            ),
        )

    def __str__(self) -> str:
        """Name the balance."""
        return f"balance of account {self.account_id} in asset {self.asset_id}"


class LedgerEntry(models.Model):
    """One leg of a movement of money; the legs of one event sum to 0 for each asset."""

    sequence = models.BigIntegerField()
    leg = models.SmallIntegerField()
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="ledger", db_constraint=False, db_index=False
    )
    asset = models.ForeignKey(
        "marketdata.Asset", on_delete=models.PROTECT, related_name="ledger", db_constraint=False, db_index=False
    )
    amount = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=choices_of(LedgerKind))
    created_at = models.BigIntegerField()

    class Meta:
        """Newest first; an event's leg is written once."""

        verbose_name_plural = "ledger entries"
        ordering = ("-sequence", "-leg")
        indexes = (Index(fields=("account", "-sequence", "-leg"), name="ledger_account"),)
        constraints = (
            UniqueConstraint(fields=("sequence", "leg"), name="ledger_unique"),
            CheckConstraint(condition=Q(kind__in=values_of(LedgerKind)), name="ledger_kind"),
        )

    def __str__(self) -> str:
        """Name the entry."""
        return f"leg {self.leg} of event {self.sequence}"


class LedgerCarried(models.Model):
    """What ledger entries of a simulated market summed to that have left the table; the journal has them still."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="ledger_carried", db_constraint=False, db_index=False
    )
    asset = models.ForeignKey(
        "marketdata.Asset", on_delete=models.PROTECT, related_name="ledger_carried", db_constraint=False, db_index=False
    )
    amount = models.BigIntegerField()

    class Meta:
        """One row for an account and an asset."""

        constraints = (UniqueConstraint(fields=("account", "asset"), name="ledger_carried_unique"),)

    def __str__(self) -> str:
        """Name what is carried."""
        return f"carried for account {self.account_id} in asset {self.asset_id}"
