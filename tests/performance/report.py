"""Results as a table and as a file, alone or beside an earlier run."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

LARGE = 1_000
SMALL = 10


def written(path: Path, report: dict[str, Any]) -> None:
    """Write the report whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def read_values(path: Path) -> dict[str, float]:
    """Return the values of an earlier report by name."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return {result["name"]: result["value"] for result in report["results"]}


def table(report: dict[str, Any], before: dict[str, float] | None = None) -> Table:
    """Lay the results out, one a line; `before` adds an earlier run's values and the change."""
    machine = report["machine"]
    shown = Table(
        title=f"{machine['processor']}, {machine['cores']} cores, {machine['date']}"
        + (" (quick: sizes cut to a tenth)" if report["quick"] else ""),
        title_justify="left",
    )
    shown.add_column("what")
    for column in ("value", "goal"):
        shown.add_column(column, justify="right")
    shown.add_column("unit")
    shown.add_column("ok")
    shown.add_column("percentiles")
    if before is not None:
        shown.add_column("before", justify="right")
        shown.add_column("change", justify="right")
    for result in report["results"]:
        shown.add_row(*_row(result, before))
    for failed in report["failed"]:
        shown.add_row(f"[red]{failed['topic']}", "", "", "", "[red]failed", failed["reason"])
    return shown


def _row(result: dict[str, Any], before: dict[str, float] | None) -> list[str]:
    goal = ""
    if result["goal"] is not None:
        goal = ("≥ " if result["better"] == "higher" else "≤ ") + number(result["goal"])
    verdict = {True: "[green]yes", False: "[red]no", None: ""}[result["ok"]]
    spread = "  ".join(f"{name} {number(value)}" for name, value in result["percentiles"].items())
    row = [result["title"], number(result["value"]), goal, result["unit"], verdict, spread]
    if before is not None:
        earlier = before.get(result["name"])
        row += [number(earlier), f"{result['value'] / earlier - 1:+.1%}"] if earlier else ["", ""]
    return row


def number(value: float) -> str:
    """Show a number with as many digits as are worth reading."""
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= SMALL else f"{value:.2f}"


def shown(report: dict[str, Any], before: dict[str, float] | None = None) -> None:
    """Print the table, as wide as it needs where nobody watches."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table(report, before))
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in report["seconds"].items())
    console.print(f"{sum(report['seconds'].values()):.0f} s in all: {spent}")
