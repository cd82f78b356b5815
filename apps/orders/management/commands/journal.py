"""`manage.py journal export|verify`: the journal as JSON lines, and held against itself."""

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.orders.auditing.journal_check import CheckReport, RangeError, check, range_of, rows_of
from apps.orders.auditing.journal_lines import line_of
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.journal import Journal
from cift.wire.base import FrameDamagedError

_QUIET_S = 1.0


class Command(BaseCommand):
    """Exports or verifies a stretch of the shard's journal."""

    help = "Write the journal as JSON lines, or verify it; a wrong or missing batch is named, with exit code 1."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do, and the range."""
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="export|verify")
        export = deeds.add_parser("export", help="write batches as JSON lines (docs/how-to/journal.md)")
        export.add_argument("--output", type=Path, metavar="FILE", help="a new file; otherwise standard output")
        verify = deeds.add_parser("verify", help="gaps, chain hashes, and the same events when executed again")
        verify.add_argument("--chain-only", action="store_true", help="do not execute again")
        verify.add_argument("--json", action="store_true", help="print the report as JSON")
        for each in (export, verify):
            each.add_argument("--from", dest="first", type=int, metavar="NUMBER", help="the first batch; otherwise 1")
            each.add_argument("--to", dest="last", type=int, metavar="NUMBER", help="the last batch; otherwise all")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Do it."""
        try:
            if options["deed"] == "export":
                self._export(options["first"], options["last"], options["output"])
            else:
                self._verify(options)
        except RangeError as error:
            raise CommandError(str(error), returncode=2) from error
        except (MatchingError, DatabaseError) as error:
            raise CommandError(f"the journal cannot be read: {error}", returncode=2) from error
        except OSError as error:
            raise CommandError(f"the lines cannot be written: {error}", returncode=2) from error

    def _export(self, first: int | None, last: int | None, output: Path | None) -> None:
        journal = Journal(settings.MATCHING["SHARD"])
        first, last = range_of(journal, first=first, last=last)
        if output is None:
            _lines_write(journal, first, last, sys.stdout.buffer)
            return
        with output.open("xb") as file:
            _lines_write(journal, first, last, file)
        self.stderr.write(f"batches {first} to {last} are in {output}")

    def _verify(self, options: dict[str, Any]) -> None:
        report = check(
            settings.MATCHING["SHARD"],
            first=options["first"],
            last=options["last"],
            execute=not options["chain_only"],
            progress=self._progress(),
        )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        if report.bad is not None:
            raise CommandError(f"batch {report.bad} is wrong: {report.detail}", returncode=1)
        if not options["json"]:
            self.stdout.write(_summary(report))

    def _progress(self) -> Any:
        said = time.monotonic()

        def progress(number: int, last: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                self.stderr.write(f"batch {number:,} of {last:,}")

        return progress


def _lines_write(journal: Journal, first: int, last: int, file: BinaryIO) -> None:
    """Write a line a batch; at the first that is missing or is no batch, say so and end.

    Raises:
        CommandError: with exit code 1 and the number.

    """
    expected = first
    for row in rows_of(journal, first=first, last=last):
        if row.number != expected:
            break
        try:
            file.write(line_of(row) + b"\n")
        except (FrameDamagedError, msgspec.MsgspecError, ValueError) as error:
            raise CommandError(f"batch {row.number} is wrong: {error}", returncode=1) from error
        expected += 1
    file.flush()
    if expected <= last:
        raise CommandError(f"batch {expected} is wrong: the batch is missing", returncode=1)


def _summary(report: CheckReport) -> str:
    executed = f"{report.executed:,} executed again" if report.executed else "chain hashes only"
    return (
        f"true: batches {report.first:,} to {report.last:,} ({executed}), up to sequence {report.sequence:,}, "
        f"chain {report.chain[:16]}, {report.seconds:.1f} s"
    )
