"""Who may try to write a shard: one row, by the database's clock.

The lease only chooses; it protects nothing. What protects the journal is its primary key and the epoch-opening batch:
a writer that lost its lease without noticing fails at its next insert.
"""

import os
import secrets
import socket
from pathlib import Path

from apps.orders.matching.connection import JournalConnection, Rows
from apps.orders.models import TradingHalt, WriterLease

_TABLE = WriterLease._meta.db_table
_NS_PER_S = 1_000_000_000
_NOW = {
    "sqlite": "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000)",
    "postgresql": "(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) * 1000000)",
}
_GREATEST = {"sqlite": "MAX", "postgresql": "GREATEST"}
_ACQUIRE = """
INSERT INTO {table} (shard, epoch, holder, expires_at) VALUES (%s, %s, %s, {now} + %s)
ON CONFLICT (shard) DO UPDATE
SET epoch = {greatest}({table}.epoch + 1, excluded.epoch), holder = excluded.holder, expires_at = excluded.expires_at
WHERE {table}.expires_at <= {now} OR {table}.holder IN (%s, %s)
RETURNING epoch
"""
_RENEW = "UPDATE {table} SET expires_at = {now} + %s WHERE shard = %s AND epoch = %s AND holder = %s"
_HALT = f"SELECT detail FROM {TradingHalt._meta.db_table} WHERE shard = %s"  # noqa: S608 - the model's name
_RELEASE = "UPDATE {table} SET expires_at = 0 WHERE shard = %s AND epoch = %s AND holder = %s"


class Lease:
    """One holder's claim on a shard, through the calling thread's connection; `lease_s` is how long it lasts."""

    def __init__(self, shard: int, *, lease_s: float, wait_ms_max: int = 0) -> None:
        """Name the shard; the holder is this process and this object."""
        self.shard = shard
        self.holder = f"{_process()}/{secrets.token_hex(4)}"
        self.epoch = 0
        self._connection = JournalConnection(wait_ms_max=wait_ms_max)
        self._lease_ns = int(lease_s * _NS_PER_S)

    def acquire(self, *, above: int) -> int | None:
        """Take the lease when it is free, ours, or its holder's process is gone; give its epoch, else None.

        The epoch is above every one before it, and above `above`.
        """
        holder = self.held_by()
        replaceable = holder if holder is not None and _is_gone(holder) else self.holder
        values = (self.shard, above + 1, self.holder, self._lease_ns, self.holder, replaceable)
        rows = self._run(_ACQUIRE, *values)[0]
        if not rows:
            return None
        self.epoch = int(rows[0][0])
        return self.epoch

    def renew(self) -> bool:
        """Prolong the lease; False: another has taken it."""
        return self._run(_RENEW, self._lease_ns, self.shard, self.epoch, self.holder)[1] == 1

    def release(self) -> None:
        """Release the lease, so that the next need not wait."""
        self._run(_RELEASE, self.shard, self.epoch, self.holder)

    def held_by(self) -> str | None:
        """Name who took it last."""
        rows = self._run("SELECT holder FROM {table} WHERE shard = %s", self.shard)[0]
        return str(rows[0][0]) if rows else None

    def halt(self) -> str | None:
        """Return why trading is halted, if it is."""
        rows = self._run(_HALT, self.shard)[0]
        return str(rows[0][0]) if rows else None

    def _run(self, statement: str, *values: int | str) -> tuple[Rows, int]:
        vendor = self._connection.vendor
        spelt = statement.format(table=_TABLE, now=_NOW[vendor], greatest=_GREATEST[vendor])
        return self._connection.run(spelt, values)


def _process() -> str:
    """Name this process so that one on the same machine can tell whether it still lives."""
    return f"{_machine()}/{os.getpid()}/{_started_at(os.getpid())}"


def _machine() -> str:
    """Name the machine and, where there are such, the process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot[:8]}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def _started_at(pid: int) -> str | None:
    """Return when a process started (clock ticks since boot); empty where the system does not say, None: it is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        pass
    except OSError:
        return ""
    else:
        return None if state == "Z" else rest[18]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""


def _is_gone(holder: str) -> bool:
    """Return whether a holder's process has ended; when in doubt it has not."""
    machine, _, rest = holder.partition("/")
    pid, _, rest = rest.partition("/")
    started, _, _ = rest.partition("/")
    if machine != _machine() or not pid.isdecimal():
        return False
    now = _started_at(int(pid))
    return now is None or now != started
