"""What django-prometheus needs to know, bounds that fit answers in milliseconds; and who may see the venue's inside."""

from typing import Any

from cift.settings import variables

# Empty: nobody has one.
METRICS_TOKEN = variables.METRICS_TOKEN.given() or ""
# Whether this machine's own requests need none. Behind a proxy that does not say so, those are everybody's.
MONITORING_LOCAL = False
MONITORING_OPERATORS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "apps.accounts.identity.operators.OverviewOperators"}
}

PROMETHEUS_LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, float("inf"))
