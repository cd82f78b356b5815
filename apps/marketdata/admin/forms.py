"""Forms that list an instrument and change its terms; decimals outside, integers of the wire inside."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from apps.marketdata.codes import InstrumentKind
from apps.marketdata.models import PPM, SCALE_MAX, Asset, Instrument
from cift.backoffice.forms import NameField, WireDecimalField
from cift.choices import choices_of
from cift.fields import SYMBOL

_PRICES = ("tick_size", "reference_price")
_QUANTITIES = ("lot_size", "quantity_min", "quantity_max")


def _parts(help_text: str) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=PPM, widget=UnfoldAdminIntegerFieldWidget, help_text=help_text)


class _TermsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """The terms that may change."""

    tick_size = WireDecimalField(help_text="Changes only while no order is open.")
    lot_size = WireDecimalField(help_text="Changes only while no order is open.")
    quantity_min = WireDecimalField()
    quantity_max = WireDecimalField()
    notional_min = WireDecimalField()
    band_ppm = _parts("Parts per million around the reference price; 0 for no band.")
    slippage_ppm = _parts("Parts per million a market order may trade beyond the touch; 0 for no cap.")
    reference_price = WireDecimalField()

    class Meta:
        """Nothing is saved by the form itself."""

        model = Instrument
        fields = ()

    def _scales_set(self, *, price: int, base: int, quote: int) -> None:
        for names, scale in ((_PRICES, price), (_QUANTITIES, base), (("notional_min",), quote)):
            for name in names:
                if name in self.fields:
                    self.fields[name].scale = scale  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        """Leave the row to the order service."""


class InstrumentForm(_TermsForm):
    """Changes the terms of an instrument."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Show the terms there are."""
        super().__init__(*arguments, **options)
        row = self.instance
        self._scales_set(price=row.price_scale, base=row.base.scale, quote=row.quote.scale)
        for name in self.fields:
            self.initial[name] = getattr(row, name)


class InstrumentAddForm(_TermsForm):
    """Lists an instrument."""

    symbol = NameField(SYMBOL, help_text="BASE-QUOTE")
    kind = forms.TypedChoiceField(coerce=int, choices=choices_of(InstrumentKind), widget=UnfoldAdminSelectWidget)
    base = forms.ModelChoiceField(Asset.objects.order_by("id"), widget=UnfoldAdminSelectWidget)
    quote = forms.ModelChoiceField(Asset.objects.order_by("id"), widget=UnfoldAdminSelectWidget)
    price_scale = forms.IntegerField(
        min_value=0, max_value=SCALE_MAX, widget=UnfoldAdminIntegerFieldWidget, help_text="Decimals; never changes."
    )
    maker_ppm = _parts("Parts per million: 100 are one basis point.")
    taker_ppm = _parts("Parts per million: 100 are one basis point.")

    def _clean_fields(self) -> None:
        """Read scales first: the decimals depend on them."""
        assets = {str(asset.pk): asset.scale for asset in Asset.objects.all()}
        price = str(self.data.get("price_scale", ""))
        self._scales_set(
            price=int(price) if price.isascii() and price.isdecimal() and len(price) <= 2 else 0,  # noqa: PLR2004 - digits
            base=assets.get(str(self.data.get("base")), 0),
            quote=assets.get(str(self.data.get("quote")), 0),
        )
        super()._clean_fields()  # type: ignore[misc]  # Django's own step, not in its stubs
