"""What is traded: assets, instruments, their fees and their candles, projected from the journal.

Prices are integers at the instrument's price scale, quantities at the base asset's scale, money in the asset's
smallest unit, fee rates in parts per million.
"""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from apps.marketdata.candles.intervals import BASES_S
from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from cift.choices import choices_of, values_of

SCALE_MAX = 12
"""The most decimals an asset or a price may have."""

FEE_TIER_MAX = 15
"""The highest fee tier."""

PPM = 1_000_000
"""Parts in one."""


class Asset(models.Model):
    """Something held and paid with; `id` is the engine's."""

    id = models.BigIntegerField(primary_key=True)
    symbol = models.CharField(max_length=32, unique=True)
    scale = models.SmallIntegerField()

    class Meta:
        """In the order of listing."""

        ordering = ("id",)
        constraints = (CheckConstraint(condition=Q(scale__gte=0, scale__lte=SCALE_MAX), name="asset_scale"),)

    def __str__(self) -> str:
        """Show the symbol."""
        return self.symbol


class Instrument(models.Model):
    """A pair that is traded; `id` is the engine's, `price_scale` never changes."""

    id = models.BigIntegerField(primary_key=True)
    symbol = models.CharField(max_length=65, unique=True)
    kind = models.SmallIntegerField(choices=choices_of(InstrumentKind))
    base = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="instruments_as_base")
    quote = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="instruments_as_quote")
    price_scale = models.SmallIntegerField()
    tick_size = models.BigIntegerField()
    lot_size = models.BigIntegerField()
    quantity_min = models.BigIntegerField()
    quantity_max = models.BigIntegerField()
    notional_min = models.BigIntegerField()
    band_ppm = models.BigIntegerField()
    slippage_ppm = models.BigIntegerField()
    reference_price = models.BigIntegerField()
    maker_ppm = models.BigIntegerField()
    taker_ppm = models.BigIntegerField()
    status = models.SmallIntegerField(choices=choices_of(InstrumentStatus))
    simulated = models.BooleanField(default=False, db_default=False)

    class Meta:
        """In the order of listing; the grid is positive and the bounds are no less than zero."""

        ordering = ("id",)
        permissions = (("halt_instrument", "Can halt an instrument, resume it, and let it take cancels only"),)
        constraints = (
            CheckConstraint(condition=Q(kind__in=values_of(InstrumentKind)), name="instrument_kind"),
            CheckConstraint(condition=Q(status__in=values_of(InstrumentStatus)), name="instrument_status"),
            CheckConstraint(condition=Q(price_scale__gte=0, price_scale__lte=SCALE_MAX), name="instrument_price_scale"),
            CheckConstraint(condition=Q(tick_size__gt=0, lot_size__gt=0), name="instrument_grid"),
            CheckConstraint(
                condition=Q(
                    quantity_min__gte=0,
                    quantity_max__gte=0,
                    notional_min__gte=0,
                    band_ppm__gte=0,
                    slippage_ppm__gte=0,
                    reference_price__gte=0,
                ),
                name="instrument_bounds",
            ),
            CheckConstraint(
                condition=Q(maker_ppm__gte=0, maker_ppm__lte=PPM, taker_ppm__gte=0, taker_ppm__lte=PPM),
                name="instrument_fees",
            ),
            CheckConstraint(condition=~Q(base=F("quote")), name="instrument_two_assets"),
        )

    def __str__(self) -> str:
        """Show the symbol."""
        return self.symbol


class FeeTier(models.Model):
    """The fee rates of one tier of one instrument, in parts per million."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="fee_tiers")
    tier = models.SmallIntegerField()
    maker_ppm = models.BigIntegerField()
    taker_ppm = models.BigIntegerField()

    class Meta:
        """One row for an instrument and a tier."""

        ordering = ("instrument", "tier")
        constraints = (
            UniqueConstraint(fields=("instrument", "tier"), name="fee_tier_unique"),
            CheckConstraint(condition=Q(tier__gte=0, tier__lte=FEE_TIER_MAX), name="fee_tier_range"),
            CheckConstraint(
                condition=Q(maker_ppm__gte=0, maker_ppm__lte=PPM, taker_ppm__gte=0, taker_ppm__lte=PPM),
                name="fee_tier_rates",
            ),
        )

    def __str__(self) -> str:
        """Name the tier."""
        return f"tier {self.tier} of instrument {self.instrument_id}"


class StoredCandle(models.Model):
    """The trades, at least one, of an instrument in one base interval; `start_at`: ns since epoch, UTC."""

    pk = models.CompositePrimaryKey("instrument_id", "interval_s", "start_at")
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.PROTECT,
        related_name="candles",
        db_constraint=False,
        db_index=False,
    )
    interval_s = models.IntegerField()
    start_at = models.BigIntegerField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    volume = models.BigIntegerField()
    notional = models.BigIntegerField()
    trades = models.BigIntegerField()
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()

    class Meta:
        """Found along the key; what is open and close is between low and high."""

        constraints = (
            CheckConstraint(condition=Q(interval_s__in=BASES_S), name="candle_interval"),
            CheckConstraint(
                condition=Q(low__gt=0, open__range=(F("low"), F("high")), close__range=(F("low"), F("high"))),
                name="candle_prices",
            ),
            CheckConstraint(
                condition=Q(volume__gt=0, notional__gt=0, trades__gt=0, last_sequence__gte=F("first_sequence")),
                name="candle_sums",
            ),
        )

    def __str__(self) -> str:
        """Name the candle."""
        return f"candle of {self.interval_s} s of instrument {self.instrument_id}"


class CandleHistory(models.Model):
    """From when on a shard's candles of a base interval are there, whole: earlier ones were dropped, or never made."""

    pk = models.CompositePrimaryKey("shard", "interval_s")
    shard = models.SmallIntegerField()
    interval_s = models.IntegerField()
    begins_at = models.BigIntegerField()

    class Meta:
        """Only what is stored has a history."""

        constraints = (CheckConstraint(condition=Q(interval_s__in=BASES_S), name="candle_history_interval"),)

    def __str__(self) -> str:
        """Name the interval."""
        return f"candles of {self.interval_s} s of shard {self.shard}"
