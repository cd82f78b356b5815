"""What the operator reads when the venue is ready."""

from pathlib import Path

from rich.console import Console

from cift.embedded.listing import INSTRUMENTS
from cift.embedded.logins import DEMO, OPERATOR


def welcome(console: Console, *, address: str, logins: dict[str, str], folder: Path) -> None:
    """Show where the venue is, who can log in, what is listed, and what of it is simulated."""
    rows = {
        "address": address,
        "operator": f"{OPERATOR}  password {logins[OPERATOR]}  back office {address}/admin/",
        "demo trader": f"{DEMO}  password {logins[DEMO]}",
        "instruments": "  ".join(listing.symbol for listing in INSTRUMENTS),
        "simulated": "nothing: a book is empty until somebody quotes; the money is paper",
        "data": f"{folder}  passwords as first given in {folder / 'logins.json'}",
    }
    console.print("\n[bold]CIFT Markets is open.[/bold] Ctrl-C ends it.", highlight=False)
    for label, value in rows.items():
        # One line each, however narrow the console: what is copied from it is whole.
        console.print(f"  [bold]{label:<12}[/bold] {value}", highlight=False, soft_wrap=True)
    console.print()
