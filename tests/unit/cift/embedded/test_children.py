import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cift.embedded.children import DEATHS_MAX, Child, ChildGivenUp, ChildPlan
from cift.processes.workers import EXIT_LOST
from tests.support.venue import ROOT

SLEEPS = "import time; time.sleep(60)"


def child_of(folder: Path, code: str, *, vital: bool = True, pause_s: float = 0.0) -> Child:
    (folder / "manage.py").write_text(code)
    plan = ChildPlan("the child", ("argument",), vital=vital)
    return Child(plan, manage=folder / "manage.py", pause_s_min=pause_s, pause_s_max=pause_s)


async def running(child: Child, *, other_than: int | None = None) -> int:
    async with asyncio.timeout(5):
        while (pid := child.pid) is None or pid == other_than:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.005)
    return pid


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    child = child_of(tmp_path, SLEEPS)
    keeping = asyncio.create_task(child.keep())
    first = await running(child)
    os.kill(first, signal.SIGKILL)
    second = await running(child, other_than=first)
    await child.stop(patience_s=2)
    await keeping

    assert first != second
    assert child.pid is None


async def test_a_child_that_lost_what_it_works_on_is_not_started_again(tmp_path: Path) -> None:
    child = child_of(tmp_path, f"raise SystemExit({EXIT_LOST})")

    with pytest.raises(ChildGivenUp, match="the child cannot go on"):
        await child.keep()


async def test_a_child_with_a_standby_comes_back_after_it_lost_what_it_worked_on(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"open({str(runs)!r}, 'a').write('x'); raise SystemExit({EXIT_LOST})"
    (tmp_path / "manage.py").write_text(code)
    plan = ChildPlan("the child", has_standby=True)
    child = Child(plan, manage=tmp_path / "manage.py", pause_s_min=0.0, pause_s_max=0.0)
    keeping = asyncio.create_task(child.keep())
    async with asyncio.timeout(30):
        while not runs.exists() or len(runs.read_text()) < 2:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.01)
    await child.stop(patience_s=2)
    await keeping


async def test_another_program_is_run_in_its_environment_and_its_lines_go_where_they_are_wanted(tmp_path: Path) -> None:
    program = (sys.executable, "-c", "import os; print(os.environ['WORD'])")
    plan = ChildPlan("the child", program=program, environment={"WORD": "spoken"})

    assert await Child(plan, manage=tmp_path, output=asyncio.subprocess.PIPE).once() == (0, "spoken\n")


async def test_a_child_that_dies_over_and_over_is_given_up(tmp_path: Path) -> None:
    child = child_of(tmp_path, "raise SystemExit(9)")

    with pytest.raises(ChildGivenUp, match=r"the child ended 9 times in 60 s, last \(exit code 9\)"):
        await child.keep()


async def test_a_child_the_venue_can_do_without_is_started_again_for_as_long_as_it_takes(
    tmp_path: Path,
) -> None:
    child = child_of(tmp_path, f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); raise SystemExit(9)", vital=False)
    keeping = asyncio.create_task(child.keep())
    async with asyncio.timeout(30):
        while not (tmp_path / "runs").exists() or len((tmp_path / "runs").read_text()) < DEATHS_MAX + 3:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.01)
    await child.stop(patience_s=2)
    await keeping


async def test_a_child_that_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    code = (
        f"import pathlib, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path('deaf').touch(); {SLEEPS}"
    )
    child = child_of(tmp_path, code.replace("'deaf'", repr(str(tmp_path / "deaf"))))
    keeping = asyncio.create_task(child.keep())
    async with asyncio.timeout(5):
        while not (tmp_path / "deaf").exists():  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.005)
    await child.stop(patience_s=0.05)
    await keeping

    assert child.pid is None


async def test_a_child_waiting_to_be_started_again_can_be_stopped(
    tmp_path: Path,
) -> None:
    child = child_of(tmp_path, "raise SystemExit(9)", pause_s=60.0)
    keeping = asyncio.create_task(child.keep())
    await asyncio.sleep(0.2)
    await child.stop(patience_s=1)

    async with asyncio.timeout(2):
        await keeping


def test_another_program_ends_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib\n"
        "from cift.embedded.children import Child, ChildPlan\n"
        "child = Child(ChildPlan('the server', program=('sleep', '60')), manage=pathlib.Path())\n"
        "async def main():\n"
        "    keeping = asyncio.create_task(child.keep())\n"
        "    while child.pid is None: await asyncio.sleep(0.005)\n"
        "    print(child.pid, flush=True)\n"
        "    await keeping\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        server = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
        server.wait(timeout=5)
