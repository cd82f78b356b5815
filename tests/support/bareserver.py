"""A web server of the venue's with its application and nothing beside: no bus, no order service. It starts in a second.

What can be asked of it: `/health`, and all of `/ws/v1/` that needs neither a login nor a feed.
"""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from cift.processes.workers import stop_on_signals
from tests.support.venue import END_S_MAX, READY_S_MAX, ROOT


class BareServer(NamedTuple):
    """Where it listens, and its process."""

    port: int
    pid: int


@contextmanager
def bare_server(web_server: str, **environment: str) -> Iterator[BareServer]:
    """Serve meanwhile; with CIFT_TLS_CERTIFICATE and CIFT_TLS_KEY by TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # A server that takes all that wait until there is none would wait for the next for ever.
        listener.settimeout(0)
        port: int = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, web_server, str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "cift.settings.test", **environment},
            pass_fds=[listener.fileno()],
        )
    try:
        _wait_alive(f"{'https' if 'CIFT_TLS_KEY' in environment else 'http'}://127.0.0.1:{port}/health", process)
        yield BareServer(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=END_S_MAX)


def _wait_alive(url: str, process: "subprocess.Popen[bytes]") -> None:
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    give_up_at = time.monotonic() + READY_S_MAX
    while True:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < give_up_at, "the server does not answer"
        try:
            with httpx.Client(verify=anybody, timeout=5) as client:
                client.get(url)
                return
        except httpx.TransportError:
            time.sleep(0.02)


async def until_stopped(_server: Any) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await stop.wait()


def main() -> None:
    from cift.asgi import application  # noqa: PLC0415 - sets Django up
    from cift.servers.serving import serve  # noqa: PLC0415 - needs that
    from cift.settings.tls import tls_settings  # noqa: PLC0415 - as does this

    serve(sys.argv[1], application, until_stopped, descriptor=int(sys.argv[2]), tls=tls_settings())


if __name__ == "__main__":
    main()
