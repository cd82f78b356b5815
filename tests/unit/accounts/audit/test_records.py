"""The audit records' chain: whatever is done to a record behind its back is found."""

from collections.abc import Callable

import pytest

from apps.accounts.audit.records import ChainedRecorder, RecordsDamagedError, records_verify
from apps.accounts.models import AuditHead, AuditRecord, User
from tests.support.together import together


def append(number: int, actor: User | None = None) -> int:
    return ChainedRecorder().append(
        at=1_700_000_000_000_000_000 + number,
        actor=actor,
        address="192.0.2.7",
        request_id=f"r{number}",
        action="instrument.status",
        subject="instrument 1",
        outcome="done",
        before={"status": "continuous"},
        after={"status": "halted", "note": "ü"},
        sequence=number,
    )


def edited(**fields: object) -> Callable[[], object]:
    return lambda: AuditRecord.objects.filter(number=3).update(**fields)


def swapped() -> None:
    rows = {row.number: row for row in AuditRecord.objects.filter(number__in=(2, 3))}
    AuditRecord.objects.filter(number__in=(2, 3)).delete()
    for number, row in rows.items():
        row.number = 5 - number
        row.save(force_insert=True)


DAMAGE: dict[str, tuple[Callable[[], object], int]] = {
    "time": (edited(at=1), 3),
    "subject": (edited(subject="instrument 2"), 3),
    "outcome": (edited(outcome="refused"), 3),
    "before": (edited(before="{}"), 3),
    "after": (edited(after='{"status":"continuous"}'), 3),
    "who": (edited(actor_email="another@example.com"), 3),
    "where": (edited(address="192.0.2.8"), 3),
    "sequence": (edited(sequence=4), 3),
    "hash": (edited(chain=bytes(32)), 3),
    "deleted": (lambda: AuditRecord.objects.filter(number=3).delete(), 3),
    "last deleted": (lambda: AuditRecord.objects.filter(number=5).delete(), 5),
    "all deleted": (lambda: AuditRecord.objects.all().delete(), 1),
    "swapped": (swapped, 2),
    "head": (lambda: AuditHead.objects.update(number=4), 5),
}


def test_what_was_appended_verifies(databases: str) -> None:
    actor = User.objects.create_user("operator@example.com", "secret")

    assert [append(number, actor) for number in range(1, 6)] == [1, 2, 3, 4, 5]

    count, last = records_verify()
    assert (count, last) == (5, bytes(AuditHead.objects.get().chain))
    assert AuditRecord.objects.get(number=2).actor_email == "operator@example.com"


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_at_its_place(sqlite: object, damage: str) -> None:
    for number in range(1, 6):
        append(number)
    harm, number = DAMAGE[damage]

    harm()

    with pytest.raises(RecordsDamagedError) as raised:
        records_verify()
    assert raised.value.number == number


def test_records_of_many_at_once_stand_in_one_chain(databases: str) -> None:
    numbers = together(8, append)

    assert sorted(number for number in numbers if isinstance(number, int)) == list(range(1, 9))
    assert records_verify()[0] == 8
