"""Fixtures all tests may use."""

pytest_plugins = ["tests.support.databases", "tests.support.shared_data", "tests.support.traders"]
