"""Real market data that lies beside the project, not in it. A test that needs it and has it not is shouted about."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "CIFT_SHARED_DATA"

_missing = pytest.StashKey[list[str]]()


@dataclass(frozen=True, slots=True)
class LobsterHour:
    """An hour of AAPL on Nasdaq: messages, the book it starts from, and the best quotes of the whole day."""

    messages: Path
    opening_book: Path
    best_quotes: Path

    def files(self) -> tuple[Path, ...]:
        return (self.messages, self.opening_book, self.best_quotes)


def shared_data() -> Path:
    """Return where the data should be: where the variable says, or in the folder beside the project."""
    return Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")


def lobster_hour() -> LobsterHour | None:
    """Return the hour's files, None if one is missing."""
    folder = shared_data() / "lobster"
    hour = LobsterHour(
        messages=folder / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
        opening_book=folder / "AAPL_2012-06-21_orderbook_10_first999.csv",
        best_quotes=folder / "AAPL_2012-06-21_34200000_57600000_orderbook_1.csv.gz",
    )
    return hour if all(path.is_file() for path in hour.files()) else None


@pytest.fixture
def real_hour(request: pytest.FixtureRequest) -> LobsterHour | None:
    """The hour; where it was promised and is missing the test fails, else its absence stands out in the summary."""
    hour = lobster_hour()
    if hour is None:
        reason = f"no LOBSTER hour in {shared_data() / 'lobster'}"
        if os.environ.get(VARIABLE):
            pytest.fail(f"{VARIABLE} is set, but there is {reason}")
        request.config.stash.setdefault(_missing, []).append(f"{request.node.nodeid}: {reason}")
    return hour


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_missing, [])
    if lines:
        terminalreporter.section("NOT TESTED ON REAL DATA", sep="!", red=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, red=True)
        terminalreporter.write_line(f"set {VARIABLE} to the folder that has it", red=True)
