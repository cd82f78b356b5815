"""What a new venue needs to be of use: assets, instruments, two logins, an account with paper money for each.

Everything goes through the services, as any client's wish does, and only what is missing is done: an interrupted first
start is completed by the next one. The order is fixed, so ids come out the same on every machine.
"""

import asyncio
import math
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from apps.accounts.commands import OpenAccount
from apps.accounts.models import Account, LedgerEntry, User
from apps.accounts.money.opening import OpeningDeposit, opening_deposit, openings_complete
from apps.accounts.money.requests import requests_complete
from apps.accounts.services import account_open
from apps.marketdata.models import Asset, Instrument
from apps.marketdata.new_venue import ASSETS, INSTRUMENTS, asset_command, instrument_command
from apps.marketdata.services import asset_list, instrument_list
from apps.orders.matching.places import head_of
from apps.orders.selectors import projection_await
from cift.embedded.logins import logins_load, logins_made, users_ensure
from cift.errors.application import ApplicationError
from cift.monitoring.health import Check, Finding, Status
from cift.processes.threads import database_call

SHOWN_S_MAX = 30.0
"""How long the tables may take to show what the journal has."""

COMPLETE = "complete"
"""The file in the data folder that says so."""

_POLL_S = 0.02


async def bootstrap(folder: Path) -> dict[str, str]:
    """Complete the venue; give the logins, address to password.

    Raises:
        ApplicationError: the order service did not do its part.
        TimeoutError: the tables are behind the journal, so what is missing cannot be told.

    """
    async with asyncio.timeout(SHOWN_S_MAX):
        await _tables_caught_up()
    fresh = not logins_made(folder)
    logins = logins_load(folder)
    users = await database_call(users_ensure, logins, reset=fresh)
    await _assets_list()
    await _instruments_list()
    for email, user in users.items():
        await _account_fund(name=email.partition("@")[0], user=user)
    # What waits here was left behind by an earlier run; doing it twice does no harm.
    await openings_complete(older_than=timedelta(0))
    await requests_complete(alone_ns=0)
    (folder / COMPLETE).touch()
    return logins


class CompleteCheck(Check):
    """Whether the data folder has all that a new venue needs; who waits for `/ready` can then log in and trade."""

    async def look(self) -> Finding:
        """Look for the mark; a venue once complete stays so."""
        if (settings.DATA_DIR / COMPLETE).exists():
            return Finding(Status.OK)
        return Finding(Status.DOWN, "the first start goes on: instruments, logins and paper money are being made")


async def promises_keep() -> None:
    """Finish what was begun and cut off, in any process: registrations and money requests.

    Raises:
        ApplicationError: the order service does not do its part; do it again later.

    """
    await openings_complete()
    await requests_complete()


async def _tables_caught_up() -> None:
    head = await database_call(head_of, settings.MATCHING["SHARD"])
    await projection_await(number=head.number, timeout_s=math.inf)


async def _assets_list() -> None:
    known = await database_call(_asset_ids)
    for asset in ASSETS:
        if asset.symbol not in known:
            await _unless_there(asset_list(asset_command(asset)))
    await _until_shown(Asset, {asset.symbol for asset in ASSETS})


async def _instruments_list() -> None:
    assets = await database_call(_asset_ids)
    known = await database_call(_symbols_of, Instrument)
    for listing in INSTRUMENTS:
        if listing.symbol not in known:
            await _unless_there(instrument_list(instrument_command(listing, assets)))
    await _until_shown(Instrument, {listing.symbol for listing in INSTRUMENTS})


async def _account_fund(*, name: str, user: User) -> None:
    """Open the user's account and pay in what is missing of its paper money."""
    account = await database_call(_account_id, user)
    if account is None:
        account = (await account_open(OpenAccount(id=f"opening-{name}", owner=user.pk))).event.account
    assets = await database_call(_asset_ids)
    paid = await database_call(_assets_paid, account)
    for asset in ASSETS:
        if assets[asset.symbol] not in paid:
            deposit = OpeningDeposit(asset.symbol, assets[asset.symbol], asset.paper_units)
            await opening_deposit(account=account, deposit=deposit)


async def _unless_there(listing: Awaitable[object]) -> None:
    try:
        await listing
    except ApplicationError as error:
        if error.code != "already_exists":
            raise


async def _until_shown(model: type[Asset] | type[Instrument], symbols: set[str]) -> None:
    async with asyncio.timeout(SHOWN_S_MAX):
        # The tables are another process's, so there is nothing to be woken by.
        while not symbols <= await database_call(_symbols_of, model):  # noqa: ASYNC110 - see above
            await asyncio.sleep(_POLL_S)


def _asset_ids() -> dict[str, int]:
    return dict(Asset.objects.values_list("symbol", "id"))


def _symbols_of(model: type[Asset] | type[Instrument]) -> set[str]:
    return set(model.objects.values_list("symbol", flat=True))


def _account_id(user: User) -> int | None:
    return Account.objects.filter(owner=user).order_by("id").values_list("id", flat=True).first()


def _assets_paid(account: int) -> set[int]:
    return set(LedgerEntry.objects.filter(account_id=account).values_list("asset_id", flat=True))
