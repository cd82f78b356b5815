"""What a replay did, as facts and as text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apps.marketdata.feeds.plan import Counts
from apps.replaying.agreement import agreement
from apps.replaying.observer import TopOfBook
from apps.replaying.preparation import OWNER
from apps.replaying.run import Done, Replay
from apps.replaying.scan import Scan

PER_CENT = 100
SHOWN = {
    "hidden": "executions of hidden orders, skipped",
    "other": "crosses and halts, skipped",
    "executed": "executions sent as incoming orders",
    "out_of_turn": "executions of orders that were not next, sent as reductions",
    "before_start": "rows about volume from before the start",
    "unknown": "rows about orders never seen, skipped",
    "odd": "rows that contradict earlier ones, skipped or cut",
    "ghosts": "orders removed because a new one rested where they stood",
}

PARTIAL = "NO FULL ORDER FLOW: orders went in rows this file lacks, as in files of the best level alone (level 1)"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Distinct best bids and offers: ours, the file's, and how many of ours are the file's, in order."""

    ours: int
    theirs: int
    equal: int


def compared(scan: Scan, quotes: Sequence[TopOfBook]) -> Agreement:
    """Hold the states the journal went through against those of an order book file."""
    return Agreement(len(scan.states), len(quotes), agreement(scan.states, quotes))


def facts(replay: Replay, scan: Scan, counts: Counts, found: Agreement | None, *, own_venue: bool) -> dict[str, Any]:
    """Return the report for programs."""
    timing = replay.timing
    return {
        "recording": str(replay.recording.messages),
        "opening_book": str(replay.recording.book) if replay.recording.book else None,
        "instrument": replay.recording.symbol,
        "name": replay.recording.name(),
        "venue": "own" if own_venue else "running",
        "accounts": replay.accounts,
        "rows": asdict(counts),
        "partial": counts.is_partial,
        "commands": scan.done,
        "commands_planned": counts.steps,
        "commands_of_this_run": timing.commands,
        "resumed_at": replay.resumed_at,
        "trades": scan.trades,
        "fills": scan.trades * 2,
        "refused": dict(scan.refused),
        "states": len(scan.states),
        "crossed": scan.crossed,
        "agreement": asdict(found) if found else None,
        "listing_changes": replay.listing_changes,
        "journal_number": scan.number,
        "projection_drained": replay.drained,
        "seconds_sending": round(timing.sending_s, 3),
        "seconds_draining": round(timing.draining_s, 3),
        "commands_per_second": round(timing.commands_per_s, 1),
    }


def text(report: dict[str, Any]) -> str:
    """Return the report for people."""
    rows = report["rows"]
    lines = [
        f"{report['recording']} → {report['instrument']} ({report['venue']} venue)",
        f"accounts              {_accounts(report['accounts']):>10}",
        f"rows                  {rows['rows']:>10,}",
        *(f"  {rows[name]:>10,}  {meaning}" for name, meaning in SHOWN.items() if rows[name]),
        *([PARTIAL] if report["partial"] else []),
        f"opening book, orders  {rows['seeded']:>10,}",
        f"commands              {report['commands']:>10,}  of {report['commands_planned']:,} planned",
        f"trades                {report['trades']:>10,}  ({report['fills']:,} fills)",
        f"distinct best quotes  {report['states']:>10,}",
        f"crossed               {report['crossed'] or 'never':>10}",
        f"refused               {_refused(report['refused']):>10}",
    ]
    if report["resumed_at"]:
        lines.append(f"went on behind        {report['resumed_at']:>10,}  commands of an earlier run")
    if report["agreement"]:
        equal, ours, theirs = (report["agreement"][name] for name in ("equal", "ours", "theirs"))
        share = PER_CENT * equal / ours if ours else 0.0
        lines.append(f"agreement             {equal:>10,}  of {ours:,} ({share:.2f} %), file has {theirs:,}")
    lines += [f"listing changed       {change}" for change in report["listing_changes"]]
    sending, draining, sent = (report[name] for name in ("seconds_sending", "seconds_draining", "commands_of_this_run"))
    lines += [
        f"rate                  {report['commands_per_second']:>10,.0f}  commands/s over {sent:,}",
        f"                                  {sending:.1f} s sending, {draining:.1f} s until the tables had it all",
    ]
    if not report["projection_drained"]:
        lines.append("THE PROJECTION IS BEHIND: the tables do not have all of it; is a projector running?")
    return "\n".join(lines)


def failure_text(done: Done) -> str:
    """Return what a replay that failed had done, for people."""
    left = "canceled" if done.orders_canceled is not None else "LEFT OPEN: the same command goes on from here"
    return "\n".join(
        (
            f"instrument            {done.instrument:>10}{'' if done.listed else ', not listed'}",
            f"accounts              {_accounts(done.accounts):>10}",
            f"commands of this run  {done.commands:>10,}",
            f"orders left open      {done.orders_canceled or '':>10}  {left}",
        )
    )


def _accounts(accounts: Sequence[int]) -> str:
    return f"{min(accounts)} to {max(accounts)}, of {OWNER}" if accounts else "none"


def _refused(refused: dict[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(refused.items())) or "none"
