"""Accounts, balances and the ledger."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.codes import AccountStatus, SelfTradePrevention
from apps.accounts.commands import ChangeAccount
from apps.accounts.models import FEE_TIER_MAX, Account, Balance, LedgerEntry
from apps.accounts.services import account_change
from cift.backoffice.acts import actor_of, command_act, deadline
from cift.backoffice.tables import CommandAdmin, ProjectedAdmin, flag_column, moment_shown, number_shown

OPEN_ORDERS_MAX = 1_048_575
"""The most open orders a shard can have."""

_SWITCHES = ("status", "killed")
_LIMITS = ("fee_tier", "open_orders_max", "stp")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """What may change about an account."""

    class Meta:
        """Its switches and its limits."""

        model = Account
        fields = (*_SWITCHES, *_LIMITS)
        labels: ClassVar[dict[str, str]] = {"killed": "Kill switch", "stp": "Self-trade prevention"}

    def clean_fee_tier(self) -> int:
        """Hold it within the tiers there are."""
        return _bounded(self.cleaned_data["fee_tier"], FEE_TIER_MAX)

    def clean_open_orders_max(self) -> int:
        """Hold it within what a shard can have."""
        return _bounded(self.cleaned_data["open_orders_max"], OPEN_ORDERS_MAX)


def _bounded(value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise forms.ValidationError(f"From 0 to {most:,}.")
    return value


class FeeTierFilter(admin.SimpleListFilter):
    """The tiers there may be: which there are, only reading every account would tell."""

    title = "fee tier"
    parameter_name = "fee_tier"

    def lookups(self, *_arguments: Any) -> list[tuple[str, str]]:
        """Return all of them."""
        return [(str(tier), str(tier)) for tier in range(FEE_TIER_MAX + 1)]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Account]) -> QuerySet[Account]:
        """Keep one tier's; there is none of another name."""
        value = self.value()
        if value is None:
            return rows
        return rows.filter(fee_tier=int(value)) if value in dict(self.lookup_choices) else rows.none()


@admin.register(Account)
class AccountAdmin(CommandAdmin):
    """Who trades."""

    form = AccountForm
    is_killed = staticmethod(flag_column("killed", description="Kill switch", yes="danger"))
    is_simulated = staticmethod(flag_column("simulated", description="Simulated"))
    list_display = (
        "id",
        "owner",
        "status",
        "is_killed",
        "fee_tier",
        "open_orders_max",
        "self_trade_prevention",
        "opened",
        "is_simulated",
    )
    list_filter = ("status", "killed", FeeTierFilter, "simulated")
    list_select_related = ("owner",)
    search_numbers: ClassVar[dict[str, str]] = {"account": "id"}
    search_words: ClassVar[dict[str, str]] = {"owner": "owner__email"}
    ordering = ("-id",)
    newest_by = "id"
    fields = ("id", "owner", "group", "opened", "is_simulated", *_SWITCHES, *_LIMITS)

    def has_change_permission(self, request: HttpRequest, _account: Account | None = None) -> bool:
        """Allow it to who may change a part of it."""
        return self._may_suspend(request) or self._may_limit(request)

    def get_readonly_fields(self, request: HttpRequest, _account: Account | None = None) -> tuple[str, ...]:
        """Show what is not theirs to change."""
        return (
            "id",
            "owner",
            "group",
            "opened",
            "is_simulated",
            *(() if self._may_suspend(request) else _SWITCHES),
            *(() if self._may_limit(request) else _LIMITS),
        )

    def command_send(self, request: HttpRequest, account: Account, form: Any) -> None:
        """Send the change."""
        changed: dict[str, Any] = {name: form.cleaned_data[name] for name in form.changed_data}
        before = {name: form.initial[name] for name in changed}
        after = dict(changed)
        kinds = {"status": AccountStatus, "stp": SelfTradePrevention}
        for name, kind in kinds.items():
            if name in changed:
                changed[name] = kind(changed[name])
        command_act(
            actor_of(request),
            action="account.change",
            subject=f"account {account.pk}",
            before=before,
            after=after,
            command=lambda: account_change(ChangeAccount(account=account.pk, deadline=deadline(), **changed)),
        )

    @admin.display(description="self-trades")
    def self_trade_prevention(self, account: Account) -> str:
        """Show how they are prevented."""
        return account.get_stp_display()

    @admin.display(description="opened at")
    def opened(self, account: Account) -> str:
        """Show when."""
        return moment_shown(account.opened_at)

    def _may_suspend(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.suspend_account")

    def _may_limit(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.limit_account")


@admin.register(Balance)
class BalanceAdmin(ProjectedAdmin):
    """What accounts hold."""

    list_display = ("account", "asset", "total_shown", "held_shown", "free_shown")
    list_filter = ("asset",)
    list_select_related = ("account", "asset")
    search_numbers: ClassVar[dict[str, str]] = {"account": "account_id"}
    search_words: ClassVar[dict[str, str]] = {"owner": "account__owner__email"}
    ordering = ("-id",)
    newest_by = "id"
    fields = ("account", "asset", "total_shown", "held_shown", "free_shown", "sequence")

    @admin.display(description="total")
    def total_shown(self, balance: Balance) -> str:
        """Show all of it."""
        return number_shown(balance.total, scale=balance.asset.scale)

    @admin.display(description="held")
    def held_shown(self, balance: Balance) -> str:
        """Show what is set aside."""
        return number_shown(balance.held, scale=balance.asset.scale)

    @admin.display(description="free")
    def free_shown(self, balance: Balance) -> str:
        """Show what is not."""
        return number_shown(balance.total - balance.held, scale=balance.asset.scale)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ProjectedAdmin):
    """Each movement of money."""

    list_display = ("sequence", "leg", "created", "account", "asset", "amount_shown", "kind")
    list_filter = ("kind", "asset")
    list_select_related = ("account", "asset")
    search_numbers: ClassVar[dict[str, str]] = {"account": "account_id", "sequence": "sequence"}
    newest_by = "sequence"
    fields = ("sequence", "leg", "created", "account", "asset", "amount_shown", "kind")

    @admin.display(description="at")
    def created(self, entry: LedgerEntry) -> str:
        """Show when."""
        return moment_shown(entry.created_at)

    @admin.display(description="amount")
    def amount_shown(self, entry: LedgerEntry) -> str:
        """Show how much."""
        return number_shown(entry.amount, scale=entry.asset.scale)
