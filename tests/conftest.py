"""Fixtures all tests may use, and what a run may be told."""

import pytest

pytest_plugins = [
    "tests.support.browser",
    "tests.support.databases",
    "tests.support.faulty",
    "tests.support.nats_server",
    "tests.support.questdb_server",
    "tests.support.reruns",
    "tests.support.shared_data",
    "tests.support.traders",
    "tests.support.valkey_server",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-seconds", type=float, default=4, help="how long the socket is fuzzed, on each web server")
    parser.addoption("--fuzz-seed", type=int, default=1, help="where the fuzzer begins")
