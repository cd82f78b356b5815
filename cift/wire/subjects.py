"""Every subject of the bus, in one place: who publishes or asks, who listens or responds, and what the payload is.

The first token names the kind, the last one the shard, instrument or account, so `book.*` is every book.
"""

from typing import NamedTuple

from cift.wire.streams import EVENTS, MARKET_DATA, ORDERS, STREAMS

SESSIONS_ENDED = "sessions.ended"
"""Logins have ended. Published by whichever process ended them; every web process listens and asks the database which.

Payload: empty.
"""


def commands_subject(shard: int) -> str:
    """Name where a shard's writer takes commands.

    Asked by `cift.orderservice.gateway`, answered by the order service. Payload: a frame of encoded commands, at most
    `COMMANDS_PER_REQUEST_MAX`; answer: a MessagePack array with an encoded `Reply` or a refusal's code for each.
    """
    return f"orders.commands.{shard}"


def query_subject(shard: int) -> str:
    """Name where a shard's writer answers from its memory.

    Asked by `cift.orderservice.gateway`, answered by the order service while its writer is ready. Payload and answer:
    a query of `cift.wire.queries` and what it says its answer is.
    """
    return f"orders.query.{shard}"


def status_subject(shard: int) -> str:
    """Name where a shard's order service says how it is, in whatever state it is.

    Asked by `/ready`, the back office, `manage.py venue_status` and the supervisor. Payload: empty; answer: a
    `ServiceState`.
    """
    return f"orders.status.{shard}"


def told_subject(shard: int) -> str:
    """Name where a shard's order service says what an account was last told.

    Asked by web processes the writer is not in, before a read of an account's own. Payload: the account's number in
    MessagePack; answer: the journal's batch, 0 where the tables are known to have it, nil where it is not known.
    """
    return f"orders.told.{shard}"


def book_subject(instrument: int) -> str:
    """Name the public feed of an instrument.

    Published by the order service behind each batch that touched the book; the web processes' feeds listen. Payload: a
    `BookBlock`.
    """
    return f"book.{instrument}"


def account_subject(account: int) -> str:
    """Name the private feed of an account.

    Published by the order service behind each batch with events of the account; the web processes with a reader of it
    listen. Payload: an `AccountBlock`.
    """
    return f"account.{account}"


def venue_subject(shard: int) -> str:
    """Name the feed of the venue's own state.

    Published by the order service behind a batch that set the kill switch; the web processes listen. Payload: a
    `VenueBlock`.
    """
    return f"venue.{shard}"


def journal_subject(shard: int) -> str:
    """Name the hint that a shard's journal has grown.

    Published by the order service behind every batch; the projector and the verifier listen, and look for themselves
    as well. Payload: a MessagePack array of the batch's number.
    """
    return f"journal.{shard}"


def message_id_of(*, shard: int, number: int, subject: str, part: int = 0) -> str:
    """Name the message a batch has for a subject: published again after a restart, it has the same id.

    `part`: which of several, counted from 0.
    """
    return f"{shard}.{number}.{subject}" + (f".{part}" if part else "")


class Role(NamedTuple):
    """What a kind of process does on the bus, as subjects and families of them.

    `watches`: streams whose state it reads. `makes`: streams it makes and alters, and whose messages it reads singly.
    `reads`: streams it reads as a member of the group beside them.
    """

    publishes: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    responds: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()


_FEEDS = ("book.*", "account.*", "venue.*")
_STATUS = "orders.status.*"
_STREAMS = tuple(stream.name for stream in STREAMS)
_ASKED = ("orders.commands.*", "orders.query.*", "orders.told.*", _STATUS)

ROLES = {
    "matching": Role(publishes=(*_FEEDS, "journal.*"), responds=_ASKED),
    "web": Role(publishes=(SESSIONS_ENDED,), listens=(*_FEEDS, SESSIONS_ENDED), asks=_ASKED, watches=_STREAMS),
    "projector": Role(listens=("journal.*",), asks=(_STATUS,)),
    "worker": Role(reads=((MARKET_DATA.name, "ticks"),)),
    "publisher": Role(
        publishes=tuple(pattern for stream in (MARKET_DATA, ORDERS, EVENTS) for pattern in stream.subjects),
        listens=("journal.*",),
        makes=_STREAMS,
    ),
}
"""Every role; commands of `manage.py` and the simulation are a `web`. A server that can holds each to its role."""
