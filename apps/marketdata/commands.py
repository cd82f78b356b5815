"""What can be asked about assets, instruments and fees. Every `deadline` is ns since the epoch, 0 for none."""

from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from cift.wire.base import Command


class ListAsset(Command, tag=30, frozen=True, kw_only=True):
    """List an asset; `scale` is the number of decimals of its smallest unit, at most 12."""

    deadline: int = 0
    symbol: str
    scale: int


class ListInstrument(Command, tag=31, frozen=True, kw_only=True):
    """List an instrument; prices at `price_scale`, quantities at the base asset's scale, both immutable.

    `band_ppm` and `slippage_ppm` are parts per million, 0 for none; the fees are those of tier 0.
    """

    deadline: int = 0
    symbol: str
    kind: InstrumentKind
    base: int
    quote: int
    price_scale: int
    tick_size: int
    lot_size: int
    quantity_min: int
    quantity_max: int
    notional_min: int
    band_ppm: int
    slippage_ppm: int
    reference_price: int
    maker_ppm: int
    taker_ppm: int


class ChangeInstrument(Command, tag=32, frozen=True, kw_only=True):
    """Change what is not None; tick and lot only while no order is open."""

    deadline: int = 0
    instrument: int
    status: InstrumentStatus | None = None
    tick_size: int | None = None
    lot_size: int | None = None
    quantity_min: int | None = None
    quantity_max: int | None = None
    notional_min: int | None = None
    band_ppm: int | None = None
    slippage_ppm: int | None = None
    reference_price: int | None = None


class SetFeeTier(Command, tag=33, frozen=True, kw_only=True):
    """Set the fees of one tier (0 to 15) of one instrument, parts per million."""

    deadline: int = 0
    instrument: int
    tier: int
    maker_ppm: int
    taker_ppm: int
