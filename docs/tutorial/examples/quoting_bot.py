"""Quote around a fair price, and survive whatever happens to the connection.

    pip install websockets
    TOKEN=… python quoting_bot.py --url ws://127.0.0.1:8000/ws/v1/ --symbol AAPL-USD --fair 190.00

TOKEN is an access token of `auth/token/`. What it shows of a program that trades:

- Its orders go with its connection (`cancel_on_disconnect`); after a reconnect it cancels what may be left
  nevertheless, for a venue that was killed cancels nothing.
- An order whose answer was lost is sent again, as it was, under its `client_order_id`: the venue answers it as it
  did the first time, or carries it out now. It never trades twice.
- Its fills are counted from the `account` channel, gone on with from the last `account_sequence` it has seen; where
  the venue cannot go on from there, it takes its position from the snapshot.

Each line it prints is a JSON object.
"""

import argparse
import asyncio
import itertools
import json
import os
import secrets
from contextlib import suppress
from decimal import Decimal
from typing import Any

import websockets

RETRY_S_MIN, RETRY_S_MAX = 0.1, 5.0
ANSWER_S_MAX = 10.0

Message = dict[str, Any]


def say(event: str, **more: Any) -> None:
    """Print what happened."""
    print(json.dumps({"event": event, **more}, default=str), flush=True)  # noqa: T201 - a program's output


class Bot:
    """What it wants and what it knows; it outlives its connections."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with no position known."""
        self.options = options
        self.position = Decimal(0)
        self.account_sequence: int | None = None
        self.unanswered: dict[str, Message] = {}
        self._run = secrets.token_hex(4)
        self._orders = itertools.count(1)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._filled = asyncio.Event()
        self._snapshot = asyncio.Event()
        self._socket: Any = None

    async def live(self) -> None:
        """Connect, quote, and come back."""
        retry_s = RETRY_S_MIN
        while True:
            try:
                async with websockets.connect(self.options.url, max_size=None) as socket:
                    retry_s = RETRY_S_MIN
                    await self._quote_while_connected(socket)
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                say("disconnected", why=str(error) or type(error).__name__)
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, RETRY_S_MAX)

    async def _quote_while_connected(self, socket: Any) -> None:
        self._socket = socket
        reading = asyncio.create_task(self._read())
        quoting = asyncio.create_task(self._quote())
        try:
            done, _ = await asyncio.wait((reading, quoting), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reading, quoting):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()

    async def _read(self) -> None:
        async for frame in self._socket:
            found = json.loads(frame)
            for message in found if isinstance(found, list) else [found]:
                self._take(message)

    def _take(self, message: Message) -> None:
        if "ok" in message:
            future = self._waiting.pop(message["id"], None)
            if future is not None and not future.done():
                future.set_result(message)
            return
        if message.get("channel") != "account":
            return
        if message["type"] == "snapshot":
            held = {each["symbol"]: Decimal(each["quantity"]) for each in message["positions"]}
            self.position = held.get(self.options.symbol, Decimal(0))
            self._snapshot.set()
        elif message["previous"] != self.account_sequence:
            raise ConnectionError("a message of the account is missing")
        elif message["type"] == "fill" and message["fill"]["symbol"] == self.options.symbol:
            fill = message["fill"]
            self.position += Decimal(fill["quantity"]) * (1 if fill["side"] == "buy" else -1)
            say("filled", id=fill["id"], side=fill["side"], price=fill["price"], position=self.position)
            self._filled.set()
        self.account_sequence = message["account_sequence"]

    async def _ask(self, op: str, **fields: Any) -> Message:
        """Send a request and wait for its answer."""
        request_id = next(self._ids)
        future = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": request_id, "op": op, **fields}))
        async with asyncio.timeout(ANSWER_S_MAX):
            return await future

    async def _quote(self) -> None:
        self._snapshot.clear()
        for op, fields in (
            ("authenticate", {"token": self.options.token}),
            ("cancel_on_disconnect", {"enabled": True}),
            ("subscribe", {"channel": "account", "from_sequence": self.account_sequence}),
        ):
            answer = await self._ask(op, **fields)
            if not answer["ok"]:
                raise ConnectionError(f"{op} was refused: {answer['error']['detail']}")
        if not answer["result"]["resumed"]:
            # It comes behind the answer; until then the position is not known.
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._snapshot.wait()
        say("connected", resumed=answer["result"]["resumed"], position=self.position)
        for order in list(self.unanswered.values()):
            await self._submit(order, again=True)
        while True:
            await self._ask("order.cancel_all", params={"symbol": self.options.symbol})
            self._filled.clear()
            # A position is leaned against: a price worse for more of it.
            lean = self.options.tick * int(self.position / self.options.quantity)
            for side, away in (("buy", -self.options.half_spread), ("sell", self.options.half_spread)):
                await self._submit(
                    {
                        "symbol": self.options.symbol,
                        "side": side,
                        "type": "limit",
                        "price": str(self.options.fair + away - lean),
                        "quantity": str(self.options.quantity),
                        "client_order_id": f"bot-{self._run}-{next(self._orders)}",
                    }
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(self.options.refresh_s):
                    await self._filled.wait()

    async def _submit(self, order: Message, *, again: bool = False) -> None:
        """Send an order; until it is answered its outcome is not known."""
        self.unanswered[order["client_order_id"]] = order
        answer = await self._ask("order.submit", params=order)
        if not answer["ok"] and answer["error"]["code"] == "outcome_unknown":
            raise ConnectionError(f"the outcome of {order['client_order_id']} is not known yet")
        del self.unanswered[order["client_order_id"]]
        told = {name: order[name] for name in ("client_order_id", "side", "price")}
        if not answer["ok"]:
            say("refused", code=answer["error"]["code"], **told)
        else:
            say("resolved" if again else "quoted", first_time=answer["status"] == 201, **told)  # noqa: PLR2004 - created


def main() -> None:
    """Read the command line and quote until told to stop."""
    parser = argparse.ArgumentParser(description="Quote around a fair price.")
    parser.add_argument("--url", default="ws://127.0.0.1:8000/ws/v1/")
    parser.add_argument("--token", default=os.environ.get("TOKEN"), help="an access token; default: $TOKEN")
    parser.add_argument("--symbol", default="AAPL-USD")
    parser.add_argument("--fair", type=Decimal, required=True)
    parser.add_argument("--half-spread", type=Decimal, default=Decimal("0.05"))
    parser.add_argument("--tick", type=Decimal, default=Decimal("0.01"))
    parser.add_argument("--quantity", type=Decimal, default=Decimal(1))
    parser.add_argument("--refresh-s", type=float, default=5.0)
    with suppress(KeyboardInterrupt):
        asyncio.run(Bot(parser.parse_args()).live())


if __name__ == "__main__":
    main()
