"""The venue's address while nobody listens there: one knock for all who wait, as each costs the venue's start time."""

import asyncio
import socket

_KNOCK_S = 0.01


class Door:
    """Lets those who were refused know when it is worth trying again."""

    def __init__(self, port: int) -> None:
        """Name the port."""
        self._address = ("127.0.0.1", port)
        self._knocking: asyncio.Task[None] | None = None

    async def opened(self) -> None:
        """Wait until somebody listens."""
        if self._knocking is None or self._knocking.done():
            self._knocking = asyncio.create_task(self._knock())
        await asyncio.shield(self._knocking)

    async def close(self) -> None:
        """Wait no more."""
        if self._knocking is not None:
            self._knocking.cancel()
            await asyncio.gather(self._knocking, return_exceptions=True)

    async def _knock(self) -> None:
        while True:
            with socket.socket() as probe:
                # On this machine a connection is taken or refused at once.
                if probe.connect_ex(self._address) == 0:
                    return
            await asyncio.sleep(_KNOCK_S)
