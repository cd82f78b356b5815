"""Results as a table and as a file, alone or beside an earlier run."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

LARGE = 1_000
SMALL = 10


def written(path: Path, report: dict[str, Any]) -> None:
    """Write the report whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


class ReportError(Exception):
    """A file is no report to compare with."""


def read_values(path: Path) -> dict[str, float]:
    """Return the values of an earlier report by name.

    Raises:
        ReportError: there is no such file, or it is no report.

    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return {str(result["name"]): float(result["value"]) for result in report["results"]}
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
    except (ValueError, LookupError, TypeError) as error:
        message = f"{path} is no report of a benchmark: {type(error).__name__} {error}"
    raise ReportError(message)


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


def soak_shown(console: Console, soak: dict[str, Any]) -> None:
    """Print the last soak's verdicts, or why there are none."""
    if "missing" in soak:
        console.print(escape(soak["missing"]))
        return
    console.print(f"the last soak: {soak['minutes']:g} minutes, {soak['date']}")
    shown = Table("what", "measured", "bound", "holds")
    for verdict in soak["verdicts"]:
        ok = {True: "[green]yes", False: "[red]no", None: ""}[verdict["ok"]]
        shown.add_row(*(escape(verdict[name]) for name in ("name", "measured", "bound")), ok)
    console.print(shown)


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
    soak_shown(console, report["soak"])
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in report["seconds"].items())
    console.print(f"{sum(report['seconds'].values()):.0f} s in all: {spent}")
