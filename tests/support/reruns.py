"""Why a test had to run again: a rerun that passes says at the end of the run what had failed, and how often."""

import pytest
from _pytest.terminal import TerminalReporter

REASON_LINES_MAX = 15


class Reruns:
    """Keeps each failed attempt's reason until the summary."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an attempt that pytest-rerunfailures will repeat: it leaves no trace in the summary otherwise."""
        if report.outcome == "rerun":  # type: ignore[comparison-overlap]  # pytest-rerunfailures' own outcome
            self._reasons.setdefault(report.nodeid, []).append(report.longreprtext)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print each test that ran again, most reruns first, with the end of every failure."""
        if not self._reasons:
            return
        terminalreporter.section("reruns: these tests are to be mended", yellow=True, bold=True)
        for name, reasons in sorted(self._reasons.items(), key=lambda item: -len(item[1])):
            times = "1 rerun" if len(reasons) == 1 else f"{len(reasons)} RERUNS IN A ROW"
            terminalreporter.write_line(f"{name} needed {times}", yellow=True, bold=True)
            for attempt, reason in enumerate(reasons, 1):
                terminalreporter.write_line(f"  attempt {attempt} failed:")
                for line in reason.splitlines()[-REASON_LINES_MAX:]:
                    terminalreporter.write_line(f"    {line}")


def pytest_configure(config: pytest.Config) -> None:
    """Listen from the start."""
    config.pluginmanager.register(Reruns())
