"""What happened to assets, instruments and fees."""

from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from cift.wire.base import Event


class AssetListed(Event, tag=30, frozen=True, kw_only=True):
    """An asset exists from here on."""

    asset: int
    symbol: str
    scale: int


class InstrumentListed(Event, tag=31, frozen=True, kw_only=True):
    """An instrument exists from here on."""

    instrument_sequence: int
    instrument: int
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
    status: InstrumentStatus


class InstrumentChanged(Event, tag=32, frozen=True, kw_only=True):
    """All that may change about an instrument, as it stands now."""

    instrument_sequence: int
    instrument: int
    status: InstrumentStatus
    tick_size: int
    lot_size: int
    quantity_min: int
    quantity_max: int
    notional_min: int
    band_ppm: int
    slippage_ppm: int
    reference_price: int


class FeeTierSet(Event, tag=33, frozen=True, kw_only=True):
    """One tier's fees, parts per million."""

    instrument_sequence: int
    instrument: int
    tier: int
    maker_ppm: int
    taker_ppm: int
