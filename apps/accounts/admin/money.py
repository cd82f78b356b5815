"""Deposits, withdrawals and adjustments: asked for, and decided by another operator."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.accounts.codes import ACCOUNT_EXTERNAL, CashKind, RequestStatus
from apps.accounts.models import Account, MoneyRequest
from apps.accounts.money.requests import request_approve, request_complete, request_make, request_reject
from apps.marketdata.models import Asset
from cift.backoffice.acts import Actor, actor_of, dangerous
from cift.backoffice.tables import CommandAdmin, moment_shown, number_shown, rows_act
from cift.choices import choices_of
from cift.decimals import DecimalError, decimal_parse


class MoneyRequestForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """Asks for an amount as a decimal."""

    account = forms.IntegerField(min_value=1, widget=UnfoldAdminIntegerFieldWidget, help_text="The account's number.")
    asset = forms.ModelChoiceField(Asset.objects.order_by("id"), widget=UnfoldAdminSelectWidget)
    kind = forms.TypedChoiceField(coerce=int, choices=choices_of(CashKind), widget=UnfoldAdminSelectWidget)
    amount = forms.CharField(
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text="In whole units of the asset, as 1250.50; an adjustment may be negative.",
    )
    note = forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget, help_text="Why.")

    class Meta:
        """Nothing is saved by the form itself."""

        model = MoneyRequest
        fields = ()

    def clean_account(self) -> int:
        """Look the account up."""
        number: int = self.cleaned_data["account"]
        if number == ACCOUNT_EXTERNAL or not Account.objects.filter(pk=number).exists():
            raise forms.ValidationError("There is no such account.")
        return number

    def clean(self) -> dict[str, Any]:
        """Read the amount at the asset's scale."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        asset, text = cleaned.get("asset"), cleaned.get("amount")
        if asset is None or text is None:
            return cleaned
        try:
            amount = decimal_parse(text, scale=asset.scale)
        except DecimalError as error:
            self.add_error("amount", error.detail)
            return cleaned
        if amount == 0 or (amount < 0 and cleaned.get("kind") != CashKind.ADJUSTMENT):
            self.add_error("amount", "An amount is above 0; only an adjustment may be below.")
        cleaned["amount"] = amount
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row to the service."""


@admin.register(MoneyRequest)
class MoneyRequestAdmin(CommandAdmin):
    """Money that operators move."""

    form = MoneyRequestForm
    list_display = (
        "id",
        "kind",
        "account_id",
        "asset",
        "amount_shown",
        "stands",
        "requested_by",
        "requested",
        "decided_by",
    )
    list_filter = ("status", "kind")
    list_select_related = ("asset", "requested_by", "decided_by")
    search_numbers: ClassVar[dict[str, str]] = {"request": "id", "account": "account_id"}
    newest_by = "id"
    actions = ("approve", "reject", "complete")
    actions_selection_counter = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may ask."""
        return request.user.has_perm("accounts.add_moneyrequest")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may decide."""
        return request.user.has_perm("accounts.decide_moneyrequest")

    def get_fields(self, _request: HttpRequest, row: MoneyRequest | None = None) -> tuple[str, ...]:
        """Ask for what makes a request, show all of one."""
        asked = ("kind", "account", "asset", "amount", "note")
        if row is None:
            return asked
        shown = ("kind", "account_id", "asset", "amount_shown", "note", "stands", "code", "requested_by", "requested")
        return (*shown, "decided_by", "decided", "command_id", "held", "sequence")

    def get_readonly_fields(self, request: HttpRequest, row: MoneyRequest | None = None) -> tuple[str, ...]:
        """A request is not edited."""
        return () if row is None else self.get_fields(request, row)

    def command_send(self, request: HttpRequest, row: MoneyRequest, form: Any) -> None:
        """Make the request."""
        asked = form.cleaned_data
        made = request_make(
            actor_of(request),
            account=asked["account"],
            asset=asked["asset"].pk,
            kind=CashKind(asked["kind"]),
            amount=asked["amount"],
            note=asked["note"],
        )
        row.pk = made.pk
        if made.due:
            messages.warning(request, "No order service answers: the amount is held as soon as one does.")

    @dangerous
    @admin.action(description="Approve and book", permissions=["decide"])
    def approve(self, request: HttpRequest, rows: Any) -> None:
        """Approve the chosen requests of other operators."""
        self._decide(request, rows, request_approve, "booked")

    @dangerous
    @admin.action(description="Reject", permissions=["decide"])
    def reject(self, request: HttpRequest, rows: Any) -> None:
        """Reject the chosen requests."""
        self._decide(request, rows, request_reject, "rejected")

    @dangerous
    @admin.action(description="Finish what was cut off", permissions=["decide"])
    def complete(self, request: HttpRequest, rows: Any) -> None:
        """Send what is still due of the chosen requests."""
        self._decide(request, rows, request_complete, "finished")

    def _decide(self, request: HttpRequest, rows: Any, decide: Callable[[Actor, int], MoneyRequest], done: str) -> None:
        actor = actor_of(request)

        def act(row: MoneyRequest) -> None:
            decide(actor, row.pk)

        count = rows_act(request, rows.order_by("id"), act)
        if count:
            messages.success(request, f"{count} {'request' if count == 1 else 'requests'} {done}.")

    @admin.display(description="status")
    def stands(self, row: MoneyRequest) -> str:
        """Show how far it is."""
        status = row.get_status_display()
        if row.due:
            return f"{status}, waits for the order service"
        return f"{status}, held" if row.held and row.status == RequestStatus.REQUESTED else status

    @admin.display(description="amount")
    def amount_shown(self, row: MoneyRequest) -> str:
        """Show how much."""
        return number_shown(row.amount, scale=row.asset.scale)

    @admin.display(description="requested at")
    def requested(self, row: MoneyRequest) -> str:
        """Show when it was asked for."""
        return moment_shown(row.requested_at)

    @admin.display(description="decided at")
    def decided(self, row: MoneyRequest) -> str:
        """Show when it was decided."""
        return moment_shown(row.decided_at)
