"""Database calls from the event loop: a few threads of their own, each keeping its connections."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connections

from cift.errors.application import ApplicationError
from cift.errors.busy import is_busy
from cift.logs.context import log_context, log_context_carry

THREADS_MAX = 4

P = ParamSpec("P")
T = TypeVar("T")


def _threads_make() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS_MAX, thread_name_prefix="database")


_threads = _threads_make()


def threads_end() -> None:
    """End the threads, and with them their connections; the next call starts others."""
    global _threads  # noqa: PLW0603 - one pool a process
    _threads.shutdown()
    _threads = _threads_make()


async def database_call(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that reads or writes the database.

    Raises:
        ApplicationError: `database_busy`.

    """
    logged_as = log_context()

    def run() -> T:
        log_context_carry(logged_as)
        try:
            return call(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            # A connection that failed once is not used again.
            connections.close_all()
            if is_busy(error):
                raise ApplicationError("database_busy") from error
            raise

    return await asyncio.get_running_loop().run_in_executor(_threads, run)
