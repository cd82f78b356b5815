"""What the operator reads when the venue is ready."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from cift.embedded.listing import INSTRUMENTS
from cift.embedded.logins import DEMO, OPERATOR


def welcome(console: Console, *, address: str, logins: dict[str, str], folder: Path) -> None:
    """Show where the venue is, who can log in, what is listed, and what of it is simulated."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("address", address)
    table.add_row("operator", f"{OPERATOR}  password {logins[OPERATOR]}  back office {address}/admin/")
    table.add_row("demo trader", f"{DEMO}  password {logins[DEMO]}")
    table.add_row("instruments", "  ".join(listing.symbol for listing in INSTRUMENTS))
    table.add_row("simulated", "nothing: a book is empty until somebody quotes; the money is paper")
    table.add_row("data", f"{folder}  (passwords as first given: {folder / 'logins.json'})")
    console.print()
    console.print("[bold]CIFT Markets is open.[/bold]  Ctrl-C ends it.", highlight=False)
    console.print(table, highlight=False, soft_wrap=True)
    console.print()
