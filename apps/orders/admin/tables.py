"""Orders, fills, positions and their limits."""

import re
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.accounts.commands import SetPositionLimit
from apps.accounts.models import Account
from apps.accounts.services import position_limit_set
from apps.marketdata.models import Instrument
from apps.orders.lifecycle import REACHABLE
from apps.orders.models import OPEN_STATUSES, Fill, Order, Position, PositionLimit
from apps.orders.selectors import with_base
from apps.orders.shapes import position_side
from cift.backoffice.acts import actor_of, command_act, deadline
from cift.backoffice.tables import CommandAdmin, ProjectedAdmin, moment_shown, number_shown
from cift.decimals import DecimalError, decimal_parse
from cift.wire.reasons import Reason

FOUND_MAX = 100
"""The most orders shown of one client order id; old ones may be used again."""

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII).fullmatch

_ASSETS = ("account", "instrument__base", "instrument__quote")


class OpenFilter(admin.SimpleListFilter):
    """Whether an order may still trade."""

    title = "open"
    parameter_name = "open"

    def lookups(self, *_arguments: Any) -> list[tuple[str, str]]:
        """Return the one choice beside all."""
        return [("1", "Open")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Order]) -> QuerySet[Order]:
        """Keep what is open."""
        return rows.filter(status__in=OPEN_STATUSES) if self.value() == "1" else rows


class StatusFilter(admin.SimpleListFilter):
    """Where an order stands: the column's own choices have statuses no order comes to."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, *_arguments: Any) -> list[tuple[str, str]]:
        """Return the statuses an order can have."""
        return [(str(int(status)), status.name.lower()) for status in sorted(REACHABLE)]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Order]) -> QuerySet[Order]:
        """Keep the orders of one status."""
        status = self.value()
        return rows.filter(status=int(status)) if status in {value for value, _ in self.lookups()} else rows


@admin.register(Order)
class OrderAdmin(ProjectedAdmin):
    """What was wanted."""

    list_display = (
        "id",
        "created",
        "account_id",
        "symbol",
        "side",
        "type",
        "price_shown",
        "quantity_shown",
        "filled_shown",
        "status",
        "why",
    )
    list_filter = (OpenFilter, StatusFilter, "side", "instrument")
    list_select_related = _ASSETS
    search_numbers: ClassVar[dict[str, str]] = {"order": "id", "account": "account_id"}
    ordering = ("-id",)
    newest_by = "id"
    fields = (
        "id",
        "client_order_id",
        "account",
        "instrument",
        "side",
        "type",
        "time_in_force",
        "flags",
        "self_trade_prevention",
        "price_shown",
        "quantity_shown",
        "quote_amount_shown",
        "status",
        "why",
        "filled_shown",
        "leaves_quantity",
        "canceled_quantity",
        "notional_shown",
        "fee_shown",
        "created",
        "updated",
        "sequence",
    )

    @property
    def search_help_text(self) -> str:  # type: ignore[override]  # Django only reads it
        """Say what can be searched."""
        return "Search by order:…, account:… and, with an account, id:… (its client order id)"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Take a client's id beside an account: the index has both."""
        terms = search_term.split()
        ids = [term.partition(":")[2] for term in terms if term.startswith("id:")]
        others = [term for term in terms if not term.startswith("id:")]
        if ids:
            account = next((term.partition(":")[2] for term in others if term.startswith("account:")), "")
            # Found without an order, or the database would rather go through all orders of the account.
            rows = Order.objects.filter(account_id=int(account), client_order_id=ids[0]) if _NUMBER(account) else None
            found = [] if rows is None else list(rows.order_by().values_list("id", flat=True)[:FOUND_MAX])
            queryset = queryset.filter(id__in=found)
        return super().get_search_results(request, queryset, " ".join(others))

    @admin.display(description="instrument")
    def symbol(self, row: Order) -> str:
        """Show the symbol on one line."""
        return format_html('<span class="whitespace-nowrap">{}</span>', row.instrument.symbol)

    @admin.display(description="price")
    def price_shown(self, row: Order) -> str:
        """Show the limit."""
        return number_shown(row.price, scale=row.instrument.price_scale) if row.price else "market"

    @admin.display(description="quantity")
    def quantity_shown(self, row: Order) -> str:
        """Show what was wanted."""
        return number_shown(row.quantity, scale=row.instrument.base.scale)

    @admin.display(description="quote amount")
    def quote_amount_shown(self, row: Order) -> str:
        """Show what was wanted of an order by quote amount."""
        return number_shown(row.quote_amount, scale=row.instrument.quote.scale)

    @admin.display(description="filled")
    def filled_shown(self, row: Order) -> str:
        """Show what was done."""
        scale = row.instrument.quote.scale if row.quote_amount else row.instrument.base.scale
        return number_shown(row.filled_quantity, scale=scale)

    @admin.display(description="filled notional")
    def notional_shown(self, row: Order) -> str:
        """Show what it came to."""
        return number_shown(row.filled_notional, scale=row.instrument.quote.scale)

    @admin.display(description="fee")
    def fee_shown(self, row: Order) -> str:
        """Show what it cost."""
        return number_shown(row.fee, scale=row.instrument.quote.scale)

    @admin.display(description="reason")
    def why(self, row: Order) -> str:
        """Show why it was refused or canceled; a long word may break behind its parts."""
        parts = Reason(row.reason).code.split("_") if row.reason else []
        return format_html_join(SafeString("_<wbr>"), "{}", ((part,) for part in parts))

    @admin.display(description="created at")
    def created(self, row: Order) -> str:
        """Show when."""
        return moment_shown(row.created_at)

    @admin.display(description="updated at")
    def updated(self, row: Order) -> str:
        """Show when it last changed."""
        return moment_shown(row.updated_at)


@admin.register(Fill)
class FillAdmin(ProjectedAdmin):
    """What was done."""

    list_display = (
        "id",
        "executed",
        "order_id",
        "account_id",
        "instrument",
        "side",
        "price_shown",
        "quantity_shown",
        "fee_shown",
        "liquidity",
    )
    list_filter = ("side", "liquidity", "instrument")
    list_select_related = _ASSETS
    search_numbers: ClassVar[dict[str, str]] = {"fill": "id", "order": "order_id", "account": "account_id"}
    ordering = ("-id",)
    newest_by = "id"
    fields = (
        "id",
        "trade_id",
        "order_id",
        "account",
        "instrument",
        "side",
        "price_shown",
        "quantity_shown",
        "notional_shown",
        "fee_shown",
        "liquidity",
        "executed",
    )

    @admin.display(description="price")
    def price_shown(self, row: Fill) -> str:
        """Show the price."""
        return number_shown(row.price, scale=row.instrument.price_scale)

    @admin.display(description="quantity")
    def quantity_shown(self, row: Fill) -> str:
        """Show the quantity."""
        return number_shown(row.quantity, scale=row.instrument.base.scale)

    @admin.display(description="notional")
    def notional_shown(self, row: Fill) -> str:
        """Show what it came to."""
        return number_shown(row.notional, scale=row.instrument.quote.scale)

    @admin.display(description="fee")
    def fee_shown(self, row: Fill) -> str:
        """Show what it cost."""
        return number_shown(row.fee, scale=row.instrument.quote.scale)

    @admin.display(description="at")
    def executed(self, row: Fill) -> str:
        """Show when."""
        return moment_shown(row.executed_at)


@admin.register(Position)
class PositionAdmin(ProjectedAdmin):
    """What accounts bought less what they sold, and what they have of the base asset beside it."""

    list_display = (
        "account", "instrument", "side_shown", "quantity_shown", "base_total_shown", "base_held_shown",
        "cost_shown", "realised_shown", "fees_shown",
    )  # fmt: skip
    list_filter = ("instrument",)
    list_select_related = _ASSETS
    search_numbers: ClassVar[dict[str, str]] = {"account": "account_id"}
    ordering = ("-id",)
    newest_by = "id"
    fields = (*list_display, "sequence")

    @admin.display(description="quantity")
    def quantity_shown(self, row: Position) -> str:
        """Show the quantity."""
        return number_shown(row.quantity, scale=row.instrument.base.scale)

    @admin.display(description="side")
    def side_shown(self, row: Position) -> str:
        """Say whether more was bought or sold."""
        return position_side(row.quantity)

    @admin.display(description="base asset, total")
    def base_total_shown(self, row: Position) -> str:
        """Show what the account has of it, by deposits too."""
        return number_shown(row.base_total, scale=row.instrument.base.scale)

    @admin.display(description="base asset, held")
    def base_held_shown(self, row: Position) -> str:
        """Show how much of it open sells and requested withdrawals hold."""
        return number_shown(row.base_held, scale=row.instrument.base.scale)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Position]:
        """Read them with what there is of the base asset."""
        return with_base(super().get_queryset(request))

    @admin.display(description="cost")
    def cost_shown(self, row: Position) -> str:
        """Show what it cost."""
        return number_shown(row.cost, scale=row.instrument.quote.scale)

    @admin.display(description="realised")
    def realised_shown(self, row: Position) -> str:
        """Show what it has brought."""
        return number_shown(row.realised, scale=row.instrument.quote.scale)

    @admin.display(description="fees")
    def fees_shown(self, row: Position) -> str:
        """Show what trading cost."""
        return number_shown(row.fees, scale=row.instrument.quote.scale)


class PositionLimitForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """A limit, as a decimal."""

    account = forms.IntegerField(min_value=1, widget=UnfoldAdminIntegerFieldWidget, help_text="The account's number.")
    instrument = forms.ModelChoiceField(Instrument.objects.select_related("base"), widget=UnfoldAdminSelectWidget)
    limit = forms.CharField(
        max_length=40, widget=UnfoldAdminTextInputWidget, help_text="In whole units of the base asset; 0 for no limit."
    )

    class Meta:
        """Nothing is saved by the form itself."""

        model = PositionLimit
        fields = ()

    def clean_account(self) -> int:
        """Look the account up."""
        number: int = self.cleaned_data["account"]
        if not Account.objects.filter(pk=number).exists():
            raise forms.ValidationError("There is no such account.")
        return number

    def clean(self) -> dict[str, Any]:
        """Read the limit at the base asset's scale."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        instrument, text = cleaned.get("instrument"), cleaned.get("limit")
        if instrument is not None and text is not None:
            try:
                cleaned["limit"] = decimal_parse(text, scale=instrument.base.scale)
            except DecimalError as error:
                self.add_error("limit", error.detail)
            else:
                if cleaned["limit"] < 0:
                    self.add_error("limit", "Not below 0.")
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row to the order service."""


@admin.register(PositionLimit)
class PositionLimitAdmin(CommandAdmin):
    """How far positions may go; setting one again replaces it."""

    form = PositionLimitForm
    list_display = ("account", "instrument", "limit_shown")
    list_filter = ("instrument",)
    list_select_related = _ASSETS
    search_numbers: ClassVar[dict[str, str]] = {"account": "account_id"}
    ordering = ("-id",)
    newest_by = "id"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may limit accounts."""
        return request.user.has_perm("accounts.limit_account")

    def get_fields(self, _request: HttpRequest, row: PositionLimit | None = None) -> tuple[str, ...]:
        """Ask for one, or show it."""
        return ("account", "instrument", "limit" if row is None else "limit_shown")

    def command_send(self, request: HttpRequest, row: PositionLimit, form: Any) -> None:
        """Set the limit."""
        asked = form.cleaned_data
        account, instrument, limit = asked["account"], asked["instrument"].pk, asked["limit"]
        rows = PositionLimit.objects.filter(account_id=account, instrument_id=instrument)
        before = rows.values_list("limit", flat=True).first() or 0
        command = SetPositionLimit(account=account, instrument=instrument, limit=limit, deadline=deadline())
        command_act(
            actor_of(request),
            action="position_limit.set",
            subject=f"account {account}",
            before={"instrument": instrument, "limit": before},
            after={"instrument": instrument, "limit": limit},
            command=lambda: position_limit_set(command),
        )
        row.pk, row.account_id, row.instrument_id = rows.values_list("pk", flat=True).first(), account, instrument

    @admin.display(description="limit")
    def limit_shown(self, row: PositionLimit) -> str:
        """Show the limit."""
        return number_shown(row.limit, scale=row.instrument.base.scale)
