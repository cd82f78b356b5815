"""Workers and the schedule as processes of their own: what becomes of a task when they are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connections

from apps.marketdata.ticks.questdb import QuestDBTickStore
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import JournalBatch
from cift.processes.leases import SharedLease
from cift.settings.celery import AGAIN_S, LOOK_EVERY_S, PREFIX, celery_settings
from tests.support.questdb_server import QuestDBServer
from tests.support.shard import journal_fill
from tests.support.tasks import DONE, GO, STARTED
from tests.support.valkey_server import ValkeyServer
from tests.support.venue import ROOT
from tests.support.workers import END_S_MAX, commands_running

WAIT_S = 60
AGAIN_S_MAX = AGAIN_S + LOOK_EVERY_S + 3.0
"""When a killed worker's task runs again at the latest: a few seconds, on a busy machine too."""

Workers = list["subprocess.Popen[str]"]


@pytest.fixture
def broker(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    client = valkey_server.client()
    client.flushall()
    yield client
    client.flushall()


@pytest.fixture
def workers(broker: redis.Redis, valkey_server: ValkeyServer) -> Iterator[Workers]:
    """Two, one task at a time each."""
    with commands_running(2, "run_worker", {"broker": valkey_server.url, "schedule": {}}) as started:
        yield started


def send(url: str, name: str) -> None:
    """Send a task as any process does."""
    from celery import Celery  # noqa: PLC0415 - an application of this test's own, apart from the settings'

    app = Celery("tests", set_as_current=False)
    app.config_from_object(celery_settings(url, schedule={}))
    app.send_task(name)


def popped(broker: redis.Redis, key: str, *, seconds: float = WAIT_S) -> str | None:
    found: Any = broker.blpop([key], timeout=int(seconds + 1))
    return None if found is None else str(found[1].decode())


def test_a_killed_worker_s_task_is_done_by_another_within_seconds_and_one_told_to_end_finishes_its_own(
    workers: Workers, broker: redis.Redis, valkey_server: ValkeyServer
) -> None:
    send(valkey_server.url, "ticks.test-held")
    killed = int(popped(broker, STARTED) or 0)
    (other,) = (worker for worker in workers if worker.pid != killed)
    began = time.monotonic()
    os.killpg(killed, signal.SIGKILL)

    assert popped(broker, STARTED, seconds=AGAIN_S_MAX) == str(other.pid)
    assert time.monotonic() - began < AGAIN_S_MAX
    other.send_signal(signal.SIGTERM)
    broker.rpush(GO, "go")
    assert popped(broker, DONE) == "done"
    said, _ = other.communicate(timeout=END_S_MAX)
    assert other.returncode == 0, said
    assert broker.llen(STARTED) == 0, "nobody begins it a third time"
    found: Any = broker.keys("*")
    keys = {key.decode() for key in found}
    assert all(key.startswith(PREFIX) for key in keys), keys


def test_of_two_beats_one_sends_and_the_other_takes_over(broker: redis.Redis, valkey_server: ValkeyServer) -> None:
    schedule = {"say": {"task": "ticks.test-said", "schedule": 1.0}}
    queue = f"{PREFIX}ticks"
    with commands_running(2, "run_beat", {"broker": valkey_server.url, "schedule": schedule}) as beats:
        assert broker.blpop([queue], timeout=WAIT_S) is not None
        # Of two that send there would be two a second.
        began, count = time.monotonic(), 0
        while broker.blpop([queue], timeout=WAIT_S) is not None and (count := count + 1) < 3:
            pass
        assert time.monotonic() - began > 2.0
        # It may be the leader or the one that stands by: the other goes on, at once or behind it.
        beats[0].send_signal(signal.SIGTERM)
        said, _ = beats[0].communicate(timeout=END_S_MAX)
        assert beats[0].returncode == 0, said
        broker.delete(queue)
        assert broker.blpop([queue], timeout=WAIT_S) is not None


def test_a_killed_beat_s_lease_runs_out(broker: redis.Redis, valkey_server: ValkeyServer) -> None:
    lease = SharedLease(valkey_server.url, "beat", lease_s=0.2)
    other = SharedLease(valkey_server.url, "beat", lease_s=0.2)

    assert lease.take()
    assert lease.take(), "its holder prolongs it"
    assert not other.take()
    give_up_at = time.monotonic() + WAIT_S
    while not other.take():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    assert not lease.take()
    lease.release()
    assert not lease.take(), "only its holder releases it"
    assert lease.take(after=other.holder), "it was left to this one"
    assert not other.take()


def test_a_worker_ships_what_the_journal_has_and_what_comes_then(
    broker: redis.Redis, valkey_server: ValkeyServer, questdb_server: QuestDBServer, sqlite: Path
) -> None:
    journal_fill(120)
    while ShardProjector(0).step():
        pass
    questdb_server.emptied()
    given = {
        "broker": valkey_server.url,
        "schedule": {},
        "shipping": questdb_server.options(),
        "databases": {alias: connections.settings[alias] for alias in ("default", "journal", "snapshots")},
    }
    head = JournalBatch.objects.order_by("-number")[0].last_sequence
    with commands_running(1, "run_worker", given) as (worker,):
        send(valkey_server.url, "ticks.ship")
        shipped_wait(questdb_server.store(), head)
        assert looked(valkey_server.url) == "ok"
        # A store that was wiped is filled again by whichever task comes next: each sends the one behind it.
        questdb_server.emptied()
        shipped_wait(questdb_server.store(), head)
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=END_S_MAX)
        assert worker.returncode == 0, said
    assert looked(valkey_server.url) == "down: no worker answers"
    assert looked("redis://127.0.0.1:1") == "down: the broker does not answer"


def looked(url: str) -> str:
    """What `/ready` finds of the workers, in a process of that topology."""
    code = (
        "import asyncio, django; django.setup()\n"
        "from cift.monitoring.workers import WorkersCheck\n"
        "found = asyncio.run(WorkersCheck(required=False).look())\n"
        "print(': '.join(filter(None, found)))"
    )
    given = json.dumps({"broker": url, "schedule": {}})
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "tests.support.worker_settings", "CIFT_TEST_WORKER": given,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def shipped_wait(store: QuestDBTickStore, sequence: int) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while store.sequence() < sequence:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
