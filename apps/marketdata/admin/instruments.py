"""Assets and instruments."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from apps.marketdata.admin.forms import InstrumentAddForm, InstrumentForm
from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument
from apps.marketdata.models import SCALE_MAX, Asset, Instrument
from apps.marketdata.services import asset_list, instrument_change, instrument_list
from cift.backoffice.acts import Actor, actor_of, command_act, dangerous, deadline
from cift.backoffice.forms import NameField
from cift.backoffice.tables import CommandAdmin, flag_column, number_shown, rows_act
from cift.fields import ASSET_SYMBOL

_TERMS = (
    "tick_size",
    "lot_size",
    "quantity_min",
    "quantity_max",
    "notional_min",
    "band_ppm",
    "slippage_ppm",
    "reference_price",
)
_LISTED = ("symbol", "kind", "base", "quote", "price_scale", *_TERMS, "maker_ppm", "taker_ppm")


class AssetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """A new asset."""

    symbol = NameField(ASSET_SYMBOL, help_text="Capitals, digits and dots.")

    class Meta:
        """All of it."""

        model = Asset
        fields = ("symbol", "scale")

    def clean_scale(self) -> int:
        """Hold it within what there is."""
        scale: int = self.cleaned_data["scale"]
        if not 0 <= scale <= SCALE_MAX:
            raise forms.ValidationError(f"From 0 to {SCALE_MAX} decimals.")
        return scale


@admin.register(Asset)
class AssetAdmin(CommandAdmin):
    """What is held and paid with."""

    form = AssetForm
    list_display = ("id", "symbol", "scale")
    list_display_links = ("symbol",)
    search_words: ClassVar[dict[str, str]] = {"symbol": "symbol__iexact"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may list."""
        return request.user.has_perm("marketdata.add_asset")

    def command_send(self, request: HttpRequest, row: Asset, _form: Any) -> None:
        """List the asset."""
        command = ListAsset(symbol=row.symbol, scale=row.scale, deadline=deadline())
        performed = command_act(
            actor_of(request),
            action="asset.list",
            subject=f"asset {row.symbol}",
            after={"symbol": row.symbol, "scale": row.scale},
            command=lambda: asset_list(command),
        )
        row.pk = performed.event.asset


@admin.register(Instrument)
class InstrumentAdmin(CommandAdmin):
    """What is traded."""

    is_simulated = staticmethod(flag_column("simulated", description="Simulated"))
    list_display = ("symbol", "kind", "status", "tick", "lot", "reference", "band_ppm", "slippage_ppm", "is_simulated")
    list_filter = ("kind", "status", "simulated")
    list_select_related = ("base", "quote")
    search_words: ClassVar[dict[str, str]] = {"symbol": "symbol__iexact"}
    actions = ("resume", "cancel_only", "halt")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may list."""
        return request.user.has_perm("marketdata.add_instrument")

    def has_change_permission(self, request: HttpRequest, _instrument: Instrument | None = None) -> bool:
        """Allow it to who may change terms."""
        return request.user.has_perm("marketdata.change_instrument")

    def has_halt_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may halt."""
        return request.user.has_perm("marketdata.halt_instrument")

    def get_form(self, request: HttpRequest, obj: Instrument | None = None, *arguments: Any, **options: Any) -> Any:
        """Ask for all there is to list one, for its terms to change it."""
        options["form"] = InstrumentForm if obj is not None else InstrumentAddForm
        return super().get_form(request, obj, *arguments, **options)

    def get_fields(self, _request: HttpRequest, row: Instrument | None = None) -> tuple[str, ...]:
        """Show all of one, with its status."""
        return _LISTED if row is None else ("symbol", "kind", "base", "quote", "price_scale", "status", *_TERMS)

    def get_readonly_fields(self, request: HttpRequest, row: Instrument | None = None) -> tuple[str, ...]:
        """Show what never changes; the status changes by actions."""
        if row is None:
            return ()
        fixed = ("symbol", "kind", "base", "quote", "price_scale", "status")
        return fixed if self.has_change_permission(request, row) else (*fixed, *_TERMS)

    def command_send(self, request: HttpRequest, row: Instrument, form: Any) -> None:
        """List the instrument, or change its terms."""
        if row.pk is None:
            self._list(request, row, form)
            return
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        before = {name: form.initial[name] for name in after}
        command = ChangeInstrument(instrument=row.pk, deadline=deadline(), **after)
        command_act(
            actor_of(request),
            action="instrument.change",
            subject=_subject(row),
            before=before,
            after=after,
            command=lambda: instrument_change(command),
        )

    @dangerous
    @admin.action(description="Resume trading", permissions=["halt"])
    def resume(self, request: HttpRequest, rows: Any) -> None:
        """Let the chosen instruments trade."""
        self._set_status(request, rows, InstrumentStatus.CONTINUOUS)

    @dangerous
    @admin.action(description="Take cancels only", permissions=["halt"])
    def cancel_only(self, request: HttpRequest, rows: Any) -> None:
        """Let orders in the chosen instruments be canceled, and nothing else."""
        self._set_status(request, rows, InstrumentStatus.CANCEL_ONLY)

    @dangerous
    @admin.action(description="Halt trading", permissions=["halt"])
    def halt(self, request: HttpRequest, rows: Any) -> None:
        """Halt the chosen instruments."""
        self._set_status(request, rows, InstrumentStatus.HALTED)

    def _set_status(self, request: HttpRequest, rows: Any, status: InstrumentStatus) -> None:
        actor = actor_of(request)
        done = rows_act(request, rows, lambda row: _status_set(actor, row, status))
        if done:
            word = status.name.lower().replace("_", " ")
            messages.success(request, f"{done} {'instrument is' if done == 1 else 'instruments are'} {word} now.")

    def _list(self, request: HttpRequest, row: Instrument, form: Any) -> None:
        asked = form.cleaned_data
        terms = {name: asked[name] for name in (*_TERMS, "price_scale", "maker_ppm", "taker_ppm")}
        command = ListInstrument(
            symbol=asked["symbol"],
            kind=InstrumentKind(asked["kind"]),
            base=asked["base"].pk,
            quote=asked["quote"].pk,
            deadline=deadline(),
            **terms,
        )
        performed = command_act(
            actor_of(request),
            action="instrument.list",
            subject=f"instrument {command.symbol}",
            after={"symbol": command.symbol, "base": command.base, "quote": command.quote, **terms},
            command=lambda: instrument_list(command),
        )
        row.pk, row.symbol = performed.event.instrument, command.symbol

    @admin.display(description="tick size")
    def tick(self, row: Instrument) -> str:
        """Show it as a price."""
        return number_shown(row.tick_size, scale=row.price_scale)

    @admin.display(description="lot size")
    def lot(self, row: Instrument) -> str:
        """Show it as a quantity."""
        return number_shown(row.lot_size, scale=row.base.scale)

    @admin.display(description="reference price")
    def reference(self, row: Instrument) -> str:
        """Show it as a price."""
        return number_shown(row.reference_price, scale=row.price_scale)


def _status_set(actor: Actor, row: Instrument, status: InstrumentStatus) -> None:
    command = ChangeInstrument(instrument=row.pk, status=status, deadline=deadline())
    command_act(
        actor,
        action="instrument.status",
        subject=_subject(row),
        before={"status": InstrumentStatus(row.status).name.lower()},
        after={"status": status.name.lower()},
        command=lambda: instrument_change(command),
    )


def _subject(row: Instrument) -> str:
    return f"instrument {row.pk}"
