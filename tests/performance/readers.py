"""Many readers of books in one process: `python -m tests.performance.readers PORT READERS SAMPLED OUT SYMBOL…`.

All take what they are sent; a few note what came when, and that is written to OUT when the standard input ends.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from tests.performance.clients import OPCODE_TEXT, Socket, frame_of

Noted = tuple[int, bytes]
"""When a frame was there, ns since the epoch, and its text."""


class BookReader(Socket):
    """A socket that looks at nothing of what it is sent, once its subscriptions are answered."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = False
        self.noted: list[Noted] | None = None

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == OPCODE_TEXT and self.reads:
            if self.noted is not None:
                self.noted.append((time.time_ns(), payload))
        else:
            super()._frame(opcode, payload)


async def read(port: int, count: int, sampled: int, symbols: list[str]) -> list[list[Noted]]:
    """Subscribe all, read until the standard input ends, give what was noted."""
    readers: list[BookReader] = []
    for number in range(count):
        _, reader = await asyncio.get_running_loop().create_connection(BookReader, "127.0.0.1", port)
        await reader.upgrade()
        for place, symbol in enumerate(symbols):
            request = {"id": place, "op": "subscribe", "channel": "book", "symbol": symbol, "depth": 10}
            answer = await reader.ask(place, frame_of(request))
            if not answer.ok:
                raise RuntimeError(answer)
        reader.reads = True
        reader.noted = [] if number < sampled else None
        readers.append(reader)
    sys.stdout.write("reading\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    if any(reader.transport.is_closing() for reader in readers):
        raise RuntimeError("a reader was cut")
    return [reader.noted for reader in readers if reader.noted is not None]


if __name__ == "__main__":
    port, count, sampled, out, *symbols = sys.argv[1:]
    noted = uvloop.run(read(int(port), int(count), int(sampled), symbols))
    Path(out).write_bytes(msgspec.msgpack.encode(noted))
