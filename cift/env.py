"""The only reader of the environment; settings call these functions and nothing else does.

Variables are prefixed `CIFT_`, but for HOST, PORT, WEB_SERVER and those of the simulation, which are short for the
console.
"""

import os
from collections.abc import Sequence
from pathlib import Path


class SetupError(Exception):
    """The settings cannot be made; the text is the line the operator reads."""


class EnvironmentVariableError(SetupError):
    """A variable holds something it must not."""


def text(name: str, default: str) -> str:
    """Read a text; an empty variable counts as unset."""
    return os.environ.get(name) or default


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """Read a whole number.

    Raises:
        EnvironmentVariableError: not a whole number, or outside its bounds.

    """
    value = os.environ.get(name)
    if not value:
        return default
    if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
        raise EnvironmentVariableError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return int(value)


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    """Read one of some words.

    Raises:
        EnvironmentVariableError: none of them.

    """
    value = os.environ.get(name) or default
    if value not in among:
        raise EnvironmentVariableError(f"{name} must be one of {', '.join(among)}, not {value!r}")
    return value


def path(name: str, default: Path) -> Path:
    """Read a path; a leading `~` is the home folder, and a relative one starts at the working folder."""
    value = os.environ.get(name)
    return Path(value).expanduser().resolve() if value else default


def file(name: str) -> Path | None:
    """Read the path of a file that is there; None when unset.

    Raises:
        EnvironmentVariableError: there is no such file.

    """
    value = os.environ.get(name)
    if not value:
        return None
    found = Path(value).expanduser().resolve()
    if not found.is_file():
        raise EnvironmentVariableError(f"{name} names no file: {value}")
    return found


def required(name: str) -> str:
    """Read a text that has no sane default.

    Raises:
        EnvironmentVariableError: unset or empty.

    """
    value = os.environ.get(name)
    if not value:
        raise EnvironmentVariableError(f"{name} must be set")
    return value


def names(name: str) -> list[str]:
    """Read names separated by commas; none when unset."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def child_environment(**extra: str) -> dict[str, str]:
    """Copy the environment for a child process, with additions."""
    return {**os.environ, **extra}
