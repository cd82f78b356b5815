"""What is measured, one module a topic; a new one is added to the list."""

from importlib import import_module

MODULES = (
    "tests.performance.topics.engine",
    "tests.performance.topics.apply",
    "tests.performance.topics.memory",
    "tests.performance.topics.journal",
    "tests.performance.topics.projection",
    "tests.performance.topics.restart",
    "tests.performance.topics.replay",
)


def load() -> None:
    """Import all topics, so that they are registered, in this order."""
    for name in MODULES:
        import_module(name)
