"""`manage.py explain ORDER_ID`: an order's whole life, from the journal."""

import json
from argparse import ArgumentParser
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.table import Table

from apps.orders.explaining.explanation import (
    DEPTH,
    DEPTH_MAX,
    Explanation,
    NoSuchOrderError,
    as_json,
    explain,
)
from apps.orders.matching.errors import MatchingError
from apps.orders.rest.url_params import order_id_read
from apps.orders.shapes import BookMetBody, OrderEventBody
from cift.errors.application import ApplicationError


class Command(BaseCommand):
    """Explains one order."""

    help = "Tell an order's whole life: the book it met, why it did or did not trade, each event with its sequence."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the order, and the form of the answer."""
        parser.add_argument("order_id", help="the order's id, as the API gives it")
        parser.add_argument("--json", action="store_true", help="print it as JSON")
        parser.add_argument("--depth", type=int, default=DEPTH, help=f"levels of the book to show, 1 to {DEPTH_MAX:,}")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Explain it."""
        given, depth = options["order_id"], options["depth"]
        if not 1 <= depth <= DEPTH_MAX:
            raise CommandError(f"--depth is from 1 to {DEPTH_MAX:,}")
        try:
            explanation = explain(order_id_read(given), shard=settings.MATCHING["SHARD"], depth=depth)
        except ApplicationError as error:
            raise CommandError(f"{given} is no order's id", returncode=1) from error
        except NoSuchOrderError as error:
            raise CommandError(str(error), returncode=1) from error
        except (MatchingError, DatabaseError) as error:
            raise CommandError(f"the journal cannot be read: {error}", returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(as_json(explanation), indent=2))
        else:
            _show(explanation, Console(file=cast("TextIO", self.stdout), highlight=False))


def _show(explanation: Explanation, console: Console) -> None:
    order = explanation.order
    size = order.quantity or f"{order.quote_amount} {order.fee_asset}"
    at = f" at {order.price}" if order.price else ""
    console.print(f"[bold]order {order.id}[/bold]  {order.side} {size} {order.symbol}{at}, {order.type}")
    instructions = [order.time_in_force, *(["post-only"] if order.post_only else [])]
    until = f", not after {explanation.deadline}" if explanation.deadline else ""
    console.print(f"client id {order.client_order_id}, {', '.join(instructions)}, came {order.created_at}{until}")
    console.print(f"[bold]{order.status}[/bold], filled {order.filled_quantity}, fee {order.fee} {order.fee_asset}\n")
    console.print(_book(explanation.book))
    for sentence in explanation.why:
        console.print(sentence)
    console.print(_events(explanation.events))


def _book(book: BookMetBody) -> Table:
    last = f", last price {book.last_price}" if book.last_price else ""
    table = Table(title=f"the book before sequence {book.before_sequence}{last}", title_justify="left")
    for column in ("orders", "quantity", "bid", "ask", "quantity", "orders"):
        table.add_column(column, justify="right")
    for index in range(max(len(book.bids), len(book.asks))):
        bid = book.bids[index] if index < len(book.bids) else None
        ask = book.asks[index] if index < len(book.asks) else None
        left = (str(bid[2]), bid[1], bid[0]) if bid else ("", "", "")
        right = (ask[0], ask[1], str(ask[2])) if ask else ("", "", "")
        table.add_row(*left, *right)
    return table


def _events(events: list[OrderEventBody]) -> Table:
    table = Table(title="what happened to it", title_justify="left")
    table.add_column("sequence", justify="right")
    table.add_column("at")
    table.add_column("batch", justify="right")
    table.add_column("")
    for event in events:
        table.add_row(str(event.sequence), event.at, str(event.batch), event.text)
    return table
