"""Damaged snapshots, damaged journal rows, tampered tables: found, named, and not built upon."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.accounts.models import Account, Balance, LedgerEntry
from apps.marketdata.models import Instrument
from apps.orders.auditing.audit import audit
from apps.orders.lifecycle import OrderStatus
from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.halt import halt_lift, halt_of
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector, projection_rebuild
from apps.orders.matching.recovery import recover
from apps.orders.matching.verifier import ShardVerifier
from apps.orders.matching.work import WriterState
from apps.orders.models import Fill, JournalBatch, Order, Position, Projection, Snapshot
from tests.support.shard import DrivenWriter, Flow, journal_fill, opening


def follow_all() -> None:
    projector = ShardProjector(0)
    verifier = ShardVerifier(0, every_batches=1, every_s=60)
    while projector.step() or verifier.step():
        pass


def flip(value: bytes, place: int = -1) -> bytes:
    """Turn one bit of one byte over, in the middle unless said."""
    place = len(value) // 2 if place < 0 else place
    return value[:place] + bytes([value[place] ^ 0x10]) + value[place + 1 :]


def three_snapshots() -> None:
    engine = None
    for seed in range(3):
        engine = journal_fill(200, seed=seed, engine=engine)
        verifier = ShardVerifier(0, every_batches=1_000_000, every_s=60)
        while verifier.step():
            pass
        verifier.save()


@pytest.mark.parametrize("column", ["data", "checksum", "state_hash", "chain"])
def test_a_damaged_snapshot_is_passed_over_for_the_one_before(
    databases: str, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    three_snapshots()
    newest = Snapshot.objects.latest("number")
    Snapshot.objects.filter(pk=newest.pk).update(**{column: flip(bytes(getattr(newest, column)))})
    honest = recover(Journal(0))
    head = Journal(0).head()
    assert head is not None
    assert honest.chain == head.chain
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert f"behind batch {newest.number} is damaged" in said[0].getMessage()


def test_without_any_good_snapshot_the_journal_is_enough(sqlite: object) -> None:
    three_snapshots()
    Snapshot.objects.update(data=b"nothing")
    head = Journal(0).head()
    assert head is not None
    assert recover(Journal(0)).chain == head.chain


def test_only_the_last_snapshots_are_kept(sqlite: object) -> None:
    three_snapshots()
    engine = journal_fill(100, seed=8, engine=recover(Journal(0)))
    verifier = ShardVerifier(0, every_batches=1_000_000, every_s=60)
    while verifier.step():
        pass
    verifier.save()
    assert Snapshot.objects.count() == 3
    assert Snapshot.objects.latest("number").number == engine.number


JOURNAL_DAMAGE: dict[str, Callable[[JournalBatch], dict[str, Any]]] = {
    "commands": lambda row: {"commands": flip(bytes(row.commands))},
    "events": lambda row: {"events": flip(bytes(row.events))},
    "chain": lambda row: {"chain": flip(bytes(row.chain))},
    "at": lambda row: {"at": row.at + 1},
    "epoch": lambda row: {"epoch": row.epoch + 1},
    "last sequence": lambda row: {"last_sequence": row.last_sequence + 1},
    "engine version": lambda row: {"engine_version": row.engine_version + 1},
}


@pytest.mark.parametrize("damage", JOURNAL_DAMAGE)
def test_a_damaged_journal_row_ends_the_start_with_its_number(databases: str, damage: str) -> None:
    journal_fill(400)
    row = JournalBatch.objects.get(shard=0, number=9)
    JournalBatch.objects.filter(shard=0, number=9).update(**JOURNAL_DAMAGE[damage](row))
    shard = DrivenWriter()
    shard.begin()
    shard.wait(WriterState.FAILED)
    error = shard.ended.result(timeout=5)
    assert isinstance(error, JournalDamagedError)
    assert error.number == 9
    assert "batch 9" in str(error)
    report = audit(0)
    assert report.violation is not None
    assert report.violation.sequence == row.first_sequence
    assert report.violation.invariant == 12


def test_a_missing_journal_row_ends_the_start_with_its_number(databases: str) -> None:
    journal_fill(400)
    gone = JournalBatch.objects.get(shard=0, number=9)
    JournalBatch.objects.filter(shard=0, number=9).delete()
    with pytest.raises(JournalDamagedError, match="batch 9: the batch is missing"):
        recover(Journal(0))
    with pytest.raises(JournalDamagedError, match="batch 9: the batch is missing"):
        follow_all()
    violation = audit(0).violation
    assert violation is not None
    assert (violation.invariant, violation.sequence) == (9, gone.first_sequence)


def test_a_journal_that_lost_its_end_is_not_gone_on_with(databases: str) -> None:
    journal_fill(400)
    follow_all()
    last = Snapshot.objects.latest("number").number
    JournalBatch.objects.filter(shard=0, number__gte=last - 2).delete()
    with pytest.raises(JournalDamagedError, match="lost its end"):
        recover(Journal(0))
    assert audit(0).violation is not None


def _order(**wanted: object) -> Order:
    found = Order.objects.filter(**wanted).order_by("-id").first()
    assert found is not None
    return found


def _change(model: type[Any], column: str, by: int, **wanted: object) -> None:
    row = model.objects.filter(**wanted).order_by("pk")[model.objects.filter(**wanted).count() // 2]
    model.objects.filter(pk=row.pk).update(**{column: getattr(row, column) + by})


def _swap_sides() -> None:
    fill = Fill.objects.order_by("id")[10]
    Fill.objects.filter(pk=fill.pk).update(side=1 - fill.side)


def _two_legs() -> None:
    """Change two legs of an event so that they still sum to 0."""
    entry = LedgerEntry.objects.filter(kind=3, leg=0).order_by("sequence")[5]
    LedgerEntry.objects.filter(sequence=entry.sequence, leg=0).update(amount=entry.amount - 7)
    other = LedgerEntry.objects.get(sequence=entry.sequence, leg=3)
    LedgerEntry.objects.filter(pk=other.pk).update(amount=other.amount + 7)


TAMPERING: dict[str, tuple[Callable[[], object], int]] = {
    "a ledger amount": (lambda: _change(LedgerEntry, "amount", 1), 1),
    "two legs of a trade": (_two_legs, 12),
    "a ledger entry deleted": (lambda: LedgerEntry.objects.filter(pk=LedgerEntry.objects.all()[9].pk).delete(), 1),
    "a balance": (lambda: _change(Balance, "total", 1, account_id=3), 2),
    "a hold": (lambda: _change(Balance, "held", -1, held__gt=0), 12),
    "a fill's price": (lambda: _change(Fill, "price", 1), 5),
    "both fills' price": (
        lambda: Fill.objects.filter(trade_id=Fill.objects.order_by("id")[10].trade_id).update(price=1),
        12,
    ),
    "a fill's side": (_swap_sides, 5),
    "a fill's fee": (lambda: _change(Fill, "fee", 1), 12),
    "an ended order": (lambda: _change(Order, "fee", 1, status=OrderStatus.FILLED), 12),
    "an ended order's reason": (lambda: _change(Order, "reason", 1, status=OrderStatus.CANCELED), 12),
    "an open order": (lambda: _change(Order, "price", 1, status=OrderStatus.NEW), 12),
    "an order deleted": (lambda: Order.objects.filter(pk=_order(status=OrderStatus.REJECTED).pk).delete(), 12),
    "an order of nobody's": (lambda: Order(**_copy(_order(), id=77)).save(force_insert=True), 12),
    "a position": (lambda: _change(Position, "quantity", 1), 12),
    "an account": (lambda: Account.objects.filter(pk=4).update(killed=True), 12),
    "an instrument": (lambda: Instrument.objects.filter(pk=1).update(taker_ppm=0), 12),
    "the projection's place": (lambda: Projection.objects.update(last_sequence=1), 12),
}


def _copy(order: Order, **changes: object) -> dict[str, Any]:
    return {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields} | changes


@pytest.mark.parametrize("what", TAMPERING)
def test_the_audit_finds_tampered_tables(sqlite: object, what: str) -> None:
    journal_fill(800)
    follow_all()
    assert audit(0).violation is None
    tamper, invariant = TAMPERING[what]
    tamper()
    violation = audit(0).violation
    assert violation is not None
    assert violation.invariant == invariant, str(violation)


def test_the_verifier_halts_the_shard_and_a_clean_audit_lets_it_go_on(databases: str) -> None:
    flow = Flow()
    shard = DrivenWriter(lease_s=1.0, retry_s=0.05).start()
    shard.do(*opening())
    verifier = ShardVerifier(0, every_batches=1_000, every_s=60)
    while verifier.step():
        pass
    shard.do(flow.submit())
    head = Journal(0).head()
    assert head is not None
    batches = JournalBatch.objects.filter(shard=0, number=head.number)
    batches.update(events=flip(head.events))
    with pytest.raises(JournalDamagedError, match=f"batch {head.number}"):
        verifier.step()
    shard.wait(WriterState.HALTED)
    assert f"batch {head.number}" in shard.writer.status().detail
    assert shard.do(flow.submit()) == ["venue_halted"]
    assert audit(0).violation is not None
    batches.update(events=head.events)
    assert audit(0).violation is None
    assert halt_lift(shard=0)
    assert halt_of(shard=0) is None
    shard.wait(WriterState.READY)
    (events,) = shard.do(flow.submit())
    assert not isinstance(events, str)
    shard.stop()


def test_a_rebuild_mends_what_was_tampered_with(databases: str) -> None:
    journal_fill(800)
    follow_all()
    _change(LedgerEntry, "amount", 1)
    Order.objects.filter(pk=_order(status=OrderStatus.REJECTED).pk).delete()
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM accounts_balance")
    assert audit(0).violation is not None
    projection_rebuild(0, progress=lambda _at, _last: None)
    assert audit(0).violation is None
