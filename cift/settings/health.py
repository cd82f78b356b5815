"""What /ready looks at; a check that is required and not ok makes it answer 503."""

from typing import Any

from cift.settings import variables

READINESS_CHECKS: dict[str, dict[str, Any]] = {
    "database": {"BACKEND": "cift.monitoring.health.DatabaseCheck", "OPTIONS": {"alias": "default", "required": True}},
    "journal": {"BACKEND": "cift.monitoring.health.DatabaseCheck", "OPTIONS": {"alias": "journal", "required": True}},
    "snapshots": {
        "BACKEND": "cift.monitoring.health.DatabaseCheck",
        "OPTIONS": {"alias": "snapshots", "required": False},
    },
    "descriptors": {
        "BACKEND": "cift.monitoring.descriptors.DescriptorsCheck",
        "OPTIONS": {"required": False},
    },
    "disk": {
        "BACKEND": "cift.monitoring.disk.DiskCheck",
        "OPTIONS": {
            "free_share_min": variables.DISK_FREE_PERCENT.read() / 100,
            "free_bytes_min": variables.DISK_FREE_MIB.read() * 2**20,
            "required": False,
        },
    },
    "order_service": {"BACKEND": "apps.orders.monitoring.health.OrderServiceCheck", "OPTIONS": {"required": True}},
    "trading": {"BACKEND": "apps.orders.monitoring.health.TradingCheck", "OPTIONS": {"required": True}},
    "projection": {
        "BACKEND": "apps.orders.monitoring.health.FollowerCheck",
        "OPTIONS": {"follower": "projector", "required": False},
    },
    "verification": {
        "BACKEND": "apps.orders.monitoring.health.FollowerCheck",
        "OPTIONS": {"follower": "verifier", "required": False},
    },
}

STREAMS_CHECKS: dict[str, dict[str, Any]] = {
    "nats": {"BACKEND": "cift.monitoring.streams.StreamsCheck", "OPTIONS": {"required": False}},
}
QUESTDB_CHECKS: dict[str, dict[str, Any]] = {
    "questdb": {"BACKEND": "apps.marketdata.ticks.health.TickStoreCheck", "OPTIONS": {"required": False}},
}
WORKERS_CHECKS: dict[str, dict[str, Any]] = {
    "workers": {"BACKEND": "cift.monitoring.workers.WorkersCheck", "OPTIONS": {"required": False}},
}

EMBEDDED_CHECKS: dict[str, dict[str, Any]] = {
    **READINESS_CHECKS,
    "first_start": {"BACKEND": "cift.embedded.bootstrap.CompleteCheck", "OPTIONS": {"required": True}},
}
