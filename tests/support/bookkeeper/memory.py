"""What one trader was told, and what it was not: each command it sent, and each order as it knows it.

A command is acknowledged, refused, or its outcome is unknown: no answer came, or one that says so. What a refusal says
is that nothing happened, so it is held against the venue just as an acknowledgement is.
"""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FINAL_S = 6.5
"""Behind so long after a command was sent a look-up's no is final: its deadline, a second's margin, and some."""

_CREATED = 201
_ANSWER_ONLY = ("fills", "consistency_token")
NOTHING_HAPPENED = frozenset({"venue_unavailable", "venue_halted", "overloaded", "rate_limited"})
"""Of the errors that are the venue's fault, those that say so; after any other the outcome is unknown."""


class Fate(StrEnum):
    """What became of a command."""

    IN_FLIGHT = "in flight"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FOUND = "found to have happened"
    NEVER = "found to have never happened"


@dataclass(slots=True, eq=False)
class Sent:
    """One command about one order; of a mass cancel, one about none."""

    kind: str
    way: str
    params: dict[str, Any]
    fate: Fate = Fate.IN_FLIGHT
    why: str = ""
    sequence: int = 0
    at: float = field(default_factory=time.monotonic)

    @property
    def may_have_happened(self) -> bool:
        """Return whether the venue may show an effect of it."""
        return self.fate in {Fate.IN_FLIGHT, Fate.ACKNOWLEDGED, Fate.UNKNOWN, Fate.FOUND}


@dataclass(slots=True, eq=False)
class Kept:
    """An order as its client knows it; `told` is the newest state an answer or a message showed."""

    params: dict[str, Any]
    sent: list[Sent] = field(default_factory=list)
    told: dict[str, Any] | None = None
    busy: bool = False

    @property
    def client_order_id(self) -> str:
        """Its id."""
        return str(self.params["client_order_id"])

    @property
    def submit(self) -> Sent:
        """The command it began with."""
        return self.sent[0]

    @property
    def is_waited_for(self) -> bool:
        """Return whether the outcome of a command about it is not known yet."""
        return any(sent.fate is Fate.UNKNOWN for sent in self.sent)

    def wanted(self, term: str) -> set[str]:
        """Return the values a price or quantity may have by what was asked for."""
        return {str(self.params.get(term))} | {
            str(sent.params[term])
            for sent in self.sent
            if sent.kind == "amend" and sent.may_have_happened and term in sent.params
        }

    @property
    def is_open(self) -> bool:
        """Return whether, for all its client knows, it rests in the book."""
        return self.told is not None and self.told["status"] in {"new", "partially_filled"}


class Memory:
    """All one trader knows."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.orders: dict[str, Kept] = {}
        self.by_id: dict[str, Kept] = {}
        self.mass_cancels: list[Sent] = []
        self.fills: dict[str, dict[str, Any]] = {}
        self.sequences: set[int] = set()
        self.unsettled: dict[str, Kept] = {}
        self.unknown: list[tuple[Kept, Sent]] = []
        self.acknowledged = self.refused = 0
        self.token: tuple[int, str] = (0, "")
        self.surprises: list[str] = []

    def begin(self, params: dict[str, Any], sent: Sent) -> Kept:
        """Remember an order that is about to be sent."""
        kept = Kept(params, [sent], busy=True)
        self.orders[kept.client_order_id] = self.unsettled[kept.client_order_id] = kept
        return kept

    def acknowledge(self, kept: Kept, sent: Sent, status: int, body: dict[str, Any]) -> None:
        """Take the answer that a command was carried out."""
        sent.fate, sent.sequence = Fate.ACKNOWLEDGED, body["sequence"]
        self.acknowledged += 1
        if sent.kind != "submit" or status == _CREATED:
            # The first answer again is of long ago, and so is the message that came for it.
            self.sequences.add(body["sequence"])
        for fill in body.get("fills", ()):
            self.take_fill(fill)
        if "consistency_token" in body:
            self.token = max(self.token, (body["sequence"], body["consistency_token"]))
        self.note(kept, body)

    def note(self, kept: Kept, body: dict[str, Any]) -> None:
        """Take a state of an order, however it came; two that differ under one sequence are a surprise."""
        state = {name: value for name, value in body.items() if name not in _ANSWER_ONLY}
        told = kept.told
        if told is None or told["sequence"] < state["sequence"]:
            kept.told = state
        elif told["sequence"] == state["sequence"] and told != state:
            self.surprises.append(f"order {kept.client_order_id} was told as {told} and as {state}")
        self.by_id[state["id"]] = kept

    def take_fill(self, fill: dict[str, Any]) -> None:
        """Take a fill; told twice it is the same."""
        if self.fills.setdefault(fill["id"], fill) != fill:
            self.surprises.append(f"fill {fill['id']} was told as {self.fills[fill['id']]} and as {fill}")

    def refuse(self, sent: Sent, code: str) -> None:
        """Take the answer that nothing happened."""
        sent.fate, sent.why = Fate.REFUSED, code
        self.refused += 1

    def lose(self, kept: Kept | None, sent: Sent, why: str) -> None:
        """Note that no answer will come."""
        sent.fate, sent.why = Fate.UNKNOWN, why
        if kept is not None:
            self.unknown.append((kept, sent))

    def answered(self, kept: Kept, sent: Sent, status: int, body: dict[str, Any]) -> None:
        """Take any answer about one order."""
        if status < 400:
            self.acknowledge(kept, sent, status, body)
        elif status >= 500 and body["code"] not in NOTHING_HAPPENED:
            self.lose(kept, sent, body["code"])
        else:
            self.refuse(sent, body["code"])
