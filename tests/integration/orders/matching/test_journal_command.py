"""`manage.py journal`: a stretch exported line by line, and the first wrong batch named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.orders.matching.engine import ENGINE_VERSION, chain_of, row_of
from apps.orders.matching.followers import Follower
from apps.orders.matching.journal import Journal
from apps.orders.models import JournalBatch
from tests.support.shard import IDS_KEY, journal_fill


def exported(tmp_path: Path, *arguments: str) -> list[dict[str, Any]]:
    file = tmp_path / f"lines-{'-'.join(arguments)}.jsonl"
    call_command("journal", "export", "--output", str(file), *arguments)
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_each_batch_is_a_line_with_its_commands_and_their_events(databases: str, tmp_path: Path) -> None:
    engine = journal_fill(200)
    lines = exported(tmp_path)

    assert [line["number"] for line in lines] == list(range(1, engine.number + 1))
    assert lines[-1]["chain"] == engine.chain.hex()
    sequences = [
        event["sequence"] for line in lines for events in (*line["events"], line["batch_events"]) for event in events
    ]
    assert sequences == list(range(1, engine.sequence + 1))
    assert all(len(line["commands"]) == len(line["events"]) for line in lines)
    submits = [command for line in lines for command in line["commands"] if command["name"] == "SubmitOrder"]
    assert {command["side"] for command in submits} == {"buy", "sell"}
    assert lines[0]["commands"][0] == {"name": "OpenVenue", "version": 1, "hash_key": "hidden"}
    assert IDS_KEY.hex() not in json.dumps(lines)


def test_a_range_is_exported_and_what_cannot_be_read_is_given_in_hex(sqlite: object, tmp_path: Path) -> None:
    engine = journal_fill(100)
    made = engine.apply(b"\x02\x00\x00\x00\xc1\xc1", number=engine.number + 1, at=engine.at + 1)
    Journal(0).append(row_of(made, epoch=engine.epoch))
    lines = exported(tmp_path, f"--from={engine.number - 1}", f"--to={engine.number}")

    assert [line["number"] for line in lines] == [engine.number - 1, engine.number]
    assert lines[1]["commands"] == [{"name": None, "bytes": "c1c1"}]
    assert lines[1]["events"][0][0]["name"] == "CommandRejected"


def test_an_export_overwrites_nothing(sqlite: object, tmp_path: Path) -> None:
    journal_fill(20)
    (tmp_path / "there").write_text("mine")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("journal", "export", "--output", str(tmp_path / "there"))
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from=0"], "are no range"),
        (["--from=-3"], "are no range"),
        (["--from=9", "--to=3"], "batches 9 to 3 are no range"),
        (["--to=0"], "are no range"),
        (["--to=100000"], "ends at batch"),
        (["--from=100000"], "are no range|ends at batch"),
    ],
)
@pytest.mark.parametrize("deed", ["export", "verify"])
def test_a_range_there_is_not_is_one_line(sqlite: object, deed: str, arguments: list[str], line: str) -> None:
    journal_fill(60)
    with pytest.raises(CommandError, match=line) as caught:
        call_command("journal", deed, *arguments)
    assert caught.value.returncode == 2


def test_an_empty_journal_is_said_to_be_empty(sqlite: object) -> None:
    with pytest.raises(CommandError, match="is empty"):
        call_command("journal", "verify")


def test_a_true_journal_is_true_from_the_beginning_and_from_a_snapshot(
    databases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = journal_fill(200)
    Follower(0, once=True).verify()
    engine = journal_fill(100, engine=engine, seed=2)
    call_command("journal", "verify", "--json")
    whole = json.loads(capsys.readouterr().out)
    assert (whole["first"], whole["last"], whole["executed"]) == (1, engine.number, engine.number)
    assert whole["chain"] == engine.chain.hex()
    call_command("journal", "verify", f"--from={engine.number - 1}", "--json")
    behind = json.loads(capsys.readouterr().out)
    assert 1 < behind["first"] < engine.number
    assert behind["chain"] == engine.chain.hex()
    call_command("journal", "verify", "--from=5", "--to=7", "--chain-only")
    assert "true: batches 5 to 7 (chain hashes only)" in capsys.readouterr().out


def _flip(name: str) -> Callable[[int], None]:
    def spoil(number: int) -> None:
        row = JournalBatch.objects.get(shard=0, number=number)
        spoilt = bytearray(getattr(row, name))
        spoilt[-1] ^= 1
        JournalBatch.objects.filter(shard=0, number=number).update(**{name: bytes(spoilt)})

    return spoil


def _forged(number: int) -> None:
    """Return a batch other events and the chain hash that fits them: only executing it again shows it."""
    journal = Journal(0)
    before, row = journal.get(number - 1), journal.get(number)
    assert before is not None
    assert row is not None
    events = row.events[:-1] + bytes((row.events[-1] ^ 1,))
    chain = chain_of(before.chain, row._replace(events=events))
    JournalBatch.objects.filter(shard=0, number=number).update(events=events, chain=chain)


SPOILT: dict[str, Callable[[int], Any]] = {
    "commands": _flip("commands"),
    "events": _flip("events"),
    "chain": _flip("chain"),
    "forged": _forged,
    "missing": lambda number: JournalBatch.objects.filter(shard=0, number=number).delete(),
    "time": lambda number: JournalBatch.objects.filter(shard=0, number=number).update(at=1),
    "sequences": lambda number: JournalBatch.objects.filter(shard=0, number=number).update(last_sequence=10**9),
    "epoch": lambda number: JournalBatch.objects.filter(shard=0, number=number).update(epoch=77),
}


@pytest.mark.parametrize("what", SPOILT)
def test_the_first_wrong_batch_is_named(sqlite: object, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = journal_fill(200)
    number = engine.number // 2
    SPOILT[what](number)
    with pytest.raises(CommandError, match=f"batch {number} is wrong: ") as caught:
        call_command("journal", "verify", "--json")
    assert caught.value.returncode == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["bad"], report["batches"]) == (number, number - 1)


def test_batches_of_another_engine_are_verified_by_their_chain_hash(
    sqlite: object, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = journal_fill(60)
    before = bytes(32)
    for row in Journal(0).chunk(0, rows=1_000):
        other = row._replace(engine_version=ENGINE_VERSION + 1)
        before = chain_of(before, other)
        JournalBatch.objects.filter(shard=0, number=row.number).update(
            engine_version=other.engine_version, chain=before
        )
    call_command("journal", "verify", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["batches"], report["executed"], report["bad"]) == (engine.number, 0, None)


def test_an_export_names_a_batch_that_is_missing(sqlite: object, tmp_path: Path) -> None:
    journal_fill(100)
    JournalBatch.objects.filter(shard=0, number=4).delete()
    with pytest.raises(CommandError, match="batch 4 is wrong: the batch is missing"):
        exported(tmp_path)
    JournalBatch.objects.filter(shard=0, number=3).update(events=b"\xff\xff\xff\xff")
    with pytest.raises(CommandError, match="batch 3 is wrong"):
        exported(tmp_path, "--to=3")
