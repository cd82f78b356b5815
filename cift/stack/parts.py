"""What the stack is made of: a process, how it is known to be ready, and what the operator is told of it."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cift.embedded.children import ChildPlan
from cift.settings.secrets import private_write, secrets_load

Ready = Callable[[], Awaitable[bool]]

_PASSWORDS = (
    "database",
    "nats-matching",
    "nats-web",
    "nats-projector",
    "nats-publisher",
    "nats-worker",
    "valkey",
    "questdb",
    "questdb-reader",
)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    plan: ChildPlan
    ready: Ready
    address: str
    what: str
    """The program and its version, or what it stands in for."""


def passwords_load(folder: Path) -> dict[str, str]:
    """Read the stack's secrets (files of mode 0600), making them at the first start.

    Raises:
        DataFolderError: the folder cannot be used.

    """
    made = secrets_load(folder)
    file = folder / "passwords.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    if missing := [name for name in _PASSWORDS if name not in known]:
        # A stack of before may have fewer parts.
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        file.unlink(missing_ok=True)
        private_write(file, json.dumps(known, indent=2) + "\n")
    return {**made, **known}


async def answers(host: str, port: int) -> bool:
    """Return whether something accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
