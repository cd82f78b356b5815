"""Events any command may be answered with."""

from cift.wire.base import Event
from cift.wire.reasons import Reason


class CommandDuplicate(Event, tag=3, frozen=True, kw_only=True):
    """The id was seen before; nothing was done. `order_id` is 0 where the first was no order."""

    account: int
    id: str
    first_sequence: int
    order_id: int
    same_payload: bool


class CommandRejected(Event, tag=4, frozen=True, kw_only=True):
    """A command that is no order was refused; `kind` is its tag, 0 where it could not be read."""

    account: int
    reason: Reason
    kind: int
    id: str
