"""What every bus promises, held against each way to reach one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from cift.bus.base import (
    PAYLOAD_BYTES_MAX,
    Bus,
    BusInUse,
    PayloadTooLarge,
    RequestTimeout,
    VenueUnavailable,
)
from cift.bus.local import LocalBus
from cift.bus.mailbox import MESSAGES_MAX
from cift.bus.nats import NatsBus


@dataclass
class Ends:
    """The process that hosts the bus, and the one that uses it; the same when `here` is."""

    host: Bus
    user: Bus


@pytest.fixture(params=["inside the hosting process", "over the socket", "over NATS"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ends]:
    def made() -> Bus:
        if request.param == "over NATS":
            return NatsBus(servers=[request.getfixturevalue("nats_server").address])
        return LocalBus(socket=tmp_path / "bus.sock")

    host = made()
    await host.start()
    user = host if request.param == "inside the hosting process" else made()
    yield Ends(host, user)
    await user.close()
    await host.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for has no event to offer
            await asyncio.sleep(0.001)


async def test_a_request_is_answered_by_its_responder(ends: Ends) -> None:
    async def double(payload: bytes) -> bytes:
        return payload * 2

    await ends.host.respond("orders.commands.0", double)

    assert await ends.user.request("orders.commands.0", b"ab", timeout_s=1) == b"abab"


async def test_many_requests_are_under_way_at_once_and_each_gets_its_own_answer(ends: Ends) -> None:
    async def late(payload: bytes) -> bytes:
        await asyncio.sleep(0.02 if payload == b"0" else 0)
        return payload

    await ends.host.respond("echo", late)
    asked = [str(number).encode() for number in range(50)]

    assert await asyncio.gather(*(ends.user.request("echo", one, timeout_s=2) for one in asked)) == asked


async def test_without_a_responder_a_request_fails_at_once(ends: Ends) -> None:
    async with asyncio.timeout(1):
        with pytest.raises(VenueUnavailable):
            await ends.user.request("orders.commands.7", b"", timeout_s=60)


async def test_a_responder_that_left_responds_no_more(ends: Ends) -> None:
    async def echo(payload: bytes) -> bytes:
        return payload

    responder = await ends.host.respond("echo", echo)
    await responder.close()

    with pytest.raises(VenueUnavailable):
        await ends.user.request("echo", b"", timeout_s=1)


async def test_a_responder_that_is_too_late_leaves_the_outcome_unknown(ends: Ends) -> None:
    finished = asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        await asyncio.sleep(0.1)
        finished.set()
        return payload

    await ends.host.respond("slow", slow)

    with pytest.raises(RequestTimeout):
        await ends.user.request("slow", b"", timeout_s=0.01)
    async with asyncio.timeout(1):
        await finished.wait()


async def test_a_responder_that_fails_leaves_the_outcome_unknown(ends: Ends) -> None:
    async def broken(payload: bytes) -> bytes:
        raise RuntimeError

    await ends.host.respond("broken", broken)

    with pytest.raises(RequestTimeout):
        await ends.user.request("broken", b"", timeout_s=1)


async def test_a_responder_may_say_itself_that_nothing_happened(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    async def recovering(payload: bytes) -> bytes:
        raise VenueUnavailable("recovering")

    await ends.host.respond("recovering", recovering)

    with pytest.raises(VenueUnavailable, match="recovering"):
        await ends.user.request("recovering", b"", timeout_s=1)
    assert not caplog.records


async def test_a_bus_that_ends_leaves_the_outcome_unknown(ends: Ends) -> None:
    asked = asyncio.Event()

    async def never(payload: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return payload

    await ends.host.respond("never", never)
    request = asyncio.create_task(ends.user.request("never", b"", timeout_s=60))
    await asked.wait()
    await ends.host.close()

    async with asyncio.timeout(1):
        with pytest.raises(RequestTimeout):
            await request


async def test_a_subject_has_one_responder(ends: Ends) -> None:
    async def echo(payload: bytes) -> bytes:
        return payload

    await ends.host.respond("echo", echo)

    with pytest.raises(BusInUse):
        await ends.host.respond("echo", echo)


async def test_a_payload_above_the_bound_is_refused_before_it_is_sent(ends: Ends) -> None:
    with pytest.raises(PayloadTooLarge):
        await ends.user.request("echo", bytes(PAYLOAD_BYTES_MAX + 1), timeout_s=1)
    with pytest.raises(PayloadTooLarge):
        await ends.user.publish("book.1", bytes(PAYLOAD_BYTES_MAX + 1))


async def test_messages_come_in_the_order_of_publishing(ends: Ends) -> None:
    seen: list[tuple[str, bytes]] = []

    async def take(subject: str, payload: bytes) -> None:
        seen.append((subject, payload))

    await ends.user.subscribe("book.1", take)
    sent = [("book.1", str(number).encode()) for number in range(200)]
    for subject, payload in sent:
        await ends.host.publish(subject, payload)
    await ends.host.publish("book.2", b"not listened to")
    await until(lambda: len(seen) >= 200)

    assert seen == sent


async def test_only_a_second_message_of_the_same_id_may_be_missing(ends: Ends) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)

    await ends.user.subscribe("book.1", take)
    for message_id, payload in (
        ("0.7.book.1", b"7"),
        ("0.7.book.1", b"7"),
        ("0.8.book.1", b"8"),
        (None, b""),
        (None, b""),
    ):
        await ends.user.publish("book.1", payload, message_id=message_id)
    await ends.user.publish("book.1", b"last", message_id="0.9.book.1")
    await until(lambda: seen[-1:] == [b"last"])

    doubles_dropped = [b"7", b"8", b"", b"", b"last"]
    assert seen in (doubles_dropped, [b"7", *doubles_dropped])


async def test_a_star_listens_to_a_family_of_subjects(ends: Ends) -> None:
    seen: list[tuple[str, bytes]] = []

    async def take(subject: str, payload: bytes) -> None:
        seen.append((subject, payload))

    await ends.user.subscribe("book.*", take)
    for subject in ("book.1", "account.1", "book", "book.2", "books.3"):
        await ends.host.publish(subject, b"")
    await until(lambda: len(seen) >= 2)

    assert [subject for subject, _ in seen] == ["book.1", "book.2"]


async def test_what_a_user_publishes_reaches_all_who_listen(ends: Ends) -> None:
    there: list[bytes] = []
    here: list[bytes] = []

    async def take_there(_subject: str, payload: bytes) -> None:
        there.append(payload)

    async def take_here(_subject: str, payload: bytes) -> None:
        here.append(payload)

    await ends.host.subscribe("journal.0", take_there)
    await ends.user.subscribe("journal.0", take_here)
    await ends.user.publish("journal.0", b"9")
    await until(lambda: bool(there and here))

    assert (there, here) == ([b"9"], [b"9"])


async def test_a_closed_subscription_gets_nothing_more(ends: Ends) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)

    subscription = await ends.user.subscribe("book.1", take)
    await ends.host.publish("book.1", b"1")
    await until(lambda: bool(seen))
    await subscription.close()
    await ends.host.publish("book.1", b"2")
    await asyncio.sleep(0.02)

    assert seen == [b"1"]


async def test_a_handler_may_close_its_own_subscription(ends: Ends) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)
        await subscription.close()

    subscription = await ends.user.subscribe("book.1", take)
    for payload in (b"1", b"2"):
        await ends.host.publish("book.1", payload)
    await until(lambda: bool(seen))
    await asyncio.sleep(0.02)

    assert seen == [b"1"]


async def test_a_handler_that_fails_gets_the_next_message(ends: Ends) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)
        raise RuntimeError

    await ends.user.subscribe("book.1", take)
    for payload in (b"1", b"2"):
        await ends.host.publish("book.1", payload)
    await until(lambda: len(seen) == 2)

    assert seen == [b"1", b"2"]


async def test_a_message_its_subscriber_cannot_take_is_a_gap_and_the_next_one_is_handed_on(ends: Ends) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        if payload == b"strange":
            raise ValueError(payload)
        seen.append(payload)

    async def gap() -> None:
        seen.append(b"gap")
        raise ValueError("nor can it make up what it missed")

    await ends.user.subscribe("book.1", take, on_gap=gap)
    before = REGISTRY.get_sample_value("cift_bus_messages_failed_total") or 0
    for payload in (b"first", b"strange", b"second"):
        await ends.host.publish("book.1", payload)
    await until(lambda: seen[-1:] == [b"second"])

    assert seen == [b"first", b"gap", b"second"]
    assert REGISTRY.get_sample_value("cift_bus_messages_failed_total") == before + 1


async def test_a_slow_subscriber_never_holds_up_the_publisher_and_is_told_of_its_gap(ends: Ends) -> None:
    go_on = asyncio.Event()
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        await go_on.wait()
        seen.append(payload)

    async def gap() -> None:
        seen.append(b"gap")

    behind = asyncio.Event()

    async def mark(_subject: str, _payload: bytes) -> None:
        behind.set()

    await ends.user.subscribe("book.1", take, on_gap=gap)
    await ends.user.subscribe("book.2", mark)
    block = bytes(4_096)
    async with asyncio.timeout(5):
        for _ in range(3 * MESSAGES_MAX):
            await ends.host.publish("book.1", block)
        await ends.host.publish("book.1", b"last")
        await ends.host.publish("book.2", b"")
        await behind.wait()
    go_on.set()
    await until(lambda: seen[-1:] == [b"last"])

    assert b"gap" in seen
    assert seen.count(block) < 3 * MESSAGES_MAX


async def test_a_bus_without_a_host_is_unavailable_to_ask_and_to_publish(tmp_path: Path) -> None:
    user = LocalBus(socket=tmp_path / "bus.sock")

    with pytest.raises(VenueUnavailable):
        await user.request("orders.commands.0", b"", timeout_s=60)
    with pytest.raises(VenueUnavailable):
        await user.publish("book.1", b"")


async def test_a_subscriber_waits_for_the_host_and_comes_back_to_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    user = LocalBus(socket=path)
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)

    async def gap() -> None:
        seen.append(b"gap")

    await user.subscribe("book.1", take, on_gap=gap)
    for payload in (b"first", b"second"):
        host = LocalBus(socket=path)
        await host.start()
        await until(lambda: seen[-1:] == [b"gap"])
        await host.publish("book.1", payload)
        await until(lambda payload=payload: seen[-1:] == [payload])  # type: ignore[misc]
        await host.close()
    await user.close()

    assert seen == [b"gap", b"first", b"gap", b"second"]


async def test_a_second_host_is_refused_and_a_socket_left_behind_is_not(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    first, second = LocalBus(socket=path), LocalBus(socket=path)
    await first.start()
    with pytest.raises(BusInUse):
        await second.start()
    await first.close()
    path.touch()
    path.unlink()

    await second.start()
    await second.close()


async def test_another_thread_s_loop_can_ask_and_listen(ends: Ends) -> None:
    async def echo(payload: bytes) -> bytes:
        return payload

    await ends.host.respond("echo", echo)
    answers: list[bytes] = []
    thread = threading.Thread(
        target=lambda: answers.append(asyncio.run(ends.user.request("echo", b"hello", timeout_s=1)))
    )
    thread.start()
    await asyncio.to_thread(thread.join)

    assert answers == [b"hello"]
