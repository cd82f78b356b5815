"""A recorded order flow through the venue, as an operator sends it: `manage.py replay`."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.marketdata.feeds.sample import write_sample
from tests.support.recordings import level_1
from tests.support.shared_data import LobsterHour

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 300
# What a naive price-time book reaches on the hour.
HOUR_STATES = 23_439
HOUR_EQUAL = 23_422
RESULT_TABLES = (
    """SELECT account_id, client_order_id, side, price, quantity, status, filled_quantity, canceled_quantity,
       leaves_quantity, filled_notional, fee, reason FROM orders_order ORDER BY account_id, client_order_id""",
    "SELECT account_id, asset_id, total, held FROM accounts_balance ORDER BY account_id, asset_id",
    "SELECT account_id, instrument_id, quantity, cost, realised, fees FROM orders_position ORDER BY account_id",
    "SELECT price, quantity, side, liquidity, account_id FROM orders_fill ORDER BY id",
)


@dataclass(frozen=True)
class Folder:
    """A data folder and the commands of `manage.py` that work on it."""

    path: Path

    def environment(self) -> dict[str, str]:
        settings = {"DJANGO_SETTINGS_MODULE": "cift.settings.embedded", "CIFT_DATA_DIR": str(self.path)}
        return {**os.environ, **settings}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        child = self.start(*words)
        try:
            out, error = child.communicate(timeout=SECONDS_MAX)
        finally:
            child.kill()
        return subprocess.CompletedProcess(words, child.returncode, out, error)

    def replay(self, messages: Path, *more: str) -> dict[str, Any]:
        done = self.run(*words(messages, *more))
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def batches(self) -> int:
        """How many batches the journal has, 0 before there is one."""
        try:
            with sqlite3.connect(f"file:{self.path / 'journal.sqlite3'}?mode=ro", uri=True) as journal:
                (count,) = journal.execute("SELECT max(number) FROM orders_journalbatch").fetchone()
        except sqlite3.OperationalError:
            return 0
        return count or 0

    def results(self) -> list[list[tuple[Any, ...]]]:
        """What the tables say came of it, but for times and sequences, which an interruption may shift."""
        return [self.asked(statement) for statement in RESULT_TABLES]

    def listed(self) -> tuple[int, ...]:
        """How many assets, instruments and accounts with funds the tables have once all is in them."""
        assert self.run("run_projector", "--once").returncode == 0
        counts = ("marketdata_asset", "marketdata_instrument", "accounts_balance")
        with sqlite3.connect(f"file:{self.path / 'db.sqlite3'}?mode=ro", uri=True) as tables:
            return tuple(tables.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in counts)  # noqa: S608

    def asked(self, statement: str) -> list[tuple[Any, ...]]:
        """What the tables answer."""
        with sqlite3.connect(f"file:{self.path / 'db.sqlite3'}?mode=ro", uri=True) as tables:
            return tables.execute(statement).fetchall()

    def audit(self) -> None:
        done = self.run("audit")
        assert done.returncode == 0, done.stdout + done.stderr


def refusal(messages: Path, *more: str) -> str:
    """What the command says that is refused before a database is touched: a test without one would fail."""
    with pytest.raises(CommandError) as raised:
        call_command(*words(messages, *more))
    return str(raised.value)


def words(messages: Path, *more: str) -> list[str]:
    return ["replay", str(messages), "--format", "lobster", "--instrument", "AAPL-USD", "--json", *more]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "venue")


@pytest.fixture
def sample(tmp_path: Path) -> tuple[Path, Path]:
    return write_sample(tmp_path, messages=2_000, seed=11)


def test_a_sample_comes_out_with_just_the_book_it_came_from(folder: Folder, sample: tuple[Path, Path]) -> None:
    messages, book = sample
    report = folder.replay(messages, "--opening-book", str(book), "--compare", str(book))
    assert report["agreement"]["equal"] == report["agreement"]["ours"] == report["agreement"]["theirs"]
    assert report["commands"] == report["commands_planned"] == report["commands_of_this_run"]
    assert report["trades"] == report["rows"]["executed"]
    assert (report["crossed"], report["refused"], report["projection_drained"]) == (0, {}, True)
    assert (report["venue"], report["partial"], report["instrument"]) == ("own", False, "AAPL.R-USD")
    folder.audit()


def test_a_finished_replay_started_again_finds_everything_done(folder: Folder, sample: tuple[Path, Path]) -> None:
    messages, book = sample
    first = folder.replay(messages, "--opening-book", str(book))
    before = folder.results()
    again = folder.replay(messages, "--opening-book", str(book))
    assert (again["resumed_at"], again["commands_of_this_run"]) == (first["commands"], 0)
    assert again["states"] == first["states"]
    assert folder.results() == before


def test_a_killed_replay_goes_on_to_the_same_end(tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=8_000, seed=5)
    options = ("--opening-book", str(book), "--compare", str(book))
    killed, whole = Folder(tmp_path / "killed"), Folder(tmp_path / "whole")
    for at in (60, 90):
        child = killed.start(*words(messages, *options))
        batches_made(killed, child, at)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=SECONDS_MAX)
        assert child.returncode == -signal.SIGKILL
    resumed, straight = killed.replay(messages, *options), whole.replay(messages, *options)
    assert 0 < resumed["resumed_at"] < resumed["commands"]
    assert resumed["commands_of_this_run"] == resumed["commands"] - resumed["resumed_at"]
    for name in ("commands", "trades", "states", "crossed", "refused", "agreement"):
        assert resumed[name] == straight[name], name
    assert killed.results() == whole.results()
    killed.audit()


def test_a_replay_broken_off_by_hand_says_how_to_go_on(folder: Folder, tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=8_000, seed=5)
    child = folder.start(*words(messages, "--opening-book", str(book)))
    batches_made(folder, child, 60)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=SECONDS_MAX)
    assert child.returncode == 130
    assert "goes on from here" in error
    assert "Traceback" not in error
    assert folder.run("run_projector", "--once").returncode == 0
    folder.audit()


def test_a_replay_that_fails_on_its_way_leaves_nothing_in_the_book_and_says_what_it_did(
    folder: Folder, tmp_path: Path
) -> None:
    messages, book = write_sample(tmp_path, messages=8_000, seed=5)
    whole = messages.read_bytes()
    child = folder.start(*words(messages, "--opening-book", str(book)))
    batches_made(folder, child, 60)
    child.send_signal(signal.SIGSTOP)
    # It was whole when it was checked.
    with messages.open("r+b") as file:
        file.seek(len(whole) * 9 // 10)
        file.write(b"\nspoiled\n")
    child.send_signal(signal.SIGCONT)
    out, error = child.communicate(timeout=SECONDS_MAX)
    done = json.loads(out)
    assert child.returncode == 1
    assert re.search(r"message_10\.csv:\d+: \d+ fields instead of 6", error.strip().splitlines()[-1])
    assert "Traceback" not in error
    assert (done["instrument"], len(done["accounts"]), done["listed"]) == ("AAPL.R-USD", 12, True)
    assert done["orders_canceled"] > 0
    assert folder.run("run_projector", "--once").returncode == 0
    assert folder.asked("SELECT count(*) FROM orders_order WHERE leaves_quantity > 0") == [(0,)]
    assert folder.asked("SELECT action, outcome FROM accounts_auditrecord ORDER BY number") == [
        ("replay.run", "asked"),
        ("replay.run", "refused"),
    ]
    owners = "SELECT DISTINCT email FROM accounts_account a LEFT JOIN accounts_user u ON u.id = owner_id WHERE a.id > 2"
    assert folder.asked(owners) == [("replay@replaying.cift.localhost",)]
    messages.write_bytes(whole)
    again = folder.run(*words(messages, "--opening-book", str(book)))
    assert again.returncode == 1
    assert "canceled its orders when it had failed" in again.stderr.strip().splitlines()[-1]
    folder.audit()


def test_text_says_what_was_done(folder: Folder, sample: tuple[Path, Path]) -> None:
    messages, book = sample
    done = folder.run(*[word for word in words(messages, "--compare", str(book)) if word != "--json"])
    assert done.returncode == 0, done.stderr
    assert re.search(r"crossed +never", done.stdout)
    assert re.search(r"commands/s over [\d,]+", done.stdout)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda lines: [*lines[:50], "34200.1,1,2,3", *lines[50:]], r"\.csv:51: 4 fields instead of 6"),
        (lambda lines: [*lines[:50], lines[0]], r"\.csv:51: time goes back"),
    ],
    ids=["a field is missing", "time goes back"],
)
def test_a_bad_row_is_named_before_anything_is_sent(sample: tuple[Path, Path], spoil: Any, reason: str) -> None:
    assert re.search(reason, refusal(spoiled(sample[0], spoil)))


def spoiled(messages: Path, spoil: Any) -> Path:
    messages.write_text("\n".join(spoil(messages.read_text().splitlines())))
    return messages


@pytest.mark.parametrize(
    ("options", "spoil", "reason"),
    [
        (("--compare", "nowhere.csv"), list, r"nowhere\.csv: No such file"),
        (("--compare", "pipe"), list, r"pipe: not a regular file"),
        (("--opening-book", "pipe"), list, r"pipe: not a regular file"),
        (("--compare", "."), list, r"Is a directory"),
        (("--compare", "bad.csv"), list, r"bad\.csv:1: 3 fields are not whole levels"),
        (("--compare", "empty.csv"), list, r"empty\.csv: no rows"),
        (("--opening-book", "empty.csv"), list, r"empty\.csv: no row to open"),
        ((), lambda _lines: [], r"message_10\.csv: no rows"),
        (("--instrument", "amzn-usd"), list, "--instrument: This must match"),
        (("--instrument", "A-B-USD"), list, "--instrument: This must match"),
        (("--instrument", "A" * 29 + "-USD"), list, "--instrument: At most 32 characters"),
        (("--instrument", "A" * 28 + "-USD"), list, "--instrument: At most 32 characters"),
    ],
    ids=[
        "missing",
        "pipe",
        "pipe for a book",
        "folder",
        "malformed",
        "empty",
        "empty book",
        "empty recording",
        "lower case",
        "three",
        "long",
        "long, .R",
    ],
)
def test_what_cannot_be_used_is_said_before_there_is_a_venue(
    sample: tuple[Path, Path], options: tuple[str, ...], spoil: Any, reason: str
) -> None:
    beside = sample[0].parent
    os.mkfifo(beside / "pipe")
    (beside / "bad.csv").write_text("1,2,3\n")
    (beside / "empty.csv").touch()
    named = [str(beside / word) if word in ("pipe", "bad.csv", "empty.csv") else word for word in options]
    assert re.search(reason, refusal(spoiled(sample[0], spoil), *named))


def test_what_the_instrument_cannot_take_leaves_nothing_listed_and_nobody_funded(
    folder: Folder, sample: tuple[Path, Path]
) -> None:
    messages, book = sample
    rows = messages.read_text().splitlines()
    for price, size, reason in (
        ("999999999999999900", "1", r"message_10\.csv:1: .* more money or shares than an account holds"),
        ("5850001", "100", r"message_10\.csv:1: .*not on the instrument's grid"),
        ("5850000", "999999999999999999", r"message_10\.csv:1: .*more money or shares than an account holds"),
    ):
        messages.write_text("\n".join([f"34200.0,1,16000001,{size},{price},1", *rows]))
        refused_at_a_venue(folder.run(*words(messages)), reason)
    messages.write_text("\n".join(rows))
    book.write_text("5850001,1,5840000,1\n")
    done = folder.run(*words(messages, "--compare", str(book)))
    refused_at_a_venue(done, r"orderbook_10\.csv:1: .*not on the instrument's grid")
    assert folder.listed() == (0, 0, 0)


def refused_at_a_venue(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert done.returncode == 1
    assert re.search(reason, done.stderr.strip().splitlines()[-1])
    assert "Traceback" not in done.stderr


def test_a_file_of_the_best_level_alone_is_said_to_be_no_full_order_flow(
    folder: Folder, sample: tuple[Path, Path]
) -> None:
    messages, book = sample
    messages.write_text("\ufeffTime,Type,Order ID,Size,Price,Direction\r\n" + "\r\n".join(level_1(messages, book)))
    done = folder.run(*words(messages))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["partial"] is True
    for once in ("NO FULL ORDER FLOW", "a byte order mark, skipped", "a header line, skipped", "lines end in CRLF"):
        assert done.stderr.count(once) == 1, once


def test_another_recording_is_not_mixed_into_a_book_that_is_not_empty(folder: Folder, tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=300, seed=1)
    folder.replay(messages, "--opening-book", str(book))
    before = folder.listed()
    other, other_book = write_sample(tmp_path, messages=300, seed=2)
    done = folder.run(*words(other, "--opening-book", str(other_book)))
    assert done.returncode == 1
    assert "orders rest in AAPL.R-USD" in done.stderr
    assert folder.listed() == before, "no account was opened for it"


def test_a_missing_file_is_one_line(folder: Folder) -> None:
    done = folder.run(*words(Path("nowhere.csv")))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("CommandError: nowhere.csv: No such file")


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf"])
def test_a_speed_that_is_none_is_refused(sample: tuple[Path, Path], speed: str) -> None:
    assert "--speed" in refusal(sample[0], "--speed", speed)


def test_the_lobster_hour_comes_out_as_it_was_recorded(folder: Folder, real_hour: LobsterHour | None) -> None:
    if real_hour is None:
        return  # the summary says so, and the samples above take the same way
    options = ("--opening-book", str(real_hour.opening_book), "--compare", str(real_hour.best_quotes))
    child = folder.start(*words(real_hour.messages, *options))
    batches_made(folder, child, 300)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=SECONDS_MAX)
    report = folder.replay(real_hour.messages, *options)
    assert 0 < report["resumed_at"] < report["commands"] == report["commands_planned"] == 89_762
    assert report["trades"] == 4_031
    assert report["agreement"]["ours"] == HOUR_STATES
    assert report["agreement"]["equal"] >= HOUR_EQUAL
    assert (report["crossed"], report["refused"], report["projection_drained"]) == (0, {}, True)
    folder.audit()


def batches_made(folder: Folder, child: subprocess.Popen[str], number: int) -> None:
    """Wait until the journal has so many batches while the child runs."""
    give_up_at = time.monotonic() + SECONDS_MAX
    while folder.batches() < number:
        if child.poll() is not None or time.monotonic() > give_up_at:
            child.kill()
            pytest.fail(f"{folder.batches()} batches, exit code {child.poll()}: {child.communicate()[1]}")
        time.sleep(0.01)
