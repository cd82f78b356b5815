"""A bus whose responders are what a test says they are."""

from collections.abc import Callable

from cift.bus.base import Bus, GapHandler, MessageHandler, RequestHandler, Subscription

Respond = Callable[[str, bytes], bytes]


class ScriptedBus(Bus):
    """Answers requests by `respond`, which may raise what a bus raises; carries no messages."""

    respond_with: Respond
    requests: list[tuple[str, bytes]]

    def __init__(self) -> None:
        self.requests = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.requests.append((subject, payload))
        return self.respond_with(subject, payload)

    async def publish(self, subject: str, payload: bytes) -> None: ...

    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        raise AssertionError(subject)

    async def respond(self, subject: str, handler: RequestHandler) -> Subscription:
        raise AssertionError(subject)
