"""Writes of orders, called by REST, sockets, admin and `manage.py`. A refusal is data, in the outcome's events."""

from collections.abc import Sequence

import msgspec

from apps.orders.commands import AmendOrder, Batch, BatchMember, CancelOrder, CancelOrders, SetKillSwitch, SubmitOrder
from apps.orders.events import AnyEvent, KillSwitchSet, section_decode
from cift.bus.performing import Performed, command_perform, command_send
from cift.wire.base import Command, Reply


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A command's events, the batch they are in, and that batch's time in ns."""

    number: int
    at: int
    events: tuple[AnyEvent, ...]


def outcome_of(reply: Reply) -> Outcome:
    """Decode a reply."""
    return Outcome(number=reply.number, at=reply.at, events=tuple(section_decode(reply.section)))


async def order_submit(order: SubmitOrder) -> Outcome:
    """Enter an order.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    return await _outcome(order)


async def order_amend(amend: AmendOrder) -> Outcome:
    """Change an open order.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    return await _outcome(amend)


async def order_cancel(cancel: CancelOrder) -> Outcome:
    """Cancel one order.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    return await _outcome(cancel)


async def order_cancel_all(cancel: CancelOrders) -> Outcome:
    """Cancel all orders that fit.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    return await _outcome(cancel)


async def order_batch(
    members: Sequence[BatchMember], *, account: int, atomic: bool = False, deadline: int = 0
) -> Outcome:
    """Apply up to 100 commands of one account in order; atomic: all of them or none.

    Raises:
        ApplicationError: what `command_send` raises.

    """
    return await _outcome(Batch(account=account, deadline=deadline, atomic=atomic, members=list(members)))


async def kill_switch_set(*, on: bool, deadline: int = 0) -> Performed[KillSwitchSet]:
    """Stop all new orders of the venue, or allow them again.

    Raises:
        ApplicationError: what `command_perform` raises.

    """
    return await command_perform(SetKillSwitch(deadline=deadline, on=on), event=KillSwitchSet)


async def _outcome(command: Command) -> Outcome:
    return outcome_of(await command_send(command))
