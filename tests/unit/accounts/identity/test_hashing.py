"""Hashing of passwords: its cost, who it leaves alone, and what Django's own hasher hashed before."""

import os
import sys
from threading import get_native_id

from django.contrib.auth.hashers import Argon2PasswordHasher

from apps.accounts.identity.hashing import QuietArgon2PasswordHasher, quietly

PASSWORD = "a long passphrase 42"


def test_a_password_is_the_one_that_was_hashed() -> None:
    hasher = QuietArgon2PasswordHasher()
    encoded = hasher.encode(PASSWORD, hasher.salt())

    assert encoded.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
    assert hasher.verify(PASSWORD, encoded)
    assert not hasher.verify(PASSWORD + "x", encoded)
    assert not hasher.must_update(encoded)


def test_what_was_hashed_before_is_still_good_and_is_hashed_anew() -> None:
    before = Argon2PasswordHasher()
    encoded = before.encode(PASSWORD, before.salt())
    hasher = QuietArgon2PasswordHasher()

    assert hasher.verify(PASSWORD, encoded)
    assert hasher.must_update(encoded)


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, get_native_id())


def test_it_is_done_at_a_low_priority_and_nothing_else_is() -> None:
    own = priority()

    # Elsewhere a priority is a process's.
    assert (quietly(priority) > own) is (sys.platform == "linux")
    assert priority() == own
