"""What is simulated, and how each instrument behaves. Floats describe the model; what an agent sends is integers."""

import msgspec


class Terms(msgspec.Struct, frozen=True):
    """An instrument's grid as everybody sees it: integers at its scales."""

    symbol: str
    base: str
    quote: str
    price_scale: int
    base_scale: int
    quote_scale: int
    tick_size: int
    lot_size: int
    quantity_min: int
    quantity_max: int
    notional_min: int
    reference_price: int

    def notional(self, *, price: int, quantity: int) -> int:
        """Give price times quantity in the quote asset's smallest unit."""
        notional: int = price * quantity * 10**self.quote_scale // 10 ** (self.price_scale + self.base_scale)
        return notional

    def on_tick(self, price: float, *, up: bool) -> int:
        """Round a modelled price to a tick, up or down; at least one tick."""
        ticks: int = -int(-price // self.tick_size) if up else int(price // self.tick_size)
        return max(ticks, 1) * self.tick_size

    def lots_worth(self, worth: float, *, price: int) -> int:
        """Give the quantity that is worth about so much in whole units of the quote asset, within the bounds."""
        lot_worth = self.notional(price=price, quantity=self.lot_size) / 10**self.quote_scale
        quantity = max(round(worth / lot_worth), 1) * self.lot_size
        least_worth = (
            -(-self.notional_min // max(self.notional(price=price, quantity=self.lot_size), 1)) * self.lot_size
        )
        chosen: int = max(quantity, self.quantity_min, least_worth)
        return min(chosen, self.quantity_max) if self.quantity_max else chosen


class Profile(msgspec.Struct, frozen=True):
    """How an instrument is simulated.

    `volatility`: relative, per square root of a second, in the calm regime; `jumps_per_hour`, `jump_size`: relative,
    one standard deviation; `half_spread`, `step`: relative, of the makers' ladders; `level_worth`, `taker_worth`:
    median size in the quote asset; `weight`: its share of the flow; `stock_worth`: what an agent begins with of the
    base asset.
    """

    symbol: str
    volatility: float
    jumps_per_hour: float
    jump_size: float
    half_spread: float
    step: float
    level_worth: float
    taker_worth: float
    weight: float
    stock_worth: int = 10_000_000


PROFILES = (
    Profile("AAPL-USD", 6.0e-5, 8.0, 7e-4, 1.6e-4, 0.60e-4, 9_000.0, 5_000.0, 1.2),
    Profile("MSFT-USD", 5.0e-5, 6.0, 6e-4, 1.5e-4, 0.50e-4, 9_000.0, 5_000.0, 1.0),
    Profile("SPY-USD", 3.5e-5, 5.0, 4e-4, 1.2e-4, 0.35e-4, 15_000.0, 8_000.0, 1.0),
    Profile("BTC-USD", 8.0e-5, 8.0, 1.0e-3, 5.5e-4, 1.2e-4, 6_000.0, 3_000.0, 0.9),
    Profile("ETH-USD", 9.5e-5, 8.0, 1.2e-3, 5.5e-4, 1.4e-4, 5_000.0, 2_500.0, 0.9),
)
"""The instruments that are simulated where the venue lists them."""

RATE_DEFAULT = 100
"""The commands/s the profiles are made for; more or fewer scale all arrivals."""

CASH_WORTH = 50_000_000
"""What an agent begins with of the quote asset, in whole units."""
