"""The order service: its shard, and its bounds."""

from typing import Any


def matching_settings(*, ids_key: bytes) -> dict[str, Any]:
    """Return the order service its bounds; `ids_key` (16 bytes) is the secret under which client ids are remembered."""
    return {
        "SHARD": 0,
        "IDS_KEY": ids_key,
        "OPEN_ORDERS_MAX": 1_000_000,
        "IDS_MAX": 4_194_303,
        "IDS_WINDOW_S": 24 * 60 * 60,
        "QUEUE_COMMANDS_MAX": 10_000,
        "BATCH_COMMANDS_MAX": 500,
        # How far the projector or the verifier may be behind before new commands are refused; 0: any distance.
        "LAG_EVENTS_MAX": 2_000_000,
        "LEASE_S": 10,
        "SNAPSHOT_EVERY_BATCHES": 2_000,
        "REQUEST_TIMEOUT_S": 5.0,
    }
