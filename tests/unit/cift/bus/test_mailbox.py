import asyncio
from contextlib import suppress

from cift.bus.mailbox import GAP, Mailbox


async def drained(mailbox: Mailbox) -> list[object]:
    items: list[object] = []
    with suppress(TimeoutError):
        while True:
            items.append(await asyncio.wait_for(mailbox.get(), 0.01))
    return items


async def test_messages_come_out_in_order() -> None:
    mailbox = Mailbox()
    mailbox.put("a", b"1")
    mailbox.put("b", b"2")

    assert await drained(mailbox) == [("a", b"1"), ("b", b"2")]


async def test_one_message_too_many_drops_what_waits_and_keeps_the_newest_behind_a_gap() -> None:
    mailbox = Mailbox(messages_max=2)
    for payload in (b"1", b"2", b"3"):
        mailbox.put("a", payload)

    assert await drained(mailbox) == [GAP, ("a", b"3")]


async def test_one_byte_too_many_does_too() -> None:
    mailbox = Mailbox(bytes_max=4)
    for payload in (b"12", b"34", b"5"):
        mailbox.put("a", payload)

    assert await drained(mailbox) == [GAP, ("a", b"5")]


async def test_a_single_message_above_the_bound_is_taken() -> None:
    mailbox = Mailbox(bytes_max=2)
    mailbox.put("a", b"123")

    assert await drained(mailbox) == [("a", b"123")]


async def test_bytes_that_were_taken_out_count_no_more() -> None:
    mailbox = Mailbox(bytes_max=2)
    for _ in range(5):
        mailbox.put("a", b"12")
        assert await drained(mailbox) == [("a", b"12")]


async def test_who_waits_is_woken() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put_gap()

    assert await waiting == GAP
