"""Passwords hashed so that nobody waits for it but who asked.

Argon2id with 46 MiB, one pass and one lane: what OWASP's Password Storage Cheat Sheet names first. Django's own has
100 MiB, two passes and eight lanes, which take every processor at once from whoever trades. A password that was hashed
by it is hashed anew at its next login.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from cift.processes.turns import turns

_AT_ONCE = 1
"""Hashes of a process; who asks for another waits."""

_NICE = 10
"""Added to the process's priority for their thread, where the system knows that of threads: an order goes first."""


def _yield_to_others() -> None:
    if sys.platform == "linux":
        thread = get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)


_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hashing", initializer=_yield_to_others)


class QuietArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's, with one lane, in a thread of low priority."""

    time_cost = 1
    memory_cost = 46 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Hash a password."""
        return str(quietly(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether a password is the one that was hashed."""
        return bool(quietly(super().verify, password, encoded))


def quietly(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a call returns, made in the thread of low priority when its turn comes."""
    with turns.left():
        return _threads.submit(call, *arguments).result()
