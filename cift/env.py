"""The only reader of the environment: kinds of variables, each with its own check.

The variables themselves are declared in `cift/settings/variables.py`; settings read them from there, and
`docs/reference/configuration.md` is made of the same declarations. Variables are prefixed `CIFT_`, but for HOST, PORT,
WEB_SERVER and those of the simulation, which are short for the console.
"""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

_DIGITS_MAX = 19
"""More digits than a 64-bit number has are outside any bounds; Python refuses to read thousands of them."""


class SetupError(Exception):
    """The settings cannot be made; the text is the line the operator reads."""


class EnvironmentVariableError(SetupError):
    """A variable has a value that is not allowed."""


@dataclass(frozen=True, kw_only=True)
class Variable(ABC, Generic[T]):
    """A variable of the environment, declared once.

    `default` applies everywhere, or where `production_default` is given, to the embedded topology alone. A variable
    without a default is required where `read` is used; where it may be left out, `unset` says what happens then, and
    settings ask for it with `given`.
    """

    name: str
    section: str
    meaning: str
    default: T | None = None
    production_default: T | None = None
    unset: str = ""
    embedded: bool = True
    production: bool = True

    @property
    @abstractmethod
    def form(self) -> str:
        """What a value looks like, for people."""

    @abstractmethod
    def parse(self, value: str) -> T:
        """Read a value that is not empty.

        Raises:
            EnvironmentVariableError: it is not of this variable's form.

        """

    def show(self, value: T) -> str:
        """Write a value as it would be set."""
        return str(value)

    def given(self) -> T | None:
        """Return the value that is set; None where it is not: an empty variable counts as unset.

        Raises:
            EnvironmentVariableError: the value is not of this variable's form.

        """
        value = os.environ.get(self.name)
        return self.parse(value) if value else None

    def read(self, *, production: bool = False) -> T:
        """Return the value that is set, else the topology's default.

        Raises:
            EnvironmentVariableError: the value is not of this variable's form, or a required one is not set.

        """
        value = self.given()
        if value is not None:
            return value
        default = self.default_in(production=production)
        if default is None:
            raise EnvironmentVariableError(f"{self.name} must be set")
        return default

    def default_in(self, *, production: bool) -> T | None:
        """Return the topology's default; None where there is none."""
        return self.production_default if production and self.production_default is not None else self.default

    def refuse(self, value: str) -> EnvironmentVariableError:
        """Say that a value is not of this variable's form."""
        return EnvironmentVariableError(f"{self.name} must be {self.form}, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class Text(Variable[str]):
    """Any text."""

    @property
    def form(self) -> str:
        """What a value looks like."""
        return "a text"

    def parse(self, value: str) -> str:
        """Take it as it is."""
        return value


@dataclass(frozen=True, kw_only=True)
class Integer(Variable[int]):
    """A whole number within bounds, both included."""

    least: int
    most: int

    @property
    def form(self) -> str:
        """What a value looks like, bounds included."""
        return f"a whole number from {self.least} to {self.most}"

    def parse(self, value: str) -> int:
        """Read decimal digits.

        Raises:
            EnvironmentVariableError: not a whole number, or outside its bounds.

        """
        digits = value.isascii() and value.isdecimal() and len(value.lstrip("0")) <= _DIGITS_MAX
        if not digits or not self.least <= int(value) <= self.most:
            raise self.refuse(value)
        return int(value)


@dataclass(frozen=True, kw_only=True)
class Choice(Variable[str]):
    """One of some words."""

    among: tuple[str, ...]

    @property
    def form(self) -> str:
        """List the words."""
        return f"one of {', '.join(self.among)}"

    def parse(self, value: str) -> str:
        """Take one of the words.

        Raises:
            EnvironmentVariableError: none of them.

        """
        if value not in self.among:
            raise self.refuse(value)
        return value


@dataclass(frozen=True, kw_only=True)
class Key(Variable[bytes]):
    """A secret of some bytes, in hexadecimal digits."""

    length: int

    @property
    def form(self) -> str:
        """What a value looks like."""
        return f"{2 * self.length} hexadecimal digits"

    def parse(self, value: str) -> bytes:
        """Read the digits.

        Raises:
            EnvironmentVariableError: too many, too few, or not hexadecimal; the value, a secret, is not repeated.

        """
        try:
            key = bytes.fromhex(value)
        except ValueError:
            key = b""
        if len(key) != self.length:
            raise EnvironmentVariableError(f"{self.name} must be {self.form}")
        return key


@dataclass(frozen=True, kw_only=True)
class Folder(Variable[Path]):
    """The path of a folder; a leading `~` is the home folder, and a relative path starts at the working folder."""

    @property
    def form(self) -> str:
        """What a value looks like."""
        return "a path"

    def parse(self, value: str) -> Path:
        """Make it absolute.

        Raises:
            EnvironmentVariableError: its `~user` is unknown.

        """
        return _absolute(self, value)


@dataclass(frozen=True, kw_only=True)
class File(Variable[Path]):
    """The path of a file that is there."""

    @property
    def form(self) -> str:
        """What a value looks like."""
        return "the path of a file"

    def parse(self, value: str) -> Path:
        """Make it absolute.

        Raises:
            EnvironmentVariableError: there is no such file.

        """
        found = _absolute(self, value)
        if not found.is_file():
            raise EnvironmentVariableError(f"{self.name} names no file: {value}")
        return found


@dataclass(frozen=True, kw_only=True)
class Names(Variable[tuple[str, ...]]):
    """Names separated by commas; spaces around a name do not count."""

    @property
    def form(self) -> str:
        """What a value looks like."""
        return "a list, separated by commas"

    def parse(self, value: str) -> tuple[str, ...]:
        """Split it.

        Raises:
            EnvironmentVariableError: it has commas and spaces alone.

        """
        names = tuple(part.strip() for part in value.split(",") if part.strip())
        if not names:
            raise self.refuse(value)
        return names

    def show(self, value: tuple[str, ...]) -> str:
        """Join it again."""
        return ",".join(value)


@dataclass(frozen=True, kw_only=True)
class Networks(Names):
    """IP addresses and networks, separated by commas."""

    @property
    def form(self) -> str:
        """What a value looks like."""
        return "IP addresses and networks, separated by commas"

    def parse(self, value: str) -> tuple[str, ...]:
        """Split it.

        Raises:
            EnvironmentVariableError: one is neither an address nor a network.

        """
        networks = super().parse(value)
        try:
            for network in networks:
                ip_network(network)
        except ValueError as error:
            raise self.refuse(value) from error
        return networks


def child_environment(**extra: str) -> dict[str, str]:
    """Copy the environment for a child process, with additions."""
    return {**os.environ, **extra}


def _absolute(variable: Variable[Path], value: str) -> Path:
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise variable.refuse(value) from error
