"""A new user's account and opening deposit: every step has an id of its own, so an interrupted one is just done again.

The engine remembers ids for a day; behind that, the tables say what is there already.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.codes import LedgerKind
from apps.accounts.commands import OpenAccount
from apps.accounts.models import LedgerEntry, User
from apps.accounts.selectors import account_of_user
from apps.accounts.services import account_open, deposit_book
from apps.marketdata.models import Asset
from cift.decimals import decimal_parse
from cift.errors.application import ApplicationError
from cift.orderservice.gateway import gateway
from cift.processes.threads import database_call
from cift.wire.queries import IdQuery

ALONE_FOR = timedelta(minutes=1)
"""A registration younger than this is still being seen to by whoever took it."""


logger = logging.getLogger(__name__)


class OpeningDeposit(NamedTuple):
    """An asset by its symbol and number, and how much of it; smallest units."""

    symbol: str
    asset: int
    amount: int


class Opened(NamedTuple):
    """An account that is complete, and the journal's batch it was completed in; 0: there was nothing to do."""

    account: int
    number: int


async def opening_complete(user: int) -> Opened:
    """Open what a user's registration has promised and is not there; of several at once each command takes effect once.

    Raises:
        ApplicationError: what `opening_begin` and `opening_finish` raise; do it again later.

    """
    return await opening_finish(user, begun=await opening_begin(user))


async def opening_begin(user: int) -> Opened:
    """Open a user's account, if it is not open yet; its deposits are still to come.

    Raises:
        ApplicationError: `venue_unavailable`: not all that is to be deposited is listed yet, as in a first start; what
            `account_open` raises.

    """
    await database_call(_assets_wanted)
    account = await database_call(_account_id, user)
    if account is not None:
        return Opened(account=account, number=0)
    opened = await account_open(OpenAccount(id=f"user-{user}", owner=user))
    return Opened(account=opened.event.account, number=opened.number)


async def opening_finish(user: int, *, begun: Opened) -> Opened:
    """Book the deposits that are missing in an account that is open.

    Raises:
        ApplicationError: what `opening_deposit` raises.

    """
    account, number = begun
    assets = await database_call(_assets_wanted)
    for deposit in await database_call(_deposits_missing, account, assets):
        booked = await opening_deposit(account=account, deposit=deposit)
        number = max(number, booked)
    await database_call(_done, user)
    return Opened(account=account, number=number)


async def opening_deposit(*, account: int, deposit: OpeningDeposit) -> int:
    """Book a deposit that opens an account, once; give the journal's batch, 0 where it had been booked long before.

    No client can take its id, which has a slash. Venues of the first days used one without; what was booked under that
    counts, unless it is the client's order.

    Raises:
        ApplicationError: what `deposit_book` raises, and the gateway's `query`.

    """
    earlier = await gateway().query(IdQuery(account, f"opening-{deposit.symbol}"))
    if earlier.found and not earlier.order_id:
        return 0
    booked = await deposit_book(
        account=account, command_id=f"opening/{deposit.symbol}", asset=deposit.asset, amount=deposit.amount
    )
    return booked.number


async def openings_complete(*, older_than: timedelta = ALONE_FOR) -> int:
    """Complete all registrations that were interrupted; give how many were.

    Raises:
        ApplicationError: the order service does not do its part.

    """
    due = await database_call(_due, timezone.now() - older_than)
    for user in due:
        await opening_complete(user)
    return len(due)


def registrations_stale() -> QuerySet[User]:
    """Find who has registered and not confirmed the address in time; nobody where addresses are not confirmed."""
    if not _confirms():
        return User.objects.none()
    before = timezone.now() - timedelta(days=settings.IDENTITIES["CONFIRMATION_DAYS"])
    return User.objects.filter(email_confirmed=False, opening_due=True, created_at__lt=before, accounts=None)


def _confirms() -> bool:
    return bool(settings.IDENTITIES["CONFIRM_EMAIL"])


def _due(before: datetime) -> list[int]:
    due = User.objects.filter(opening_due=True, is_active=True, created_at__lt=before)
    if _confirms():
        due = due.filter(email_confirmed=True)
    return list(due.order_by("pk").values_list("pk", flat=True))


def _account_id(user: int) -> int | None:
    account = account_of_user(user)
    return None if account is None else account.pk


def _assets_wanted() -> dict[str, Asset]:
    wanted: dict[str, str] = settings.IDENTITIES["OPENING_DEPOSITS"]
    assets = {asset.symbol: asset for asset in Asset.objects.filter(symbol__in=wanted)}
    missing = sorted(wanted.keys() - assets.keys())
    if missing:
        # Whoever were let in now would never get it.
        logger.error("OPENING_DEPOSITS names what is not listed: %s", ", ".join(missing))
        raise ApplicationError("venue_unavailable", "The venue is not set up yet; nothing happened.")
    return assets


def _deposits_missing(account: int, assets: Mapping[str, Asset]) -> list[OpeningDeposit]:
    wanted: dict[str, str] = settings.IDENTITIES["OPENING_DEPOSITS"]
    paid = set(
        LedgerEntry.objects.filter(account_id=account, kind=LedgerKind.DEPOSIT).values_list("asset_id", flat=True)
    )
    return [
        OpeningDeposit(symbol, assets[symbol].pk, decimal_parse(amount, scale=assets[symbol].scale))
        for symbol, amount in wanted.items()
        if assets[symbol].pk not in paid
    ]


def _done(user: int) -> None:
    User.objects.filter(pk=user).update(opening_due=False)


def opening_due(user: User) -> bool:
    """Return whether a user still waits for the account, and may have it."""
    return user.opening_due and (user.email_confirmed or not _confirms())


def opening_take_up(user: int) -> bool:
    """Take an opening up where another has left it, who does not undo it from then on; False: it is undone already."""
    return bool(User.objects.filter(pk=user).update(created_at=timezone.now()))


async def opening_try(user: int, *, begun: Opened | None = None) -> Opened | None:
    """Complete an opening if that is possible now; else somebody does later. `begun`: its account is open."""
    try:
        if begun is not None:
            return await opening_finish(user, begun=begun)
        return await opening_complete(user) if await database_call(opening_take_up, user) else None
    except ApplicationError as error:
        logger.warning("user %s still has no account: %s", user, error.code)
        return None
