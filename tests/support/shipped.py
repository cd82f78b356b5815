"""What of the journal's trades is in the tables and in QuestDB, to the last integer."""

from apps.marketdata.ticks.questdb_tables import TICKS, Place
from apps.orders.codes import Liquidity
from apps.orders.models import Fill, JournalBatch
from tests.support.questdb_server import QuestDBServer

Rows = list[tuple[int, ...]]


def of_the_tables() -> Rows:
    fills = Fill.objects.filter(liquidity=int(Liquidity.TAKER)).order_by("id")
    return list(fills.values_list("instrument_id", "trade_id", "price", "quantity", "notional", "side", "executed_at"))


def of_the_store(server: QuestDBServer) -> Rows:
    columns = "instrument, sequence, price, quantity, notional, side, cast(ts as long)"
    return server.link().run(f"SELECT {columns} FROM {TICKS} ORDER BY sequence")  # noqa: S608 - our names


def head() -> Place:
    """The journal's end."""
    batch = JournalBatch.objects.order_by("-number")[0]
    return Place(batch.number, batch.last_sequence, batch.at)
