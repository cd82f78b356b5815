"""What a new venue lists, and the paper money its first accounts get."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.marketdata.codes import InstrumentKind
from apps.marketdata.commands import ListAsset, ListInstrument
from cift.decimals import decimal_parse

_BASIS_POINT_PPM = 100
_PER_CENT_PPM = 10_000


@dataclass(frozen=True, slots=True)
class AssetListing:
    """An asset, and how much of it a first account gets, in whole units."""

    symbol: str
    scale: int
    paper: int

    @property
    def paper_units(self) -> int:
        """The paper money in smallest units."""
        return decimal_parse(str(self.paper), scale=self.scale)


@dataclass(frozen=True, slots=True)
class InstrumentListing:
    """An instrument against USD; `lot` and `largest` in the base asset, `reference` in USD: the band's first centre.

    A dollar has six decimals here, so that a tick times a lot is a whole number of its smallest unit.
    """

    base: str
    kind: InstrumentKind
    lot: str
    largest: str
    reference: str
    band_per_cent: int
    maker_bp: int
    taker_bp: int
    price_scale: int = 2
    tick_size: int = 1
    slippage_per_cent: int = 5

    @property
    def symbol(self) -> str:
        """BASE-QUOTE."""
        return f"{self.base}-{QUOTE}"

    @property
    def band_ppm(self) -> int:
        """The price band in parts per million."""
        return self.band_per_cent * _PER_CENT_PPM

    @property
    def slippage_ppm(self) -> int:
        """The slippage cap in parts per million."""
        return self.slippage_per_cent * _PER_CENT_PPM

    @property
    def maker_ppm(self) -> int:
        """The maker's fee in parts per million."""
        return self.maker_bp * _BASIS_POINT_PPM

    @property
    def taker_ppm(self) -> int:
        """The taker's fee in parts per million."""
        return self.taker_bp * _BASIS_POINT_PPM


QUOTE = "USD"

ASSETS = (
    AssetListing("USD", 6, 1_000_000),
    AssetListing("AAPL", 0, 10_000),
    AssetListing("MSFT", 0, 10_000),
    AssetListing("SPY", 0, 10_000),
    AssetListing("BTC", 8, 100),
    AssetListing("ETH", 8, 1_000),
)

_SHARE = InstrumentKind.SHARE
_COIN = InstrumentKind.COIN

INSTRUMENTS = (
    InstrumentListing("AAPL", _SHARE, "1", "1000000", "190", band_per_cent=10, maker_bp=1, taker_bp=2),
    InstrumentListing("MSFT", _SHARE, "1", "1000000", "420", band_per_cent=10, maker_bp=1, taker_bp=2),
    InstrumentListing("SPY", InstrumentKind.ETF, "1", "1000000", "520", band_per_cent=10, maker_bp=1, taker_bp=2),
    InstrumentListing("BTC", _COIN, "0.0001", "1000", "60000", band_per_cent=20, maker_bp=1, taker_bp=3, tick_size=100),
    InstrumentListing("ETH", _COIN, "0.001", "10000", "3000", band_per_cent=20, maker_bp=1, taker_bp=3, tick_size=5),
)

NOTIONAL_MIN = "1"
"""The least an order may be worth, in USD."""


def asset_command(listing: AssetListing) -> ListAsset:
    """Return the command that lists an asset."""
    return ListAsset(symbol=listing.symbol, scale=listing.scale)


def instrument_command(listing: InstrumentListing, assets: Mapping[str, int]) -> ListInstrument:
    """Return the command that lists an instrument; `assets`: their numbers by symbol."""
    scales = {asset.symbol: asset.scale for asset in ASSETS}
    lot_size = decimal_parse(listing.lot, scale=scales[listing.base])
    return ListInstrument(
        symbol=listing.symbol,
        kind=listing.kind,
        base=assets[listing.base],
        quote=assets[QUOTE],
        price_scale=listing.price_scale,
        tick_size=listing.tick_size,
        lot_size=lot_size,
        quantity_min=lot_size,
        quantity_max=decimal_parse(listing.largest, scale=scales[listing.base]),
        notional_min=decimal_parse(NOTIONAL_MIN, scale=scales[QUOTE]),
        band_ppm=listing.band_ppm,
        slippage_ppm=listing.slippage_ppm,
        reference_price=decimal_parse(listing.reference, scale=listing.price_scale),
        maker_ppm=listing.maker_ppm,
        taker_ppm=listing.taker_ppm,
    )
