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
    maker_ppm: int

    def notional(self, *, price: int, quantity: int) -> int:
        """Return price times quantity in the quote asset's smallest unit."""
        notional: int = price * quantity * 10**self.quote_scale // 10 ** (self.price_scale + self.base_scale)
        return notional

    def on_tick(self, price: float, *, up: bool) -> int:
        """Round a modelled price to a tick, up or down; at least one tick."""
        ticks: int = -int(-price // self.tick_size) if up else int(price // self.tick_size)
        return max(ticks, 1) * self.tick_size

    def lots_worth(self, worth: float, *, price: int) -> int:
        """Return the quantity that is worth about so much in whole units of the quote asset, within the bounds."""
        lot_worth = self.notional(price=price, quantity=self.lot_size) / 10**self.quote_scale
        quantity = max(round(worth / lot_worth), 1) * self.lot_size
        least_worth = (
            -(-self.notional_min // max(self.notional(price=price, quantity=self.lot_size), 1)) * self.lot_size
        )
        chosen: int = max(quantity, self.quantity_min, least_worth)
        return min(chosen, self.quantity_max) if self.quantity_max else chosen

    def rounded(self, quantity: int) -> int:
        """Round a quantity to one figure of lots, as people do: 26 lots are 30."""
        lots = quantity // self.lot_size
        figure: int = 10 ** (len(str(lots)) - 1)
        return max((lots + figure // 2) // figure * figure, 1) * self.lot_size


class Profile(msgspec.Struct, frozen=True):
    """How an instrument is simulated.

    `volatility`: relative, per square root of a second, in the calm regime; `jumps_per_hour`, `jump_size`: relative,
    one standard deviation; `edge`: relative, what a maker wants besides its fee; `step`: relative, of the ladders;
    `level_worth`, `taker_worth`: median size in the quote asset; `weight`: its share of the flow; `stock_worth`: what
    an agent begins with of the base asset.
    """

    symbol: str
    volatility: float
    jumps_per_hour: float
    jump_size: float
    edge: float
    step: float
    level_worth: float
    taker_worth: float
    weight: float
    stock_worth: int = 10_000_000


PROFILES = (
    Profile("AAPL-USD", 5.0e-5, 8.0, 3.5e-4, 0.5e-4, 0.55e-4, 5_500.0, 6_000.0, 1.2),
    Profile("MSFT-USD", 4.5e-5, 7.0, 3.5e-4, 0.45e-4, 0.45e-4, 5_500.0, 6_000.0, 1.0),
    Profile("SPY-USD", 3.5e-5, 6.0, 2.5e-4, 0.2e-4, 0.35e-4, 9_000.0, 9_000.0, 1.0),
    Profile("BTC-USD", 6.5e-5, 8.0, 4.5e-4, 0.9e-4, 0.55e-4, 4_000.0, 4_000.0, 0.9),
    Profile("ETH-USD", 7.5e-5, 8.0, 5e-4, 1.0e-4, 0.60e-4, 3_500.0, 3_500.0, 0.9),
)
"""The instruments that are simulated where the venue lists them."""

RATE_DEFAULT = 100
"""The commands/s the profiles are made for; more or fewer scale all arrivals."""

CASH_WORTH = 50_000_000
"""What an agent begins with of the quote asset, in whole units."""
