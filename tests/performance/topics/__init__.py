"""What is measured: every module here, one a topic."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import all topics, so that they are registered."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")
