"""What agents need before they trade: users, accounts that are labelled, funds, and logins. Done twice it is done once.

The users have no password: nobody logs in as an agent but who has the data folder. Funds are finite (`funds`): what
moves them back to where they began is a deposit or an adjustment in the journal as any other, once a UTC day for each
account and asset, with audit records around it. Until then an account that has run dry does without.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from apps.accounts.commands import OpenAccount
from apps.accounts.identity.sessions import family_start, tokens_issue
from apps.accounts.models import Account, Balance, TokenFamily, User
from apps.accounts.models.audit import ActOutcome
from apps.accounts.services import account_open, adjustment_book, deposit_book
from apps.marketdata.models import Asset, FeeTier, Instrument
from apps.marketdata.selectors import book_find, instruments_all
from apps.orders.commands import CancelOrders
from apps.orders.models import Order
from apps.orders.selectors import projection_await
from apps.orders.services import orders_cancel_all
from apps.simulation.agents.funds import funds_of, moves_due
from apps.simulation.agents.population import ACCOUNTS
from apps.simulation.agents.profiles import PROFILES, Terms
from apps.simulation.client.plan import Login
from cift.backoffice.acts import VENUE, record
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns

DOMAIN = "simulation.cift.localhost"
SHOWN_S_MAX = 30.0

_LEFT = frozenset({"conflict", "insufficient_funds"})
_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class NothingToSimulateError(Exception):
    """The venue lists none of the instruments that can be simulated."""


class _Move(NamedTuple):
    account: int
    asset: int
    symbol: str
    amount: int


async def terms_read() -> list[Terms]:
    """Return the instruments to simulate, as they are listed.

    Raises:
        NothingToSimulateError: there are none.

    """
    terms = await database_call(_terms)
    if not terms:
        symbols = ", ".join(profile.symbol for profile in PROFILES)
        raise NothingToSimulateError(f"there is nothing to simulate: the venue lists none of {symbols}")
    return terms


def _terms() -> list[Terms]:
    known = [profile.symbol for profile in PROFILES]
    fees = dict(FeeTier.objects.filter(tier=0).values_list("instrument_id", "maker_ppm"))
    return [
        Terms(
            symbol=row.symbol,
            base=row.base.symbol,
            quote=row.quote.symbol,
            price_scale=row.price_scale,
            base_scale=row.base.scale,
            quote_scale=row.quote.scale,
            tick_size=row.tick_size,
            lot_size=row.lot_size,
            quantity_min=row.quantity_min,
            quantity_max=row.quantity_max,
            notional_min=row.notional_min,
            reference_price=row.reference_price,
            maker_ppm=fees.get(row.pk, 0),
        )
        for row in instruments_all().filter(symbol__in=known, reference_price__gt=0)
    ]


async def begin_prices(terms: Sequence[Terms]) -> dict[str, int]:
    """Return each instrument's last price, where it has one: the market goes on from what everybody has seen.

    Raises:
        ApplicationError: `venue_unavailable`.

    """
    numbers = await database_call(lambda: dict(Instrument.objects.values_list("symbol", "id")))
    prices: dict[str, int] = {}
    for each in terms:
        book = await book_find(instrument=numbers[each.symbol], depth=1)
        if book is not None and book.last_price:
            prices[each.symbol] = book.last_price
    return prices


async def accounts_prepare(terms: Sequence[Terms]) -> dict[str, int]:
    """Open, label and fund the agents' accounts; give their numbers by name.

    Raises:
        ApplicationError: the order service does not do its part.
        ApplicationError: `projection_behind`: the tables do not show it.

    """
    users = await database_call(_users)
    opened = await asyncio.gather(
        *(account_open(OpenAccount(id=f"simulation-{name}", owner=user)) for name, user in users.items())
    )
    accounts = {name: each.event.account for name, each in zip(users, opened, strict=True)}
    await projection_await(number=max(each.number for each in opened), timeout_s=SHOWN_S_MAX)
    await database_call(_label, accounts, [each.symbol for each in terms])
    await accounts_fund(accounts, terms)
    return accounts


def _users() -> dict[str, int]:
    users = {}
    for name in ACCOUNTS:
        email = f"{name}@{DOMAIN}"
        user = User.objects.filter(email=email).first() or User.objects.create_user(email)
        users[name] = user.pk
    return users


def _label(accounts: dict[str, int], symbols: Sequence[str]) -> None:
    Account.objects.filter(pk__in=accounts.values(), simulated=False).update(simulated=True)
    Instrument.objects.filter(symbol__in=symbols, simulated=False).update(simulated=True)


async def accounts_fund(accounts: dict[str, int], terms: Sequence[Terms]) -> None:
    """Fill up what is low and take out what is too much, once a day for each account and asset.

    Raises:
        ApplicationError: the order service does not do its part.

    """
    due = await database_call(_moves_due, accounts, funds_of(terms))
    day = f"{datetime.fromtimestamp(clock_ns() // _NS, tz=UTC):%Y%m%d}"
    for account in sorted({move.account for move in due}):
        moves = [move for move in due if move.account == account]
        told = {move.symbol: move.amount for move in moves}
        asked = await database_call(_record, account, ActOutcome.ASKED, told, 0, 0)
        sequence = max(await asyncio.gather(*(_move(move, day) for move in moves)))
        await database_call(
            _record, account, ActOutcome.DONE if sequence else ActOutcome.REFUSED, told, sequence, asked
        )


async def _move(move: _Move, day: str) -> int:
    """Book a move; give its sequence, 0 where the day's has been given before or cannot be."""
    book = deposit_book if move.amount > 0 else adjustment_book
    try:
        booked = await book(
            account=move.account,
            command_id=f"simulation-{move.symbol}-{day}",
            asset=move.asset,
            amount=move.amount,
        )
    except ApplicationError as error:
        if error.code not in _LEFT:
            raise
        logger.warning("account %s keeps its %s for today: %s", move.account, move.symbol, error.code)
        return 0
    return booked.event.sequence


def _moves_due(accounts: dict[str, int], funds: dict[str, int]) -> list[_Move]:
    assets = dict(Asset.objects.filter(symbol__in=funds).values_list("symbol", "id"))
    symbols = {number: symbol for symbol, number in assets.items()}
    held: defaultdict[int, dict[str, int]] = defaultdict(dict)
    rows = Balance.objects.filter(account_id__in=accounts.values(), asset_id__in=symbols)
    for account, asset, total in rows.values_list("account_id", "asset_id", "total"):
        held[account][symbols[asset]] = total
    return [
        _Move(account, assets[symbol], symbol, amount)
        for account in accounts.values()
        for symbol, amount in moves_due(held[account], funds).items()
    ]


def _record(account: int, outcome: ActOutcome, amounts: dict[str, int], sequence: int, about: int) -> int:
    return record(
        VENUE,
        action="simulation.fund",
        subject=f"account {account}",
        outcome=outcome,
        after=amounts,
        sequence=sequence,
        about=about,
    )


async def orders_take_back() -> int:
    """Cancel what agents of an earlier run left in the books, where no simulation runs any more; give how many orders.

    Raises:
        ApplicationError: the order service does not do its part.

    """
    accounts = await database_call(_accounts_with_orders)
    done = await asyncio.gather(*(orders_cancel_all(CancelOrders(account=account)) for account in accounts))
    return sum(each.event.count for each in done)


def _accounts_with_orders() -> list[int]:
    resting = Order.objects.open().filter(account__simulated=True)
    return list(resting.order_by("account_id").values_list("account_id", flat=True).distinct())


def logins_make() -> dict[str, Login]:
    """Begin a login for each agent, and forget those of runs before."""
    at = clock_ns()
    logins = {}
    for name in ACCOUNTS:
        user = User.objects.get(email=f"{name}@{DOMAIN}")
        TokenFamily.objects.filter(user=user).delete()
        tokens = tokens_issue(family_start(user, at=at, address=""), at=at)
        until = at + settings.IDENTITIES["ACCESS_S"] * _NS
        logins[name] = Login(access=tokens.access, refresh=tokens.refresh, access_until=until)
    return logins


def scales_read(terms: Sequence[Terms]) -> dict[str, int]:
    """Return the decimals of the assets of some instruments."""
    return {each.base: each.base_scale for each in terms} | {each.quote: each.quote_scale for each in terms}
