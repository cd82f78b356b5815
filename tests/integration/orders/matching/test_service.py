"""The order service on a bus: answers in order, feeds behind the journal, refusals at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from apps.marketdata.messages import book_block_decode
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import SetKillSwitch
from apps.orders.events import KillSwitchSet, VenueBlock, account_block_decode, venue_block_decode
from apps.orders.matching import service as module
from apps.orders.matching.followers import follow
from apps.orders.matching.journal import Journal
from apps.orders.matching.service import MatchingService, services_running
from apps.orders.matching.work import WriterState
from apps.orders.models import Projection, Snapshot
from cift.bus.base import VenueUnavailable
from cift.bus.local import LocalBus
from cift.wire.base import COMMANDS_PER_REQUEST_MAX
from cift.wire.queries import EngineStats, StatsQuery, answer_decode, query_encode
from cift.wire.subjects import told_subject
from tests.support.shard import AAPL_USD, DrivenWriter, Flow, answers_of, frame_of, opening

COMMANDS, QUERY = "orders.commands.0", "orders.query.0"


class NotingBus(LocalBus):
    """Notes the subject and id of what is published."""

    def __init__(self, *, socket: Path) -> None:
        super().__init__(socket=socket)
        self.published: list[tuple[str, str | None]] = []

    async def publish(self, subject: str, payload: bytes, *, message_id: str | None = None) -> None:
        self.published.append((subject, message_id))
        await super().publish(subject, payload, message_id=message_id)


@pytest.fixture
async def bus(sqlite: Path, tmp_path: Path) -> AsyncIterator[NotingBus]:
    bus = NotingBus(socket=tmp_path / "bus.sock")
    await bus.start()
    yield bus
    await bus.close()


@pytest.fixture
async def service(bus: LocalBus) -> AsyncIterator[MatchingService]:
    service = MatchingService(bus)
    await service.start()
    assert (await service.ready(timeout_s=10)).state is WriterState.READY
    await bus.request(COMMANDS, frame_of(*opening()), timeout_s=10)
    yield service
    await service.stop()


async def stats_of(bus: LocalBus) -> EngineStats:
    query = StatsQuery()
    return answer_decode(query, await bus.request(QUERY, query_encode(query), timeout_s=5))


async def test_commands_are_answered_one_by_one_and_published_behind_the_journal(
    bus: LocalBus, service: MatchingService
) -> None:
    heard: list[tuple[str, bytes]] = []
    hinted = asyncio.Event()

    async def hear(subject: str, payload: bytes) -> None:
        heard.append((subject, payload))
        if subject.startswith("journal"):
            head = await asyncio.to_thread(Journal(0).head)
            assert head is not None
            assert head.number >= msgspec.msgpack.decode(payload)[0]
            hinted.set()

    subscriptions = [await bus.subscribe(subject, hear) for subject in ("book.*", "account.*", "journal.0")]
    flow = Flow()
    orders = [flow.submit(instrument=AAPL_USD, price=15_000, quantity=1) for _ in range(20)]
    answers = answers_of(await bus.request(COMMANDS, frame_of(*orders), timeout_s=10))
    assert [events[0].id for events in answers] == [order.id for order in orders]
    await asyncio.wait_for(hinted.wait(), 5)
    book = book_block_decode(next(payload for subject, payload in heard if subject == f"book.{AAPL_USD}"))
    assert book.instrument == AAPL_USD
    blocks = [account_block_decode(payload) for subject, payload in heard if subject.startswith("account.")]
    assert {block.account for block in blocks} >= {order.account for order in orders}
    for subscription in subscriptions:
        await subscription.close()


async def test_each_message_is_named_by_shard_batch_and_subject(bus: NotingBus, service: MatchingService) -> None:
    answer = await bus.request(COMMANDS, frame_of(Flow().submit()), timeout_s=10)
    assert not isinstance(answers_of(answer)[0], str)
    head = await asyncio.to_thread(Journal(0).head)
    assert head is not None
    async with asyncio.timeout(5):
        while ("journal.0", f"0.{head.number}.journal.0") not in bus.published:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)

    ids = [message_id for _, message_id in bus.published]
    assert len(set(ids)) == len(ids)
    assert all(message_id and message_id.split(".", 2)[2] == subject for subject, message_id in bus.published)


async def test_a_kill_switch_is_published_as_it_was_set_and_by_nothing_else(
    bus: LocalBus, service: MatchingService
) -> None:
    heard: asyncio.Queue[VenueBlock] = asyncio.Queue()

    async def hear(_subject: str, payload: bytes) -> None:
        await heard.put(venue_block_decode(payload))

    subscription = await bus.subscribe("venue.0", hear)
    flow = Flow()
    for on in (True, False):
        answer = await bus.request(COMMANDS, frame_of(flow.submit(), SetKillSwitch(on=on), flow.submit()), timeout_s=10)
        (event,) = answers_of(answer)[1]
        assert isinstance(event, KillSwitchSet)
        block = await asyncio.wait_for(heard.get(), 5)
        assert (block.sequence, block.kill_switch) == (event.sequence, on)
        stats = await stats_of(bus)
        assert (stats.number, stats.killed) == (block.number, int(on))
    await bus.request(COMMANDS, frame_of(flow.submit()), timeout_s=10)
    assert heard.empty()
    await subscription.close()


async def test_a_bus_too_slow_for_the_batches_still_gets_the_kill_switch() -> None:
    unpublished = module.Unpublished(kept_subject="venue.0", batches_max=2)
    kill_switch = module.Message("venue.0", b"2", 1)
    first, second, third = (module.Message("journal.0", bytes([number]), number) for number in (1, 2, 3))
    for batch in ([module.Message("book.1", b"1", 1), kill_switch, first], [second], [third]):
        unpublished.put(batch)

    assert [await unpublished.take(), await unpublished.take()] == [[kill_switch, second], [third]]


async def test_bytes_that_are_no_frame_cost_nobody_else_anything(bus: LocalBus, service: MatchingService) -> None:
    flow = Flow()
    good = frame_of(flow.submit())
    bad = [
        b"",
        b"\x05\x00\x00\x00ab",
        b"\xff\xff\xff\xff",
        good + b"\x01",
        (65_537).to_bytes(4, "little") + bytes(65_537),
    ]
    bad.append(frame_of(*(flow.submit() for _ in range(COMMANDS_PER_REQUEST_MAX + 1))))
    answers = await asyncio.gather(*(bus.request(COMMANDS, frame, timeout_s=10) for frame in [*bad, good]))
    for answer in answers[:-1]:
        assert set(answers_of(answer)) == {"malformed"}
    assert not isinstance(answers_of(answers[-1])[0], str)


async def test_a_query_that_is_none_is_refused(bus: LocalBus, service: MatchingService) -> None:
    with pytest.raises(VenueUnavailable):
        await bus.request(QUERY, b"\xc1", timeout_s=5)
    stats = await stats_of(bus)
    assert stats.number == 2


async def test_its_state_can_be_seen(bus: LocalBus, service: MatchingService) -> None:
    assert services_running() == [service]
    status = service.status()
    assert (status.state, status.number, status.epoch) == (WriterState.READY, 2, 1)


async def test_after_its_end_there_is_no_responder(bus: LocalBus, service: MatchingService) -> None:
    await service.stop()
    with pytest.raises(VenueUnavailable):
        await bus.request(COMMANDS, frame_of(Flow().submit()), timeout_s=5)
    assert services_running() == []


async def test_what_follows_the_journal_is_woken_and_ends_with_a_snapshot(
    bus: LocalBus, service: MatchingService
) -> None:
    stop = asyncio.Event()
    following = asyncio.create_task(follow(bus, shard=0, stop=stop, once=False))
    flow = Flow()
    for _ in range(5):
        answer = await bus.request(COMMANDS, frame_of(flow.submit()), timeout_s=10)
        number = msgspec.msgpack.decode(msgspec.msgpack.decode(answer)[0])[0]
        async with asyncio.timeout(5):
            while await asyncio.to_thread(projected) < number:  # noqa: ASYNC110 - it is a database that is watched
                await asyncio.sleep(0.002)
    stop.set()
    await asyncio.wait_for(following, 5)
    snapshot = await Snapshot.objects.alatest("number")
    assert snapshot.number == number


def projected() -> int:
    return Projection.objects.filter(shard=0).values_list("last_number", flat=True).first() or 0


async def test_a_service_whose_shard_is_held_ends_with_one_line(
    bus: LocalBus, caplog: pytest.LogCaptureFixture
) -> None:
    holder = await asyncio.to_thread(DrivenWriter().start)
    ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    service = MatchingService(bus, on_end=ended.set_result)
    await service.start()
    error = await asyncio.wait_for(ended, 5)
    assert "is held by" in str(error)
    assert (await service.ready(timeout_s=5)).state is WriterState.FAILED
    assert answers_of(await bus.request(COMMANDS, frame_of(Flow().submit()), timeout_s=5)) == ["venue_unavailable"]
    await service.stop()
    await asyncio.to_thread(holder.stop)


async def test_who_is_answered_counts_as_told_before_and_the_service_says_so_to_other_processes(
    bus: LocalBus, service: MatchingService
) -> None:
    order = Flow().submit(tif=TimeInForce.GTC, type=OrderType.LIMIT)
    before = await told_of(bus, order.account)
    answer = await bus.request(COMMANDS, frame_of(order), timeout_s=10)
    head = await asyncio.to_thread(Journal(0).head)
    assert head is not None
    assert not isinstance(answers_of(answer)[0], str)

    assert before is not None
    assert before < head.number == await told_of(bus, order.account)
    # Nobody projects here, so the others are told all there was before the writer began.
    assert await told_of(bus, 999) == 1


async def told_of(bus: LocalBus, account: int) -> int | None:
    answer = await bus.request(told_subject(0), msgspec.msgpack.encode(account), timeout_s=5)
    return msgspec.msgpack.decode(answer, type=int | None)
