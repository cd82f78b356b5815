"""Writes of orders, called by REST, sockets, admin and `manage.py`. A refusal is data, in the outcome's events."""

from collections.abc import Awaitable

import msgspec

from apps.orders.commands import AmendOrder, Batch, CancelOrder, CancelOrders, SetKillSwitch, SubmitOrder
from apps.orders.events import AnyEvent, KillSwitchSet, OrdersCanceled, section_decode
from cift.errors.application import ApplicationError
from cift.orderservice.performing import Performed, command_perform, command_send
from cift.wire.base import Reply
from cift.wire.outcomes import CommandRejected


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A command's events, the batch they are in, and that batch's time in ns."""

    number: int
    at: int
    events: tuple[AnyEvent, ...]


def outcome_of(reply: Reply) -> Outcome:
    """Decode a reply."""
    return Outcome(number=reply.number, at=reply.at, events=tuple(section_decode(reply.section)))


OrderCommand = SubmitOrder | AmendOrder | CancelOrder | CancelOrders | Batch


def order_command_send(command: OrderCommand) -> Awaitable[Outcome]:
    """Send a command that enters, changes or cancels orders; it is on its way when this returns.

    Raises (when awaited):
        ApplicationError: what `command_send` raises.

    """
    return _decoded(command_send(command))


async def kill_switch_set(*, on: bool, deadline: int = 0) -> Performed[KillSwitchSet]:
    """Stop all new orders of the venue, or allow them again.

    Raises:
        ApplicationError: what `command_perform` raises.

    """
    return await command_perform(SetKillSwitch(deadline=deadline, on=on), event=KillSwitchSet)


async def orders_cancel_all(cancel: CancelOrders) -> Performed[OrdersCanceled]:
    """Cancel all orders that fit, of which the event counts the first slice; the others follow by themselves.

    Raises:
        ApplicationError: the reason's code where it was refused; what `command_send` raises.

    """
    outcome = await order_command_send(cancel)
    last = outcome.events[-1]
    if isinstance(last, OrdersCanceled):
        return Performed(number=outcome.number, at=outcome.at, event=last)
    code = last.reason.code if isinstance(last, CommandRejected) else "outcome_unknown"
    raise ApplicationError(code, extra={"sequence": last.sequence})


async def _decoded(reply: Awaitable[Reply]) -> Outcome:
    return outcome_of(await reply)
