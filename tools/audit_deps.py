"""`make audit-deps`: known vulnerabilities in what requirements/*.txt, Cargo.lock and package-lock.json pin.

Exit code 1: there are some. 3: there are none where it could be looked, but something was not checked, because a tool
or its database of advisories could not be had; "not checked" is no "clean". 0: all was checked, and clean.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS_MAX = 600.0

Which = Callable[[str], str | None]
Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


class Verdict(IntEnum):
    """What is known of a file; the value is the exit code."""

    CLEAN = 0
    VULNERABLE = 1
    NOT_CHECKED = 3


@dataclass(frozen=True)
class Finding:
    """What was found of one file, with a line for people."""

    file: str
    verdict: Verdict
    line: str


def main() -> None:
    """Print a line for each file, and end with the worst verdict."""
    findings = []
    for finding in (*python_audit(), *rust_audit(), *npm_audit()):
        findings.append(finding)
        word = finding.verdict.name.lower().replace("_", " ")
        sys.stdout.write(f"{finding.file}: {word}: {finding.line}\n")
        sys.stdout.flush()
    sys.exit(verdict_of(findings))


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Return the worst: a vulnerability is known, whatever else was not checked."""
    found = {finding.verdict for finding in findings}
    return next((verdict for verdict in (Verdict.VULNERABLE, Verdict.NOT_CHECKED) if verdict in found), Verdict.CLEAN)


def python_audit() -> Iterator[Finding]:
    """Ask pip-audit about each file of pinned requirements."""
    tool = Path(sys.executable).parent / "pip-audit"
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        ended = _run([str(tool), "--requirement", str(file), "--no-deps", "--disable-pip", "--format", "json"])
        yield python_finding(file.relative_to(ROOT).as_posix(), ended)


def python_finding(file: str, ended: subprocess.CompletedProcess[str]) -> Finding:
    """Read pip-audit's report: it ends with 1 where it finds something and where it cannot look alike."""
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return Finding(file, Verdict.NOT_CHECKED, _last_line(ended))
    skipped = [package for package in packages if "skip_reason" in package]
    vulnerable = [
        f"{package['name']} {package['version']} ({', '.join(known['id'] for known in package['vulns'])})"
        for package in packages
        if package.get("vulns")
    ]
    if vulnerable:
        return Finding(file, Verdict.VULNERABLE, "; ".join(vulnerable))
    if skipped:
        return Finding(
            file, Verdict.NOT_CHECKED, f"{len(skipped)} of {len(packages)} packages: {skipped[0]['skip_reason']}"
        )
    return Finding(file, Verdict.CLEAN, f"{len(packages)} packages")


def rust_audit(*, which: Which = shutil.which, run: Run | None = None) -> Iterator[Finding]:
    """Ask cargo-deny about the workspace; its database is fetched first, so that its absence is told apart."""
    file, run = "matching_rs/Cargo.lock", run or _run
    if which("cargo-deny") is None:
        yield Finding(file, Verdict.NOT_CHECKED, "cargo-deny is not installed: cargo install cargo-deny --locked")
        return
    deny = ["cargo-deny", "--manifest-path", str(ROOT / "matching_rs" / "Cargo.toml")]
    fetched = run([*deny, "fetch", "db"])
    if fetched.returncode:
        yield Finding(file, Verdict.NOT_CHECKED, _last_line(fetched))
        return
    ended = run([*deny, "check", "--disable-fetch", "advisories"])
    if ended.returncode:
        yield Finding(file, Verdict.VULNERABLE, _last_line(ended))
    else:
        yield Finding(file, Verdict.CLEAN, "advisories of RustSec")


def npm_audit() -> Iterator[Finding]:
    """Ask npm about each lock file of the repository."""
    listed = _run(["git", "ls-files", "*package-lock.json"]).stdout.split()
    for file in listed:
        if shutil.which("npm") is None:
            yield Finding(file, Verdict.NOT_CHECKED, "npm is not installed")
        else:
            yield npm_finding(file, _run(["npm", "--prefix", str((ROOT / file).parent), "audit", "--json"]))


def npm_finding(file: str, ended: subprocess.CompletedProcess[str]) -> Finding:
    """Read npm's report: it ends with 1 where it finds something and where it cannot look alike."""
    try:
        report = json.loads(ended.stdout)
        vulnerable = sorted(report["vulnerabilities"])
    except (ValueError, LookupError, TypeError):
        return Finding(file, Verdict.NOT_CHECKED, _last_line(ended))
    if vulnerable:
        return Finding(file, Verdict.VULNERABLE, ", ".join(vulnerable))
    return Finding(file, Verdict.CLEAN, f"{report['metadata']['dependencies']['total']} packages")


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=SECONDS_MAX)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, -1, "", f"{words[0]}: {error}")


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in ended.stderr.splitlines() if line.strip()] or ["no answer"]
    return lines[-1].strip()


if __name__ == "__main__":
    main()
