"""The standard flow as this venue's commands, and the venue it needs: assets, instruments, funded accounts."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash, OpenAccount
from apps.marketdata.codes import InstrumentKind, Side
from apps.marketdata.commands import ListAsset, ListInstrument
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import CancelOrder, OpenEpoch, OpenVenue, SubmitOrder
from apps.orders.events import OrderAccepted, Trade, section_decode
from cift.wire.base import Command, command_encode, frame_pack, frame_split
from tests.performance.flow import FlowType, Record, TradeTally

ACCOUNTS: Final = 1_000
FIRST_ACCOUNT: Final = 3
CASH: Final = 10**15
SHARES: Final = 10**12
FEE_PPM: Final = 200
BATCH: Final = 500
SETUP_BATCH: Final = 1_000


def opening() -> list[bytes]:
    """Return what a writer would begin a new journal with."""
    return [command_encode(OpenVenue(hash_key=bytes(range(16)))), command_encode(OpenEpoch(epoch=1))]


def setup(symbols: int) -> Iterator[bytes]:
    """Yield the listing of `symbols` instruments and 1,000 accounts funded with every asset."""
    commands: list[Command] = [ListAsset(symbol="USD", scale=2)]
    commands += [ListAsset(symbol=f"S{symbol}", scale=0) for symbol in range(symbols)]
    commands += [_listing(symbol) for symbol in range(symbols)]
    commands += [OpenAccount(id=f"bench-{index}", owner=0) for index in range(ACCOUNTS)]
    yield from map(command_encode, commands)
    for account in range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS):
        for asset in range(1, symbols + 2):
            amount = CASH if asset == 1 else SHARES
            yield command_encode(
                MoveCash(account=account, id=f"fund-{asset}", kind=CashKind.DEPOSIT, asset=asset, amount=amount)
            )


def _listing(symbol: int) -> ListInstrument:
    return ListInstrument(
        symbol=f"S{symbol}-USD",
        kind=InstrumentKind.SHARE,
        base=symbol + 2,
        quote=1,
        price_scale=2,
        tick_size=1,
        lot_size=1,
        quantity_min=1,
        quantity_max=1_000_000,
        notional_min=0,
        band_ppm=0,
        slippage_ppm=0,
        reference_price=20_000,
        maker_ppm=FEE_PPM,
        taker_ppm=FEE_PPM,
    )


def command_of(record: Record, *, order_id: int = 0) -> bytes:
    """Encode a record; makers and takers are different accounts, so that no order meets its own account's.

    A cancel names its order by the client's id, unless the engine's is given.
    """
    half = ACCOUNTS // 2
    taker = record.type is FlowType.AGGRESS
    account = FIRST_ACCOUNT + record.order % half + (half if taker else 0)
    name = f"{record.symbol}-{record.order}"
    if record.type is FlowType.CANCEL:
        return command_encode(CancelOrder(account=account, order_id=order_id, id="" if order_id else name))
    return command_encode(
        SubmitOrder(
            account=account,
            id=name,
            instrument=record.symbol + 1,
            side=Side(record.side),
            type=OrderType.LIMIT,
            tif=TimeInForce.GTC,
            price=record.price,
            quantity=record.quantity,
        )
    )


def frames(commands: Iterable[bytes], size: int = BATCH) -> Iterator[bytes]:
    """Pack commands into frames of `size`."""
    waiting = iter(commands)
    while chunk := list(islice(waiting, size)):
        yield frame_pack(chunk)


def tally(journal: Iterable[bytes]) -> tuple[TradeTally, dict[int, tuple[int, int]]]:
    """Count the trades in journal events; return them, and each order's symbol and number in the flow by its id."""
    found = TradeTally()
    numbers: dict[int, tuple[int, int]] = {}
    for events in journal:
        for section in frame_split(events):
            for event in section_decode(section):
                if isinstance(event, OrderAccepted):
                    symbol, _, order = event.id.partition("-")
                    numbers[event.order_id] = int(symbol), int(order)
                elif isinstance(event, Trade):
                    symbol_number, maker = numbers[event.maker_order_id]
                    _, taker = numbers[event.taker_order_id]
                    found.add(symbol_number, maker, taker, event.price, event.quantity)
    return found, numbers
