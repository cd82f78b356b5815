import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.books import Book, checksum, levels_body
from apps.marketdata.reference import InstrumentReference

PAGE = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "reference" / "websocket.md"
BTC_USD = InstrumentReference(
    id=1, symbol="BTC-USD", base="BTC", quote="USD", price_scale=2, base_scale=8, quote_scale=6
)

LEVELS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3), st.integers(0, 9)), max_size=60)


@given(LEVELS)
def test_a_side_keeps_each_price_s_last_level_best_first(changes: list[tuple[int, int, int]]) -> None:
    book = Book(sequence=0, bids=(), asks=())
    plain: dict[int, tuple[int, int, int]] = {}
    for level in changes:
        book.apply(sequence=book.sequence + 1, bids=[level], asks=[level])
        plain[level[0]] = level
    left = sorted(level for level in plain.values() if level[1])

    assert book.asks.best(0) == left
    assert book.bids.best(0) == left[::-1]
    assert book.asks.best(10) == left[:10]


def test_the_documented_example_s_checksums_are_right() -> None:
    messages = [json.loads(line) for line in re.findall(r'^\{"channel": "book".*$', PAGE.read_text(), re.MULTILINE)]
    snapshot, update = messages
    book = {
        side: {price: (price, quantity, orders) for price, quantity, orders in snapshot[side]}
        for side in ("bids", "asks")
    }

    assert checksum(snapshot["bids"], snapshot["asks"]) == snapshot["checksum"]
    assert f"→   {snapshot['checksum']}" in PAGE.read_text()

    for side in ("bids", "asks"):
        for price, quantity, orders in update[side]:
            book[side][price] = (price, quantity, orders)
            if quantity == "0":
                del book[side][price]
    assert checksum(list(book["bids"].values()), list(book["asks"].values())) == update["checksum"]


def test_levels_are_sent_in_their_shortest_form() -> None:
    assert levels_body([(4_210_050, 150_000_000, 2)], BTC_USD) == [("42100.5", "1.5", 2)]


def test_only_the_ten_best_levels_count_in_the_checksum() -> None:
    levels = [(100 + n, 100_000_000, 1) for n in range(12)]
    ten = Book(sequence=1, bids=(), asks=levels[:10])

    assert Book(sequence=1, bids=(), asks=levels).checksum(BTC_USD) == ten.checksum(BTC_USD)
