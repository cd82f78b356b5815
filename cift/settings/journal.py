"""Who reads the journal for the apps below the one that writes it, and who keeps the history of trades."""

from typing import Any

JOURNAL_READS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "apps.orders.journal_reads.ProjectedJournal"}}

TICK_STORES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "apps.orders.ticks.FillTickStore"}}
