"""A bus whose responders are what a test says they are."""

from collections.abc import Awaitable, Callable

from cift.bus.base import Bus, GapHandler, MessageHandler, RequestHandler, Subscription, VenueUnavailable

Respond = Callable[[str, bytes], bytes | Awaitable[bytes]]


def nobody(subject: str, _payload: bytes) -> bytes:
    raise VenueUnavailable(subject)


class ScriptedBus(Bus):
    """Answers requests by `respond_with`, which may raise what a bus raises; carries no messages."""

    respond_with: Respond
    requests: list[tuple[str, bytes]]

    def __init__(self) -> None:
        self.requests = []
        self.respond_with = nobody

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        self.requests.append((subject, payload))
        answer = self.respond_with(subject, payload)
        return answer if isinstance(answer, bytes) else await answer

    async def publish(self, subject: str, payload: bytes, *, message_id: str | None = None) -> None: ...

    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        raise AssertionError(subject)

    async def respond(self, subject: str, handler: RequestHandler) -> Subscription:
        raise AssertionError(subject)


class FeedBus(ScriptedBus):
    """Hands messages to subscribers when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[str, tuple[MessageHandler, GapHandler | None]] = {}

    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        self.handlers[subject] = (handler, on_gap)
        return _Listening(self, subject)

    async def tell(self, subject: str, payload: bytes) -> None:
        await self.handlers[subject][0](subject, payload)

    async def lose(self, subject: str) -> None:
        on_gap = self.handlers[subject][1]
        assert on_gap is not None
        await on_gap()


class _Listening(Subscription):
    def __init__(self, bus: FeedBus, subject: str) -> None:
        self._bus, self._subject = bus, subject

    async def close(self) -> None:
        self._bus.handlers.pop(self._subject, None)
