"""What a soak looks at: each process's memory, processor time, descriptors and threads; lags, files and rows."""

import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
from prometheus_client.parser import text_string_to_metric_families

from apps.orders.monitoring.processes import processes_of
from tests.support.venue import Venue

TABLES = (
    "orders_order",
    "orders_orderrevision",
    "orders_fill",
    "accounts_ledgerentry",
    "accounts_balance",
    "orders_position",
)


class ProcessSample(msgspec.Struct):
    """One process: its memory in bytes (proportional, its own alone, resident, anonymous), its processor seconds.

    Anonymous memory is what the process has made itself; pages of files the system takes and gives back as it likes.
    """

    pid: int
    name: str
    pss: int
    uss: int
    rss: int
    anonymous: int
    processor_s: float
    descriptors: int
    threads: int


class Sample(msgspec.Struct):
    """One look at the whole venue, `at_s` seconds after the soak began; `metrics` as the venue names them."""

    at_s: float
    ready: bool
    processes: list[ProcessSample]
    metrics: dict[str, float]
    files: dict[str, int]
    rows: dict[str, int]

    def total(self, what: str) -> float:
        """Sum one number over all processes."""
        return float(sum(getattr(process, what) for process in self.processes))

    def lag(self, of: str) -> float:
        """Return how far the follower furthest behind is, in `events` or `seconds`."""
        lags = [value for name, value in self.metrics.items() if name.startswith(f"cift_follower_lag_{of}")]
        return max(lags, default=0.0)


def sample(venue: Venue, *, web: int, at_s: float, count_rows: bool) -> Sample:
    """Look once; counting rows reads whole indexes, so that is done now and then only."""
    status, text = _get(venue, "/metrics")
    return Sample(
        at_s=round(at_s, 2),
        ready=_get(venue, "/ready")[0] == 200,
        processes=_processes(web),
        metrics=metrics_of(text) if status == 200 else {},
        files={file.name: file.stat().st_size for file in sorted(venue.folder.glob("*.sqlite3*"))},
        rows=rows_of(venue.folder) if count_rows else {},
    )


def _get(venue: Venue, path: str) -> tuple[int, str]:
    """Ask the venue; 0: it did not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{venue.port}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metrics_of(text: str) -> dict[str, float]:
    """Return the venue's own numbers by name and labels, without the buckets of histograms."""
    return {
        sample.name + "".join(f" {label}" for name, label in sorted(sample.labels.items()) if name != "shard"): float(
            sample.value
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("cift_")
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def _processes(web: int) -> list[ProcessSample]:
    found = []
    for each in processes_of(web):
        try:
            process = psutil.Process(each.pid)
            with process.oneshot():
                memory = process.memory_full_info()
                sampled = ProcessSample(
                    pid=each.pid,
                    name=each.name,
                    pss=memory.pss,
                    uss=memory.uss,
                    rss=memory.rss,
                    anonymous=memory.rss - memory.shared,
                    processor_s=each.processor_s,
                    descriptors=process.num_fds(),
                    threads=process.num_threads(),
                )
        except psutil.Error:
            continue  # it has ended meanwhile, which the next look shows
        found.append(sampled)
    return found


def rows_of(folder: Path) -> dict[str, int]:
    """Count the rows of the tables that grow."""
    with closing(sqlite3.connect(f"file:{folder}/db.sqlite3?mode=ro", uri=True)) as tables:
        counts: dict[str, int] = {
            table: tables.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
            for table in TABLES
        }
    with closing(sqlite3.connect(f"file:{folder}/journal.sqlite3?mode=ro", uri=True)) as journal:
        counts["orders_journalbatch"] = journal.execute("SELECT max(number) FROM orders_journalbatch").fetchone()[0]
    return counts


def order_ids(folder: Path, prefix: str) -> list[str]:
    """Read the ids that clients gave their orders, as the tables have them."""
    with closing(sqlite3.connect(f"file:{folder}/db.sqlite3?mode=ro", uri=True)) as tables:
        query = "SELECT client_order_id FROM orders_order WHERE client_order_id LIKE ?"
        return [row[0] for row in tables.execute(query, (f"{prefix}%",))]
