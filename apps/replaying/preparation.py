"""What a replay needs of the venue before its first step: an instrument its prices fit, and accounts with funds.

All of it goes through the services, under ids made of the recording's name: done twice, it is the same accounts and the
same money.
"""

from dataclasses import dataclass, replace

import msgspec

from apps.accounts.commands import OpenAccount
from apps.accounts.models import User
from apps.accounts.services import account_open, deposit_book
from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument
from apps.marketdata.models import PPM, Asset, Instrument
from apps.marketdata.selectors import book_find, instrument_by_symbol
from apps.marketdata.services import asset_list, instrument_change, instrument_list
from apps.replaying.translation import FUNDS_FACTOR, MAKERS, TAKERS, Needs, Scaler, Translator
from cift.orderservice.gateway import gateway
from cift.processes.threads import database_call
from cift.wire.queries import IdQuery

# A dollar's smallest unit and a price's are not the same: fees are fractions of a cent.
QUOTE_SCALE = 6
PRICE_SCALE = 2
QUANTITY_MAX = 1_000_000_000
OWNER = "replay@replaying.cift.localhost"
MAKER_PPM = 0
TAKER_PPM = 300


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


def listing_find(symbol: str) -> Listing:
    """Return the instrument as it is listed, or as `listing_made` would list it; reads the tables alone."""
    row = instrument_by_symbol(symbol)
    if row is not None:
        return Listing(Scaler(row.id, row, row.base.scale, row.quote.scale), row.base_id, row.quote_id, row)
    base_symbol, quote_symbol = symbol.split("-")
    scales = dict(Asset.objects.filter(symbol__in=(base_symbol, quote_symbol)).values_list("symbol", "scale"))
    base_scale, quote_scale = scales.get(base_symbol, 0), scales.get(quote_symbol, QUOTE_SCALE)
    terms = ListInstrument(
        symbol=symbol,
        kind=InstrumentKind.SHARE,
        base=0,
        quote=0,
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
    return Listing(Scaler(0, terms, base_scale, quote_scale), 0, 0, terms)


async def listing_made(listing: Listing) -> Listing:
    """List the instrument and its assets where the venue has none of that symbol.

    Raises:
        ApplicationError: the venue refused.

    """
    terms, scaler = listing.terms, listing.scaler
    if isinstance(terms, Instrument):
        return listing
    base_symbol, quote_symbol = terms.symbol.split("-")
    base = await _asset(base_symbol, scale=scaler.base_scale)
    quote = await _asset(quote_symbol, scale=scaler.quote_scale)
    terms = msgspec.structs.replace(terms, base=base, quote=quote)
    listed = (await instrument_list(terms)).event
    return Listing(replace(scaler, instrument=listed.instrument, grid=terms), base, quote, terms)


async def _asset(symbol: str, *, scale: int) -> int:
    row = await database_call(lambda: Asset.objects.filter(symbol=symbol).first())
    return row.id if row is not None else (await asset_list(ListAsset(symbol=symbol, scale=scale))).event.asset


async def was_begun(recording_name: str) -> bool:
    """Ask the venue whether this recording's accounts are there: an earlier run was broken off, or is done.

    Raises:
        ApplicationError: the venue did not answer.

    """
    return (await gateway().query(IdQuery(0, f"{recording_name}-maker-1"))).found


def owner_make() -> int:
    """Return the user who owns the replays' accounts; it has no password, so nobody logs in as it."""
    user = User.objects.filter(email=OWNER).first() or User.objects.create_user(OWNER)
    return user.pk


async def accounts_open(recording_name: str, *, owner: int) -> tuple[tuple[int, ...], int]:
    """Open the replay's accounts, makers first; return them and the journal's batch of the first.

    Raises:
        ApplicationError: the venue refused.

    """
    names = [f"maker-{index + 1}" for index in range(MAKERS)] + [f"taker-{index + 1}" for index in range(TAKERS)]
    opened = [await account_open(OpenAccount(id=f"{recording_name}-{name}", owner=owner)) for name in names]
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
        ApplicationError: the venue refused.

    """
    terms = listing.terms
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


async def must_be_free(listing: Listing) -> None:
    """Make sure that the instrument takes orders, and that the recording will have its book for itself.

    Raises:
        BookNotEmptyError, InstrumentClosedError: it would not.

    """
    terms = listing.terms
    if not isinstance(terms, Instrument):
        return
    if terms.status != InstrumentStatus.CONTINUOUS:
        raise InstrumentClosedError(f"{terms.symbol} is {InstrumentStatus(terms.status).name.lower()}")
    book = await book_find(instrument=listing.scaler.instrument, depth=1)
    if book is not None and (book.bids or book.asks):
        raise BookNotEmptyError(f"orders rest in {terms.symbol}: give another --instrument, or cancel them")


def translator_for(listing: Listing, accounts: tuple[int, ...]) -> Translator:
    """Make the translator for a listing and the replay's accounts."""
    return Translator(listing.scaler, makers=accounts[:MAKERS], takers=accounts[MAKERS:])
