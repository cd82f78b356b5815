"""The audit records: appended one behind the other, and verified from the first."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import router, transaction

from apps.accounts.models import User
from apps.accounts.models.audit import GENESIS, AuditHead, AuditRecord
from cift.backoffice.contracts import AuditRecorder

_CHUNK = 1_000


class RecordsDamagedError(Exception):
    """The audit records are not what was appended; `number` is the first that shows it."""

    def __init__(self, number: int, detail: str) -> None:
        """Name the place and what was found."""
        super().__init__(detail)
        self.number = number
        self.detail = detail


class ChainedRecorder(AuditRecorder):
    """Keeps the records in a table, each chained to the one before."""

    def append(
        self,
        *,
        at: int,
        actor: User | None,
        address: str,
        request_id: str,
        action: str,
        subject: str,
        outcome: str,
        code: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        sequence: int = 0,
        about: int = 0,
    ) -> int:
        """Append a record with the hash of the one before it in its own."""
        with transaction.atomic(using=router.db_for_write(AuditRecord)):
            # SQLite's transaction has the writer's lock from its beginning; elsewhere the head's row is the lock.
            head, _ = AuditHead.objects.select_for_update().get_or_create(
                id=1, defaults={"number": 0, "chain": GENESIS}
            )
            record = AuditRecord(
                number=head.number + 1,
                at=at,
                actor_id=actor.pk if actor is not None else None,
                actor_email=actor.email if actor is not None else "",
                address=address,
                request_id=request_id,
                action=action,
                subject=subject,
                outcome=str(outcome),
                code=code,
                before=_json(before or {}),
                after=_json(after or {}),
                sequence=sequence,
                about=about,
            )
            record.chain = _chain(bytes(head.chain), record)
            record.save(force_insert=True)
            head.number, head.chain = record.number, record.chain
            head.save(update_fields=["number", "chain"])
        return record.number


def records_verify() -> tuple[int, bytes]:
    """Go through all records; give how many there are, and the last one's chain hash.

    Whoever can write the whole table can write another one whose hashes fit: the last hash, kept elsewhere, tells.

    Raises:
        RecordsDamagedError: a record was changed, removed, added or moved.

    """
    number, chain = 0, GENESIS
    for record in AuditRecord.objects.order_by("number").iterator(chunk_size=_CHUNK):
        number += 1
        if record.number != number:
            raise RecordsDamagedError(number, f"audit record {number} is missing")
        chain = _chain(chain, record)
        if bytes(record.chain) != chain:
            raise RecordsDamagedError(number, f"audit record {number} is not as it was appended")
    head = AuditHead.objects.filter(id=1).first()
    appended, last = (head.number, bytes(head.chain)) if head is not None else (0, GENESIS)
    if (appended, last) != (number, chain):
        raise RecordsDamagedError(
            min(number, appended) + 1, f"there are {number} audit records, {appended} were appended"
        )
    return number, chain


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _chain(previous: bytes, record: AuditRecord) -> bytes:
    said = [
        record.number,
        record.at,
        record.actor_id,
        record.actor_email,
        record.address,
        record.request_id,
        record.action,
        record.subject,
        record.outcome,
        record.code,
        record.before,
        record.after,
        record.sequence,
        record.about,
    ]
    return hashlib.sha256(previous + _json(said).encode()).digest()
