"""Fee tiers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from apps.marketdata.commands import SetFeeTier
from apps.marketdata.models import FEE_TIER_MAX, PPM, FeeTier
from apps.marketdata.services import fee_tier_set
from cift.backoffice.acts import actor_of, command_act, deadline
from cift.backoffice.tables import CommandAdmin

_RATES = ("maker_ppm", "taker_ppm")


class FeeTierForm(forms.ModelForm):  # type: ignore[type-arg]  # generic to the type checker alone
    """The rates of a tier, in parts per million."""

    class Meta:
        """All of it."""

        model = FeeTier
        fields = ("instrument", "tier", *_RATES)
        help_texts = dict.fromkeys(_RATES, "Parts per million: 100 are one basis point.")

    def clean(self) -> dict[str, Any]:
        """Hold tier and rates within what there is."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, most in (("tier", FEE_TIER_MAX), ("maker_ppm", PPM), ("taker_ppm", PPM)):
            if name in cleaned and not 0 <= cleaned[name] <= most:
                self.add_error(name, f"From 0 to {most:,}.")
        return cleaned


@admin.register(FeeTier)
class FeeTierAdmin(CommandAdmin):
    """What trading costs."""

    form = FeeTierForm
    list_display = ("__str__", "instrument", "tier", *_RATES)
    list_filter = ("instrument", "tier")
    list_select_related = ("instrument",)
    fields = ("instrument", "tier", *_RATES)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to who may change one."""
        return self.has_change_permission(request)

    def has_change_permission(self, request: HttpRequest, _tier: FeeTier | None = None) -> bool:
        """Allow it to who may set fees."""
        return request.user.has_perm("marketdata.change_feetier")

    def get_readonly_fields(self, _request: HttpRequest, tier: FeeTier | None = None) -> tuple[str, ...]:
        """A tier is what it is; its rates change."""
        return () if tier is None else ("instrument", "tier")

    def command_send(self, request: HttpRequest, row: FeeTier, form: Any) -> None:
        """Set the tier's rates."""
        before = {name: form.initial[name] for name in form.changed_data if name in form.initial}
        command = SetFeeTier(
            instrument=row.instrument_id,
            tier=row.tier,
            maker_ppm=row.maker_ppm,
            taker_ppm=row.taker_ppm,
            deadline=deadline(),
        )
        command_act(
            actor_of(request),
            action="fee_tier.set",
            subject=f"instrument {row.instrument_id}",
            before=before,
            after={"tier": row.tier, "maker_ppm": row.maker_ppm, "taker_ppm": row.taker_ppm},
            command=lambda: fee_tier_set(command),
        )
        made = FeeTier.objects.filter(instrument=row.instrument_id, tier=row.tier).values_list("pk", flat=True).first()
        row.pk = row.pk or made
