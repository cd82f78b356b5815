"""What `make audit-deps` makes of the answers of its tools: "not checked" is never taken for "clean"."""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from tools.audit_deps import Finding, Verdict, npm_finding, python_finding, rust_audit, verdict_of

CLEAN = {"name": "django", "version": "5.2", "vulns": []}
VULNERABLE = {"name": "rich", "version": "1.0", "vulns": [{"id": "PYSEC-1"}, {"id": "GHSA-2"}]}
SKIPPED = {"name": "click", "skip_reason": "not found"}


def ended(stdout: Any = "", *, code: int = 0, stderr: str = "") -> CompletedProcess[str]:
    return CompletedProcess([], code, stdout if isinstance(stdout, str) else json.dumps(stdout), stderr)


@pytest.mark.parametrize(
    ("packages", "verdict", "line"),
    [
        ([CLEAN], Verdict.CLEAN, "1 packages"),
        ([CLEAN, VULNERABLE], Verdict.VULNERABLE, "rich 1.0 (PYSEC-1, GHSA-2)"),
        ([CLEAN, SKIPPED], Verdict.NOT_CHECKED, "1 of 2 packages: not found"),
        ([SKIPPED, VULNERABLE], Verdict.VULNERABLE, "rich 1.0 (PYSEC-1, GHSA-2)"),
    ],
)
def test_a_report_of_pip_audit_is_read(packages: list[dict[str, Any]], verdict: Verdict, line: str) -> None:
    assert python_finding("base.txt", ended({"dependencies": packages})) == Finding("base.txt", verdict, line)


def test_pip_audit_without_a_report_has_checked_nothing() -> None:
    finding = python_finding("base.txt", ended(code=1, stderr="a warning\nConnectionError: no route\n\n"))

    assert finding == Finding("base.txt", Verdict.NOT_CHECKED, "ConnectionError: no route")


def test_a_report_of_npm_is_read() -> None:
    counts = {"metadata": {"dependencies": {"total": 12}}}

    assert npm_finding("a", ended({"vulnerabilities": {}, **counts})).verdict == Verdict.CLEAN
    assert npm_finding("a", ended({"vulnerabilities": {"vite": {}}, **counts}, code=1)).line == "vite"
    assert npm_finding("a", ended({"error": {"code": "ENOAUDIT"}}, code=1)).verdict == Verdict.NOT_CHECKED
    assert npm_finding("a", ended(code=1, stderr="npm error audit endpoint")).line == "npm error audit endpoint"


def answered(**codes: int) -> Finding:
    def run(words: list[str]) -> CompletedProcess[str]:
        return ended(code=codes[words[3]], stderr=f"{words[3]} failed")

    (finding,) = rust_audit(which=lambda name: f"/bin/{name}", run=run)
    return finding


def test_cargo_deny_without_its_database_has_checked_nothing() -> None:
    assert answered(fetch=1) == Finding("matching_rs/Cargo.lock", Verdict.NOT_CHECKED, "fetch failed")
    assert answered(fetch=0, check=1).verdict == Verdict.VULNERABLE
    assert answered(fetch=0, check=0).verdict == Verdict.CLEAN


def test_cargo_deny_that_is_not_installed_is_said() -> None:
    (finding,) = rust_audit(which=lambda _name: None)

    assert (finding.verdict, "cargo install cargo-deny" in finding.line) == (Verdict.NOT_CHECKED, True)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ([], 0),
        ([Verdict.CLEAN], 0),
        ([Verdict.CLEAN, Verdict.NOT_CHECKED], 3),
        ([Verdict.NOT_CHECKED, Verdict.VULNERABLE, Verdict.CLEAN], 1),
    ],
)
def test_the_worst_verdict_is_the_exit_code(verdicts: list[Verdict], worst: int) -> None:
    assert verdict_of([Finding("file", verdict, "") for verdict in verdicts]) == worst
