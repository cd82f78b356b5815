"""The venue's kill switch and mass cancels: asked for, shown again, confirmed, done."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from apps.accounts.models import Account
from apps.marketdata.codes import Side
from apps.marketdata.models import Instrument
from apps.orders.admin.pages import page, permitted
from apps.orders.commands import CancelOrders
from apps.orders.models import Order, VenueState
from apps.orders.selectors import shard
from apps.orders.services import kill_switch_set, orders_cancel_all
from cift.backoffice.acts import actor_of, command_act, dangerous, deadline, tell
from cift.choices import choices_of
from cift.errors.application import ApplicationError

COUNTED_MAX = 10_000


@require_http_methods(["GET", "HEAD", "POST"])
@permitted("orders.kill_venuestate")
@dangerous
def kill_switch_view(request: HttpRequest) -> HttpResponse:
    """Show the switch; set it when that is confirmed."""
    killed = VenueState.objects.filter(shard=shard(), killed=True).exists()
    wanted = request.POST.get("switch")
    if wanted not in {"on", "off"}:
        return page(request, "kill_switch.html", title="Kill switch", killed=killed, wanted=None)
    if request.POST.get("confirmed") != "yes":
        return page(request, "kill_switch.html", title="Kill switch", killed=killed, wanted=wanted)
    on = wanted == "on"
    try:
        command_act(
            actor_of(request),
            action="venue.kill_switch",
            subject="venue",
            before={"killed": killed},
            after={"killed": on},
            command=lambda: kill_switch_set(on=on, deadline=deadline()),
        )
    except ApplicationError as error:
        tell(request, error)
    else:
        messages.success(request, f"The kill switch is {wanted}.")
    return HttpResponseRedirect(request.path)


class MassCancelForm(forms.Form):
    """What to cancel; nothing given: everything."""

    account = forms.IntegerField(
        required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget, help_text="Its number; empty for all."
    )
    instrument = forms.ModelChoiceField(
        Instrument.objects.order_by("id"), required=False, empty_label="All", widget=UnfoldAdminSelectWidget
    )
    side = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Both"), *choices_of(Side)],
        widget=UnfoldAdminSelectWidget,
    )

    def clean_account(self) -> int | None:
        """Look the account up."""
        number: int | None = self.cleaned_data["account"]
        if number is not None and not Account.objects.filter(pk=number).exists():
            raise forms.ValidationError("There is no such account.")
        return number


@require_http_methods(["GET", "HEAD", "POST"])
@permitted("orders.cancel_order")
@dangerous
def mass_cancel_view(request: HttpRequest) -> HttpResponse:
    """Ask what to cancel, show how much that is, cancel it when that is confirmed."""
    form = MassCancelForm(request.POST or None)
    context: dict[str, Any] = {"title": "Cancel orders", "form": form}
    if request.method != "POST" or not form.is_valid():
        return page(request, "mass_cancel.html", **context)
    asked = form.cleaned_data
    account, instrument, side = asked["account"], asked["instrument"], asked["side"]
    if request.POST.get("confirmed") != "yes":
        rows = Order.objects.open()
        scope = {"account_id": account, "instrument": instrument, "side": side}
        rows = rows.filter(**{name: value for name, value in scope.items() if value is not None})
        count = rows.values("id")[: COUNTED_MAX + 1].count()
        shown = f"more than {COUNTED_MAX:,}" if count > COUNTED_MAX else f"{count:,}"
        return page(request, "mass_cancel.html", **context, confirm=True, asked=asked, count=shown)
    command = CancelOrders(
        account=account or 0,
        instrument=instrument.pk if instrument else 0,
        side=None if side is None else Side(side),
        deadline=deadline(),
    )
    after = {"account": command.account, "instrument": command.instrument, "side": side}
    try:
        done = command_act(
            actor_of(request),
            action="orders.cancel",
            subject=f"account {account}" if account else "venue",
            after=after,
            command=lambda: orders_cancel_all(command),
        )
    except ApplicationError as error:
        tell(request, error)
    else:
        others = ", and the others follow" if done.event.more else ""
        messages.success(request, f"{done.event.count:,} orders are canceled{others}.")
    return HttpResponseRedirect(request.path)
