"""A command from start to answer: sent, its first event read, a repeated id led back to the first answer."""

from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

import msgspec

from cift.errors.application import ApplicationError
from cift.orderservice.gateway import ReplyCallback, gateway
from cift.orderservice.journal import journal_reads
from cift.processes.threads import database_call
from cift.wire.base import Command, Event, Reply, command_encode, messages_split
from cift.wire.outcomes import CommandDuplicate, CommandRejected

E = TypeVar("E", bound=Event)


class Performed(msgspec.Struct, Generic[E], frozen=True):
    """What a command came to: the batch it is in, that batch's time, and the event that says so."""

    number: int
    at: int
    event: E


def command_send(command: Command) -> Awaitable[Reply]:
    """Send one command; it is on its way when this returns, and the reply is awaited.

    Raises (when awaited):
        ApplicationError: `venue_unavailable` or `overloaded`: nothing happened; `outcome_unknown`: it may yet take
            effect until its deadline.

    """
    return gateway().submit(command_encode(command))


def command_send_with_callback(command: Command, callback: ReplyCallback) -> None:
    """Send one command as `command_send` does; the callback gets what is awaited there, in this event loop."""
    gateway().submit_with_callback(command_encode(command), callback)


async def first_answer(sequence: int) -> Reply:
    """Read from the journal how the command was answered that caused the event with this sequence.

    Raises:
        ApplicationError: `outcome_unknown`: it cannot be read now.

    """
    return await database_call(journal_reads["default"].first_answer, sequence)


async def command_perform(command: Command, *, event: type[E]) -> Performed[E]:
    """Send a command whose success is one kind of event.

    Raises:
        ApplicationError: the reason's code where it was refused, `conflict` where the id was used for something else,
            and what `command_send` raises.

    """
    decode: Any = msgspec.msgpack.Decoder(event | CommandRejected | CommandDuplicate).decode
    reply = await command_send(command)
    first = decode(messages_split(reply.section)[0])
    if isinstance(first, CommandDuplicate):
        if not first.same_payload:
            raise ApplicationError("conflict", "The id was used with another payload.")
        reply = await first_answer(first.first_sequence)
        first = decode(messages_split(reply.section)[0])
    if not isinstance(first, event):
        raise ApplicationError(first.reason.code, extra={"sequence": first.sequence})
    return Performed(number=reply.number, at=reply.at, event=first)
