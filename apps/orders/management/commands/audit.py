"""`manage.py audit`: check everything recorded against the invariants, and name the first violation."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.orders.auditing.audit import audit
from apps.orders.auditing.audit_report import AuditReport
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.halt import halt_lift, halt_raise

_QUIET_S = 1.0


class Command(BaseCommand):
    """Audits the shard; ends with exit code 1 at a violation."""

    help = "Check journal and tables against the invariants; exit code 1 and the first violation if one does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the form of the answer, and what follows from it."""
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--halt", action="store_true", help="halt trading if there is a violation")
        parser.add_argument("--lift-halt", action="store_true", help="lift a halt of trading if there is no violation")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Audit, report, and exit."""
        shard: int = settings.MATCHING["SHARD"]
        said = time.monotonic()

        def progress(number: int, last: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                self.stderr.write(f"batch {number:,} of {last:,}")

        try:
            report = audit(shard, progress=progress)
        except (MatchingError, DatabaseError) as error:
            message = f"the audit could not be made: {error}"
            raise CommandError(message, returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        elif report.is_clean:
            self.stdout.write(_summary(report))
        if report.violation is not None:
            if options["halt"]:
                halt_raise(shard=shard, number=report.batches, detail=str(report.violation))
            raise CommandError(str(report.violation), returncode=1)
        if options["lift_halt"] and halt_lift(shard=shard):
            self.stderr.write(f"the halt of shard {shard} is lifted")


def _summary(report: AuditReport) -> str:
    return (
        f"clean: {report.batches:,} batches, {report.events:,} events, {report.open_orders:,} open orders, "
        f"tables up to batch {report.projected:,}, {report.snapshots} snapshots, "
        f"{report.audit_records:,} audit records ending {report.audit_records_hash[:16]}, {report.seconds:.1f} s"
    )
