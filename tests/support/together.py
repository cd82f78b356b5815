"""Several threads that do one thing at the same moment, each with database connections of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def together(count: int, call: Callable[[int], T]) -> list[T | Exception]:
    """Call with 0, 1, … at once; give what each returned or raised."""
    barrier = Barrier(count)

    def run(number: int) -> T | Exception:
        try:
            # Connected beforehand, so that the calls themselves coincide.
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT 1")
            barrier.wait(timeout=20)
            return call(number)
        except Exception as error:  # noqa: BLE001 - given back
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=count) as threads:
        return list(threads.map(run, range(count)))
