"""What the operator reads when the venue is ready."""

from pathlib import Path

from rich.console import Console

from apps.marketdata.new_venue import INSTRUMENTS
from cift.embedded.logins import DEMO, OPERATOR

_ALONE = "nothing: a book is empty until somebody quotes; the money is paper"
_SIMULATED = (
    "the market: agents trade all instruments, about {rate} commands/s; the money is paper; SIMULATION=0 for none"
)


def welcome(console: Console, *, address: str, logins: dict[str, str] | None, folder: Path, simulated: int) -> None:
    """Show where the venue is, who can log in, what is listed, and what of it is simulated (commands/s, 0: nothing).

    `logins` has the passwords where they were just made. They are shown that once: what is printed ends in logs.
    """

    def login(email: str) -> str:
        return email if logins is None else f"{email}  password {logins[email]}"

    rows = {
        "address": address,
        "operator": f"{login(OPERATOR)}  back office {address}/admin/",
        "demo trader": login(DEMO),
        "instruments": "  ".join(listing.symbol for listing in INSTRUMENTS),
        "simulated": _SIMULATED.format(rate=simulated) if simulated else _ALONE,
        "data": f"{folder}  passwords as first given in {folder / 'logins.json'}",
    }
    console.print("\n[bold]CIFT Markets is open.[/bold] Ctrl-C ends it.", highlight=False)
    for label, value in rows.items():
        # One line each, however narrow the console: what is copied from it is whole.
        console.print(f"  [bold]{label:<12}[/bold] {value}", highlight=False, soft_wrap=True)
    console.print()
