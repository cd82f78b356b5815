"""The venue's own numbers for /metrics.

What this process's writer counts is in its memory. How far the projector and the verifier are, in processes
of their own, is read from the rows they keep anyway, at each scrape: it needs no files shared between processes, it is
the same on one machine and on several, and a follower that is dead is seen to be behind instead of vanishing.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apps.orders.matching.measures import Tally
from apps.orders.matching.service import MatchingService, services_running
from apps.orders.matching.work import WriterState
from apps.orders.monitoring.report import TablesReport, tables_read
from apps.orders.monitoring.status import ticks_sequence
from apps.orders.selectors import shard

logger = logging.getLogger(__name__)

FAMILIES: dict[str, tuple[type[Any], tuple[str, ...], str]] = {
    "cift_writer_state": (GaugeMetricFamily, ("shard", "state"), "1 for the state the writer is in"),
    "cift_writer_epoch": (GaugeMetricFamily, ("shard",), "Epoch of the writer"),
    "cift_writer_sequence": (GaugeMetricFamily, ("shard",), "Sequence of the last event matched"),
    "cift_writer_queue_commands": (GaugeMetricFamily, ("shard",), "Commands waiting to be matched"),
    "cift_writer_batch_commands": (HistogramMetricFamily, ("shard",), "Commands in a batch"),
    "cift_writer_engine_seconds": (HistogramMetricFamily, ("shard",), "Time the engine took for a batch"),
    "cift_writer_commit_seconds": (HistogramMetricFamily, ("shard",), "Time until the journal had a batch"),
    "cift_writer_request_seconds": (HistogramMetricFamily, ("shard",), "Time from queueing a request to its answer"),
    "cift_writer_refused_commands": (CounterMetricFamily, ("shard", "code"), "Commands refused at the writer's door"),
    "cift_writer_recoveries": (CounterMetricFamily, ("shard",), "Times the engine was built from the journal"),
    "cift_writer_recovery_seconds": (GaugeMetricFamily, ("shard",), "Time the last recovery took"),
    "cift_tables_readable": (GaugeMetricFamily, (), "1 if the databases answered this scrape"),
    "cift_journal_sequence": (GaugeMetricFamily, ("shard",), "Sequence of the last event in the journal"),
    "cift_follower_lag_batches": (GaugeMetricFamily, ("shard", "follower"), "Batches a follower has not seen"),
    "cift_follower_lag_events": (GaugeMetricFamily, ("shard", "follower"), "Events a follower has not seen"),
    "cift_follower_lag_seconds": (GaugeMetricFamily, ("shard", "follower"), "Age of the first batch not seen"),
    "cift_ticks_lag_events": (GaugeMetricFamily, ("shard",), "Events whose trades the store of trades may not have"),
    "cift_snapshot_lag_events": (GaugeMetricFamily, ("shard",), "Events behind the last snapshot"),
    "cift_trading_halted": (GaugeMetricFamily, ("shard",), "1 while a check's finding halts trading"),
    "cift_kill_switch": (GaugeMetricFamily, ("shard",), "1 while the kill switch is on, as projected"),
    "cift_open_orders": (GaugeMetricFamily, ("shard",), "Open orders, as verified"),
    "cift_remembered_ids": (GaugeMetricFamily, ("shard",), "Client order ids remembered, as verified"),
}
"""Every family the collector gives: its kind, its labels, its help. Counters get `_total` when they are written."""

Families = dict[str, Any]


class VenueCollector(Collector):
    """Gathers the venue's numbers when they are scraped."""

    def describe(self) -> Iterable[Metric]:
        """Name the families without reading anything."""
        return _made().values()

    def collect(self) -> Iterator[Metric]:
        """Read everything; what the databases do not answer is left out, and said."""
        families = _made()
        for service in services_running():
            _writer(families, service)
        readable = 1
        try:
            tables = tables_read(snapshots=True)
            _tables(families, tables)
            _ticks(families, tables)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the databases cannot be read for /metrics: %s", error)
            connections.close_all()
            readable = 0
        families["cift_tables_readable"].add_metric([], readable)
        yield from families.values()


def _made() -> Families:
    return {name: kind(name, text, labels=labels) for name, (kind, labels, text) in FAMILIES.items()}


def _writer(families: Families, service: MatchingService) -> None:
    told, measures, label = service.state(), service.measures, str(service.shard)
    for state in WriterState:
        families["cift_writer_state"].add_metric([label, state.value], int(state == told.state))
    families["cift_writer_epoch"].add_metric([label], told.epoch)
    families["cift_writer_sequence"].add_metric([label], told.sequence)
    families["cift_writer_queue_commands"].add_metric([label], told.queue)
    _histogram(families["cift_writer_batch_commands"], label, measures.batch_commands)
    _histogram(families["cift_writer_engine_seconds"], label, measures.engine_s)
    _histogram(families["cift_writer_commit_seconds"], label, measures.commit_s)
    _histogram(families["cift_writer_request_seconds"], label, measures.request_s)
    for code, count in list(measures.refused.items()):
        families["cift_writer_refused_commands"].add_metric([label, code], count)
    families["cift_writer_recoveries"].add_metric([label], told.recoveries)
    if told.recovery_s is not None:
        families["cift_writer_recovery_seconds"].add_metric([label], told.recovery_s)


def _ticks(families: Families, tables: TablesReport) -> None:
    """Add how far the store of trades is; of one that cannot be read nothing is known."""
    sequence = ticks_sequence()
    if sequence is not None:
        families["cift_ticks_lag_events"].add_metric([str(shard())], max(tables.head.sequence - sequence, 0))


def _histogram(family: HistogramMetricFamily, label: str, tally: Tally) -> None:
    total = tally.total
    family.add_metric([label], buckets=tally.buckets(), sum_value=total)


def _tables(families: Families, tables: TablesReport) -> None:
    label = str(shard())
    families["cift_journal_sequence"].add_metric([label], tables.head.sequence)
    for name, follower in tables.followers.items():
        families["cift_follower_lag_batches"].add_metric([label, name], follower.lag_batches)
        families["cift_follower_lag_events"].add_metric([label, name], follower.lag_events)
        families["cift_follower_lag_seconds"].add_metric([label, name], follower.lag_s)
    families["cift_snapshot_lag_events"].add_metric([label], max(tables.head.sequence - tables.snapshot, 0))
    families["cift_trading_halted"].add_metric([label], int(tables.halt is not None))
    families["cift_kill_switch"].add_metric([label], int(tables.kill_switch))
    if tables.open_orders is not None:
        families["cift_open_orders"].add_metric([label], tables.open_orders)
    if tables.ids is not None:
        families["cift_remembered_ids"].add_metric([label], tables.ids)
