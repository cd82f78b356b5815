"""What a new venue lists, and the paper money its first accounts get."""

from dataclasses import dataclass
from decimal import Decimal

from apps.marketdata.codes import InstrumentKind

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
        return units(str(self.paper), scale=self.scale)


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
    InstrumentListing("BTC", _COIN, "0.0001", "1000", "60000", band_per_cent=20, maker_bp=5, taker_bp=10),
    InstrumentListing("ETH", _COIN, "0.001", "10000", "3000", band_per_cent=20, maker_bp=5, taker_bp=10),
)

NOTIONAL_MIN = Decimal(1)
"""The least an order may be worth, in USD."""


def units(amount: str | Decimal, *, scale: int) -> int:
    """Convert a decimal to an integer at a scale.

    Raises:
        ValueError: it has more decimals than the scale.

    """
    scaled = Decimal(amount).scaleb(scale)
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than {scale} decimals")
    return int(scaled)
