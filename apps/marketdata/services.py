"""Writes of reference data: each is a command to the order service, so each is in the journal."""

from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument, SetFeeTier
from apps.marketdata.events import AssetListed, FeeTierSet, InstrumentChanged, InstrumentListed
from cift.orderservice.performing import Performed, command_perform


async def asset_list(command: ListAsset) -> Performed[AssetListed]:
    """List a new asset.

    Raises:
        ApplicationError: `already_exists`, `listing_invalid`; what `command_perform` raises.

    """
    return await command_perform(command, event=AssetListed)


async def instrument_list(command: ListInstrument) -> Performed[InstrumentListed]:
    """List a new instrument.

    Raises:
        ApplicationError: `already_exists`, `asset_unknown`, `listing_invalid`; what `command_perform` raises.

    """
    return await command_perform(command, event=InstrumentListed)


async def instrument_change(command: ChangeInstrument) -> Performed[InstrumentChanged]:
    """Change an instrument's status or terms.

    Raises:
        ApplicationError: `instrument_unknown`, `listing_invalid`, `open_orders_exist`; what `command_perform` raises.

    """
    return await command_perform(command, event=InstrumentChanged)


async def fee_tier_set(command: SetFeeTier) -> Performed[FeeTierSet]:
    """Set the fees of one tier of one instrument.

    Raises:
        ApplicationError: `instrument_unknown`, `tier_invalid`; what `command_perform` raises.

    """
    return await command_perform(command, event=FeeTierSet)
