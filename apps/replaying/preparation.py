"""What a replay needs of the venue before its first step: an instrument its prices fit, and accounts with funds.

All of it goes through the services, under ids made of the recording's name: done twice, it is the same accounts and the
same money.
"""

from dataclasses import dataclass

from apps.accounts.commands import OpenAccount
from apps.accounts.services import account_open, deposit_book
from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument
from apps.marketdata.models import PPM, Asset, Instrument
from apps.marketdata.selectors import book_find, instrument_by_symbol
from apps.marketdata.services import asset_list, instrument_change, instrument_list
from apps.replaying.recording import Recording
from apps.replaying.translation import MAKERS, TAKERS, Needs, Scaler, Translator
from cift.processes.threads import database_call

# A dollar's smallest unit and a price's are not the same: fees are fractions of a cent.
QUOTE_SCALE = 6
PRICE_SCALE = 2
QUANTITY_MAX = 1_000_000_000
MAKER_PPM = 0
TAKER_PPM = 300
# What accounts get over what they can need: room for any fee.
FUNDS_FACTOR = 2


class BookNotEmptyError(Exception):
    """Somebody's orders rest in the instrument: the recording's book would be mixed with them."""


class InstrumentClosedError(Exception):
    """The instrument does not take orders."""


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument as the replay needs it."""

    scaler: Scaler
    base: int
    quote: int
    terms: Instrument | ListInstrument


async def instrument_find_or_list(symbol: str) -> Listing:
    """Give the instrument, listed first where the venue has none of that symbol.

    Raises:
        ApplicationError: the venue refused.

    """
    row = await database_call(instrument_by_symbol, symbol)
    if row is not None:
        return Listing(Scaler(row.id, row, row.base.scale, row.quote.scale), row.base_id, row.quote_id, row)
    base_symbol, _, quote_symbol = symbol.rpartition("-")
    base, base_scale = await _asset(base_symbol, scale=0)
    quote, quote_scale = await _asset(quote_symbol, scale=QUOTE_SCALE)
    terms = ListInstrument(
        symbol=symbol,
        kind=InstrumentKind.SHARE,
        base=base,
        quote=quote,
        price_scale=PRICE_SCALE,
        tick_size=1,
        lot_size=10**base_scale,
        quantity_min=10**base_scale,
        quantity_max=QUANTITY_MAX * 10**base_scale,
        notional_min=0,
        band_ppm=0,
        slippage_ppm=0,
        reference_price=0,
        maker_ppm=MAKER_PPM,
        taker_ppm=TAKER_PPM,
    )
    listed = (await instrument_list(terms)).event
    return Listing(Scaler(listed.instrument, terms, base_scale, quote_scale), base, quote, terms)


async def _asset(symbol: str, *, scale: int) -> tuple[int, int]:
    row = await database_call(lambda: Asset.objects.filter(symbol=symbol).first())
    if row is not None:
        return row.id, row.scale
    listed = (await asset_list(ListAsset(symbol=symbol, scale=scale))).event
    return listed.asset, listed.scale


async def accounts_open(recording_name: str) -> tuple[tuple[int, ...], int]:
    """Open the replay's accounts, makers first; return them and the journal's batch of the first.

    Raises:
        ApplicationError: the venue refused.

    """
    names = [f"maker-{index + 1}" for index in range(MAKERS)] + [f"taker-{index + 1}" for index in range(TAKERS)]
    opened = [await account_open(OpenAccount(id=f"{recording_name}-{name}", owner=0)) for name in names]
    return tuple(each.event.account for each in opened), opened[0].number


async def accounts_fund(recording_name: str, accounts: tuple[int, ...], needs: Needs, listing: Listing) -> None:
    """Deposit what each account can need, once.

    Raises:
        ApplicationError: the venue refused.

    """
    for index, account in enumerate(accounts):
        for asset, kind, amount in (
            (listing.quote, "cash", needs.cash[index] * FUNDS_FACTOR),
            (listing.base, "shares", needs.shares[index]),
        ):
            if amount:
                await deposit_book(account=account, command_id=f"{recording_name}-{kind}", asset=asset, amount=amount)


def band_needed(needs: Needs) -> int:
    """Return how far from a reference price of the recording's own (opening or trade) its orders go, in ppm."""
    references = [price for price in (needs.price_first, needs.traded_min, needs.traded_max) if price]
    if not references:
        return 0
    above = -((needs.price_max - min(references)) * -PPM // min(references))
    below = -((max(references) - needs.price_min) * -PPM // max(references))
    return max(above, below)


async def instrument_fit(listing: Listing, needs: Needs) -> list[str]:
    """Set the reference price to the recording's opening, and widen bounds its orders would break; say what was done.

    Raises:
        InstrumentClosedError: it does not take orders.
        ApplicationError: the venue refused.

    """
    terms = listing.terms
    if isinstance(terms, Instrument) and terms.status != InstrumentStatus.CONTINUOUS:
        raise InstrumentClosedError(f"{terms.symbol} is {InstrumentStatus(terms.status).name.lower()}")
    narrow = terms.band_ppm and terms.band_ppm < band_needed(needs)
    small = terms.quantity_max and terms.quantity_max < needs.quantity_max
    elsewhere = needs.price_first and terms.reference_price != needs.price_first
    if not (narrow or small or elsewhere):
        return []
    change = ChangeInstrument(
        instrument=listing.scaler.instrument,
        reference_price=needs.price_first if elsewhere else None,
        band_ppm=band_needed(needs) if narrow else None,
        quantity_max=needs.quantity_max if small else None,
    )
    await instrument_change(change)
    changed = {name: getattr(change, name) for name in ("reference_price", "band_ppm", "quantity_max")}
    return [f"{name} {getattr(terms, name)} → {value}" for name, value in changed.items() if value is not None]


async def book_must_be_empty(listing: Listing) -> None:
    """Make sure that the recording will have the book for itself.

    Raises:
        BookNotEmptyError: it would not.

    """
    book = await book_find(instrument=listing.scaler.instrument, depth=1)
    if book is not None and (book.bids or book.asks):
        symbol = listing.terms.symbol
        raise BookNotEmptyError(f"orders rest in {symbol}: replay into an instrument of its own, or cancel them")


def translator_for(listing: Listing, accounts: tuple[int, ...]) -> Translator:
    """Make the translator for a listing and the replay's accounts."""
    return Translator(listing.scaler, makers=accounts[:MAKERS], takers=accounts[MAKERS:])


async def prepared(recording: Recording, listing: Listing, needs: Needs) -> tuple[Translator, int]:
    """Open and fund the accounts; return the translator and the journal's batch before the first of them."""
    accounts, number = await accounts_open(recording.name())
    await accounts_fund(recording.name(), accounts, needs, listing)
    return translator_for(listing, accounts), number - 1
