"""Who reads the journal for the apps below the one that writes it, who keeps the history of trades, and how long."""

from typing import Any

from cift.settings import variables

JOURNAL_READS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "apps.orders.journal_reads.ProjectedJournal"}}

TICK_STORES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "apps.orders.ticks.FillTickStore"}}

# What the workers' writer to a store of its own is made with; None: nothing is shipped.
TICK_SHIPPING: dict[str, Any] | None = None

# Where the journal is published to, in the shape of BUSES; empty: nowhere.
STREAMS: dict[str, dict[str, Any]] = {}

# Celery's configuration; empty: there are no workers.
CELERY: dict[str, Any] = {}

CANDLES_KEEP_S: dict[int, int] = {
    1: variables.SECOND_CANDLES_KEEP_HOURS.read() * 3_600,
    15: variables.SECOND_CANDLES_KEEP_HOURS.read() * 3_600,
    60: variables.MINUTE_CANDLES_KEEP_DAYS.read() * 86_400,
}
"""How long the stored candles of an interval are kept, both in s; those of others always."""
