"""One projector at a time: a lock that ends with the process or the connection that holds it.

Exactly-once does not rest on it (`Projection.last_number` moves in the transaction that writes the tables); it keeps
two processes from working against one another, and a rebuild from running beside a projector.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections, router

from apps.orders.matching.errors import ProjectionBusyError
from apps.orders.models import Projection

_ADVISORY_SPACE = 0x43494654  # "CIFT": keeps clear of other users of advisory locks


@contextmanager
def projection_alone(shard: int) -> Generator[None]:
    """Hold the right to project a shard.

    Raises:
        ProjectionBusyError: another process holds it.

    """
    connection = connections[router.db_for_write(Projection)]
    message = f"the tables of shard {shard} are being projected by another process"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_ADVISORY_SPACE, shard])
            if not cursor.fetchone()[0]:
                raise ProjectionBusyError(message)
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_ADVISORY_SPACE, shard])
        return
    file = Path(f"{connection.settings_dict['NAME']}.projector-{shard}.lock")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ProjectionBusyError(message) from error
        yield
    finally:
        os.close(descriptor)
