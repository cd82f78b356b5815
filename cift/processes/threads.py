"""Database calls from the event loop: a few threads of their own, each keeping its connections."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connections

from cift.errors.application import ApplicationError
from cift.errors.busy import is_busy
from cift.logs.context import log_context, log_context_carry
from cift.processes.turns import turns

THREADS_MAX = 4

LONG_THREADS_MAX = 2
"""For calls that take their turn, so that short ones do not stand behind them."""

CHECK_THREADS_MAX = 8
"""For the checks of /ready, so that a database that hangs takes no thread from who can be answered: one a check."""

P = ParamSpec("P")
T = TypeVar("T")


def _threads_make() -> tuple[ThreadPoolExecutor, ThreadPoolExecutor, ThreadPoolExecutor]:
    return (
        ThreadPoolExecutor(max_workers=THREADS_MAX, thread_name_prefix="database"),
        ThreadPoolExecutor(max_workers=LONG_THREADS_MAX, thread_name_prefix="database-long"),
        ThreadPoolExecutor(max_workers=CHECK_THREADS_MAX, thread_name_prefix="database-check"),
    )


_short, _long, _checks = _threads_make()


def threads_end() -> None:
    """End the threads, and with them their connections; the next call starts others."""
    global _short, _long, _checks
    _short.shutdown()
    _long.shutdown()
    _checks.shutdown()
    _short, _long, _checks = _threads_make()


async def database_call(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that reads or writes the database.

    Raises:
        ApplicationError: `database_busy`.

    """
    return await _run_in(_short, call, *args, **kwargs)


async def database_call_to_check(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call that sees how a database is: it may hang, and holds up no other but those of its kind.

    Raises:
        ApplicationError: `database_busy`.

    """
    return await _run_in(_checks, call, *args, **kwargs)


async def database_call_in_turn(who: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one that makes much of what it reads, when its turn comes (`cift.processes.turns`); `who`: for whom.

    Raises:
        ApplicationError: `database_busy`.

    """

    def in_turn() -> T:
        with turns.taken(who):
            return call(*args, **kwargs)

    return await _run_in(_long, in_turn)


async def _run_in(threads: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
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

    return await asyncio.get_running_loop().run_in_executor(threads, run)
