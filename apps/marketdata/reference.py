"""What hardly ever changes about instruments, kept in memory: symbols, ids, scales, and whether one is simulated.

Read anew when one is not known. The label alone may come later, and stays.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from apps.marketdata.selectors import assets_all, instruments_all
from cift.decimals import decimal_format, decimal_parse, ratio_format
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call

RELOAD_S_MIN = 0.5
"""An unknown symbol makes the table be read at most this often."""

_AVERAGE_DECIMALS_MORE = 4


@dataclass(frozen=True, slots=True)
class InstrumentReference:
    """An instrument's names and scales."""

    id: int
    symbol: str
    base: str
    quote: str
    price_scale: int
    base_scale: int
    quote_scale: int
    simulated: bool = False

    def price_parse(self, text: str) -> int:
        """Read a price; DecimalError if it is none at this scale."""
        return decimal_parse(text, scale=self.price_scale)

    def quantity_parse(self, text: str) -> int:
        """Read a quantity; DecimalError if it is none at this scale."""
        return decimal_parse(text, scale=self.base_scale)

    def amount_parse(self, text: str) -> int:
        """Read an amount of the quote asset; DecimalError if it is none at this scale."""
        return decimal_parse(text, scale=self.quote_scale)

    def price_format(self, price: int) -> str:
        """Write a price."""
        return decimal_format(price, scale=self.price_scale)

    def quantity_format(self, quantity: int) -> str:
        """Write a quantity."""
        return decimal_format(quantity, scale=self.base_scale)

    def amount_format(self, amount: int) -> str:
        """Write an amount of the quote asset."""
        return decimal_format(amount, scale=self.quote_scale)

    def notional(self, *, price: int, quantity: int) -> int:
        """Return price × quantity in the quote asset's smallest unit; a listing's grid makes it whole."""
        whole: int = price * quantity * 10**self.quote_scale // 10 ** (self.price_scale + self.base_scale)
        return whole

    def average_price_format(self, *, notional: int, quantity: int) -> str:
        """Write notional / quantity (> 0), rounded half up, with four decimals more than a price."""
        return ratio_format(
            abs(notional) * 10**self.base_scale,
            abs(quantity) * 10**self.quote_scale,
            scale=self.price_scale + _AVERAGE_DECIMALS_MORE,
        )


@dataclass(frozen=True, slots=True)
class AssetReference:
    """An asset's name and scale."""

    id: int
    symbol: str
    scale: int

    def amount_format(self, amount: int) -> str:
        """Write an amount."""
        return decimal_format(amount, scale=self.scale)


class References:
    """The assets and instruments of this process's memory."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_id: dict[int, InstrumentReference] = {}
        self._by_symbol: dict[str, InstrumentReference] = {}
        self._assets: dict[int, AssetReference] = {}
        self._loaded_at: float | None = None

    def by_symbol(self, symbol: str) -> InstrumentReference | None:
        """Return an instrument from memory."""
        return self._by_symbol.get(symbol)

    def by_id(self, instrument: int) -> InstrumentReference | None:
        """Return an instrument from memory."""
        return self._by_id.get(instrument)

    async def find_symbol(self, symbol: str) -> InstrumentReference | None:
        """Return an instrument, reading the table if memory does not have it."""
        if symbol not in self._by_symbol:
            await self._reload_at_times()
        return self._by_symbol.get(symbol)

    async def find_id(self, instrument: int) -> InstrumentReference | None:
        """Return an instrument, reading the table if memory does not have it."""
        if instrument not in self._by_id:
            await self._reload_at_times()
        return self._by_id.get(instrument)

    async def find_asset(self, asset: int) -> AssetReference | None:
        """Return an asset, reading the table if memory does not have it."""
        if asset not in self._assets:
            await self._reload_at_times()
        return self._assets.get(asset)

    async def is_simulated(self, reference: InstrumentReference) -> bool:
        """Return whether an instrument is labelled, reading the table if memory says it is not."""
        if reference.simulated:
            return True
        await self._reload_at_times()
        known = self._by_id.get(reference.id)
        return known is not None and known.simulated

    def read_symbol(self, symbol: str) -> InstrumentReference | None:
        """As `find_symbol`, where there is no event loop."""
        if symbol not in self._by_symbol and self._is_time():
            self.load()
        return self._by_symbol.get(symbol)

    def read_id(self, instrument: int) -> InstrumentReference | None:
        """As `find_id`, where there is no event loop."""
        if instrument not in self._by_id and self._is_time():
            self.load()
        return self._by_id.get(instrument)

    async def listed(self, count_max: int) -> list[InstrumentReference]:
        """Read the tables, and return the first instruments that were listed, in that order.

        Raises:
            ApplicationError: `database_busy`.

        """
        await database_call(self.load)
        return [self._by_id[number] for number in sorted(self._by_id)[:count_max]]

    def load(self) -> None:
        """Read the tables."""
        for asset in assets_all():
            self._assets[asset.id] = AssetReference(id=asset.id, symbol=asset.symbol, scale=asset.scale)
        self.keep(
            InstrumentReference(
                id=row.id,
                symbol=row.symbol,
                base=row.base.symbol,
                quote=row.quote.symbol,
                price_scale=row.price_scale,
                base_scale=row.base.scale,
                quote_scale=row.quote.scale,
                simulated=row.simulated,
            )
            for row in instruments_all()
        )
        self._loaded_at = time.monotonic()

    def keep(self, instruments: Iterable[InstrumentReference]) -> None:
        """Remember instruments, whoever read them."""
        for reference in instruments:
            self._by_id[reference.id] = reference
            self._by_symbol[reference.symbol] = reference

    def forget(self) -> None:
        """Drop everything; the next use reads the table."""
        self._by_id.clear()
        self._by_symbol.clear()
        self._assets.clear()
        self._loaded_at = None

    async def _reload_at_times(self) -> None:
        if self._is_time():
            await database_call(self.load)

    def _is_time(self) -> bool:
        return self._loaded_at is None or time.monotonic() - self._loaded_at >= RELOAD_S_MIN


references = References()
"""This process's."""


async def symbol_find(symbol: str) -> InstrumentReference:
    """Find an instrument.

    Raises:
        ApplicationError: `instrument_unknown`.

    """
    reference = references.by_symbol(symbol) or await references.find_symbol(symbol)
    if reference is None:
        raise ApplicationError("instrument_unknown", f"There is no instrument {symbol}.")
    return reference


async def reference_of(instrument: int) -> InstrumentReference:
    """Find the instrument of an order that exists.

    Raises:
        ApplicationError: `projection_behind`: it was listed a moment ago.

    """
    reference = references.by_id(instrument) or await references.find_id(instrument)
    if reference is None:
        raise ApplicationError("projection_behind")
    return reference


def reference_read(instrument: int) -> InstrumentReference:
    """Find the instrument of a row that exists.

    Raises:
        ApplicationError: `projection_behind`: it was listed a moment ago.

    """
    reference = references.read_id(instrument)
    if reference is None:
        raise ApplicationError("projection_behind")
    return reference


def instrument_wanted(symbol: str | None) -> int | None:
    """Return the number a filter by symbol looks for: one nothing has, where there is no such instrument."""
    if symbol is None:
        return None
    reference = references.read_symbol(symbol)
    return reference.id if reference else 0
