"""What an audit finds."""

from dataclasses import dataclass, field
from enum import IntEnum


class Invariant(IntEnum):
    """What must always hold, by the numbers they are known by."""

    LEDGER_SUMS_TO_ZERO = 1
    BALANCE_IS_ITS_LEDGER = 2
    HELD_IS_WHAT_ORDERS_NEED = 3
    QUANTITY_ACCOUNTED = 4
    FILL_HAS_TWO_SIDES = 5
    TRADE_AT_RESTING_PRICE = 6
    BOOK_NOT_CROSSED = 7
    SEQUENCES_WITHOUT_GAP = 9
    ONE_EFFECT_AN_ID = 10
    JOURNAL_AND_TABLES_TRUE = 12
    TICKS_AND_SUMS_TRUE = 15
    EPOCHS_RISE = 16
    AUDIT_RECORDS_CHAINED = 18


class ViolationError(Exception):
    """An invariant does not hold; `sequence` is the first event it shows at, 0 where it is none's."""

    def __init__(self, invariant: Invariant, sequence: int, detail: str) -> None:
        """Name the invariant, the place and what was found."""
        super().__init__(f"invariant {invariant:d} ({invariant.name.lower()}) at sequence {sequence}: {detail}")
        self.invariant = invariant
        self.sequence = sequence
        self.detail = detail


@dataclass(slots=True)
class AuditReport:
    """How an audit went: what it went through, and the first violation, if there is one."""

    shard: int
    batches: int = 0
    events: int = 0
    sequence: int = 0
    projected: int = 0
    open_orders: int = 0
    snapshots: int = 0
    audit_records: int = 0
    audit_records_hash: str = ""
    seconds: float = 0.0
    violation: ViolationError | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was found."""
        return self.violation is None

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        found = self.violation
        return {
            "clean": self.is_clean,
            "shard": self.shard,
            "batches": self.batches,
            "events": self.events,
            "sequence": self.sequence,
            "projected": self.projected,
            "open_orders": self.open_orders,
            "snapshots": self.snapshots,
            "audit_records": self.audit_records,
            "audit_records_hash": self.audit_records_hash,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "violation": None
            if found is None
            else {
                "invariant": int(found.invariant),
                "name": found.invariant.name.lower(),
                "sequence": found.sequence,
                "detail": found.detail,
            },
        }
