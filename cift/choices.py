"""Django field choices made from the wire's enumerations, so that a word is spelt in one place."""

from enum import IntEnum


def choices_of(kind: type[IntEnum]) -> list[tuple[int, str]]:
    """Pair each number with its word, in lower case."""
    return [(member.value, member.name.lower()) for member in kind]


def values_of(kind: type[IntEnum]) -> list[int]:
    """List the numbers, for a CHECK constraint."""
    return [member.value for member in kind]
