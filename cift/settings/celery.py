"""Celery: what a task may take, how it comes back when its worker dies, and what is scheduled.

A task is short and may run twice. Its message is acknowledged when it is done; one whose worker was killed is handed
out again once it is older than any task may take, which is looked for every second.
"""

from typing import Any

SOFT_S_MAX = 6
"""A task is asked to end after so many seconds."""

TASK_S_MAX = 7
"""Its process is killed after so many."""

AGAIN_S = 8
"""A message that was not acknowledged for so long is handed out again; longer than a task can take."""

LOOK_EVERY_S = 1
"""How often such messages are looked for."""

SOCKET_S_MAX = 5
"""How long the broker may take to answer."""

QUEUES = ("ticks",)

PREFIX = "cift:celery:"
"""Before every key of Celery's, so that others may share the server."""

TASKS = ("apps.orders.tasks",)
"""The modules with tasks."""

SCHEDULE: dict[str, dict[str, Any]] = {
    # One at a time: it goes on by itself, and this begins it again where that ended.
    "ship ticks": {"task": "ticks.ship", "schedule": 2.0, "options": {"expires": 2}},
}


def celery_settings(url: str | None, *, schedule: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return Celery's configuration for a broker; empty: there are no workers."""
    if url is None:
        return {}
    return {
        "broker_url": url,
        "imports": TASKS,
        "broker_transport_options": {
            "global_keyprefix": PREFIX,
            "visibility_timeout": AGAIN_S,
            "unacked_restore_interval": LOOK_EVERY_S,
            "unacked_restore_throttle": 1,
            "socket_timeout": SOCKET_S_MAX,
            "socket_connect_timeout": SOCKET_S_MAX,
            "socket_keepalive": True,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Nobody reads a result: a task's work is its result.
        "task_ignore_result": True,
        "result_backend": None,
        "task_acks_late": True,
        "task_acks_on_failure_or_timeout": True,
        "task_reject_on_worker_lost": True,
        "task_soft_time_limit": SOFT_S_MAX,
        "task_time_limit": TASK_S_MAX,
        "task_publish_retry_policy": {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        "task_routes": {f"{name}.*": {"queue": name} for name in QUEUES},
        "task_default_queue": QUEUES[0],
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "worker_max_memory_per_child": 400_000,
        "beat_schedule": schedule,
    }
