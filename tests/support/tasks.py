"""Tasks that say what becomes of them, in lists of the broker."""

import os

import redis
from celery import shared_task
from django.conf import settings

STARTED = "test:started"
DONE = "test:done"
GO = "test:go"


def broker() -> redis.Redis:
    return redis.Redis.from_url(settings.CELERY["broker_url"], socket_timeout=30)


@shared_task(name="ticks.test-held")  # type: ignore[untyped-decorator] # Celery has no types
def held() -> None:
    """Say that it has begun, and wait for leave to end; a worker that is killed meanwhile takes it with it."""
    broker().rpush(STARTED, f"{os.getppid()}")
    broker().blpop([GO], timeout=5)
    broker().rpush(DONE, "done")


@shared_task(name="ticks.test-said")  # type: ignore[untyped-decorator] # Celery has no types
def said() -> None:
    """Say that it ran."""
    broker().rpush(DONE, "said")
