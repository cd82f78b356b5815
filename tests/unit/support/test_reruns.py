import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FLAKY = """
attempts = {"once": 0, "twice": 0}

def flaky(name, failures):
    attempts[name] += 1
    assert attempts[name] > failures, f"attempt {attempts[name]} of {name}"

def test_once():
    flaky("once", 1)

def test_twice():
    flaky("twice", 2)

def test_steady():
    pass
"""


def printed_by(folder: Path, *options: str) -> str:
    (folder / "test_flaky.py").write_text(FLAKY)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    plugins = ("tests.support.reruns", "no:cacheprovider", "no:schemathesis", "no:django")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"-p{plugin}" for plugin in plugins), *options, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return str(run.stdout)


def test_each_rerun_is_printed_with_its_reason_and_the_worst_comes_first(tmp_path: Path) -> None:
    summary = printed_by(tmp_path, "--reruns", "2").partition("reruns: these tests are to be mended")[2]

    twice, once = summary.index("test_twice needed 2 RERUNS IN A ROW"), summary.index("test_once needed 1 rerun")
    assert twice < once
    for reason in ("attempt 1 of twice", "attempt 2 of twice"):
        assert twice < summary.index(reason) < once
    assert summary.index("attempt 1 of once") > once
    assert "test_steady" not in summary
    assert "3 passed, 3 rerun" in summary


def test_a_run_without_reruns_says_nothing(tmp_path: Path) -> None:
    printed = printed_by(tmp_path)

    assert "2 failed, 1 passed" in printed
    assert "to be mended" not in printed
