"""The journal as the apps below may read it: from its rows, and from the tables that follow it."""

from django.db import connections

from apps.orders.events import section_decode
from apps.orders.ids import SEQUENCE_MAX
from apps.orders.models import JournalBatch
from apps.orders.selectors import projection_wait, shard, told_wait
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import WAIT_S_MAX, JournalPlace
from cift.orderservice.journal import JournalReads
from cift.wire.base import Reply, frame_split

_TIME_MAX = 2**63 - 1
_TABLE = f'"{JournalBatch._meta.db_table}"'
_PROBED = f"(SELECT at FROM {_TABLE} WHERE shard = %s AND number = (low + high) / 2) < %s"  # noqa: S608 - the model's name
# Times rise with the journal's numbers, so the first of a time is found by halving: all at once in the database, as
# twenty steps of a hundred bytes each are no reason for twenty round trips.
_FIRST_OF_A_TIME = (
    "WITH RECURSIVE halved(low, high) AS ("  # noqa: S608 - as above
    # Apart, or SQLite reads the whole table for them.
    f"SELECT (SELECT COALESCE(MIN(number), 1) FROM {_TABLE} WHERE shard = %s), "
    f"(SELECT COALESCE(MAX(number), 0) + 1 FROM {_TABLE} WHERE shard = %s) "
    "UNION ALL "
    f"SELECT CASE WHEN {_PROBED} THEN (low + high) / 2 + 1 ELSE low END, "
    f"CASE WHEN {_PROBED} THEN high ELSE (low + high) / 2 END FROM halved WHERE low < high) "
    f"SELECT first_sequence FROM {_TABLE} WHERE shard = %s AND number = (SELECT low FROM halved WHERE low >= high)"
)


class ProjectedJournal(JournalReads):
    """Reads the journal's table, and the place of the tables projected from it."""

    def first_answer(self, sequence: int) -> Reply:
        """Look through the one batch that can have it."""
        row = (
            JournalBatch.objects.filter(shard=shard(), first_sequence__lte=sequence)
            .order_by("-first_sequence")
            .values_list("number", "at", "last_sequence", "events")
            .first()
        )
        if row is not None and row[2] >= sequence:
            number, at, _, events = row
            before: bytes | None = None
            for section in frame_split(bytes(events)):
                if section:
                    if next(section_decode(section)).sequence > sequence:
                        break
                    before = section
            if before is not None:
                return Reply(number=number, at=at, section=before)
        raise ApplicationError("outcome_unknown", "The first answer cannot be read.")

    def head(self) -> int:
        """Read it along the key."""
        numbers = JournalBatch.objects.filter(shard=shard()).order_by("-number")
        return numbers.values_list("number", flat=True).first() or 0

    def sequence_at(self, at: int) -> int:
        """Find it in one round trip."""
        number = shard()
        # A time is bounded by its form alone, the tables' numbers by 64 bits.
        at = min(at, _TIME_MAX)
        with connections["journal"].cursor() as cursor:
            cursor.execute(_FIRST_OF_A_TIME, [number, number, number, at, number, at, number])
            row = cursor.fetchone()
        return SEQUENCE_MAX if row is None else int(row[0])

    def projection_wait(
        self, place: JournalPlace, *, account: int | None = None, timeout_s: float = WAIT_S_MAX
    ) -> None:
        """Look at the place of the tables until it is reached."""
        projection_wait(number=place.number, account=account, timeout_s=timeout_s)

    def told_wait(self, account: int) -> None:
        """Find out what the account was told, and look at the place of the tables until it is reached."""
        told_wait(account)
