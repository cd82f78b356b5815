"""A child process that is started again when it dies, with a growing pause, until it has died too often."""

import asyncio
import logging
import shutil
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cift import env
from cift.processes.workers import EXIT_LOST

PAUSE_S_MIN = 0.25
PAUSE_S_MAX = 4.0
DEATHS_MAX = 8
DEATHS_WINDOW_S = 60.0
"""More deaths than that within this window, and the child is given up."""

_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # The C library gives each thread an arena and raises by itself what it keeps: of a process that runs for weeks both
    # only ever grow. Two arenas do, as most threads wait for the interpreter; what is large goes back when it is freed.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}

logger = logging.getLogger(__name__)


class ChildGivenUp(Exception):
    """A child cannot be kept alive; the text is the line the operator reads."""


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A command of manage.py, or another program, to be kept running; `descriptors` are handed down open.

    `vital`: the venue cannot go on without it, so it is given up when it dies over and over; another is started again
    for as long as it takes. `has_standby`: another takes over what it lost, and it is started again as that one's
    standby. `user`: run as this one. `stop_signal`: what asks it to end.
    """

    name: str
    arguments: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    vital: bool = True
    has_standby: bool = False
    program: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "SIGTERM"


class Child:
    """One process kept alive."""

    def __init__(
        self,
        plan: ChildPlan,
        *,
        manage: Path,
        pause_s_min: float = PAUSE_S_MIN,
        pause_s_max: float = PAUSE_S_MAX,
        output: int | None = None,
    ) -> None:
        """Take the plan, where manage.py is, and the shortest and longest pause before it is started again.

        `output`: the descriptor its lines go to; None: where this process's go.
        """
        self.plan = plan
        self._output = output
        self._pause_s_min, self._pause_s_max = pause_s_min, pause_s_max
        self._manage = manage
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._deaths: deque[float] = deque(maxlen=DEATHS_MAX)

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def keep(self) -> None:
        """Run the child until `stop`.

        Raises:
            ChildGivenUp: it lost what it works on, or dies over and over.

        """
        loop = asyncio.get_running_loop()
        pause_s = self._pause_s_min
        while not self._stopping.is_set():
            began = loop.time()
            self._process = await self._start()
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            if code == EXIT_LOST and not self.plan.has_standby:
                raise ChildGivenUp(f"{self.plan.name} cannot go on; its last line says why")
            if loop.time() - began > DEATHS_WINDOW_S:
                pause_s = self._pause_s_min
            self._count_death(loop.time(), code)
            logger.warning("%s ended (%s); restarting it", self.plan.name, _reason(code))
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, self._pause_s_max)

    async def once(self) -> tuple[int, str]:
        """Run it to its end, instead of keeping it; return its exit code and, where its output is a pipe, its lines."""
        self._process = await self._start()
        said, _ = await self._process.communicate()
        return await self._process.wait(), (said or b"").decode(errors="replace")

    async def _start(self) -> asyncio.subprocess.Process:
        # Of its own session: Ctrl-C reaches the supervisor alone, which ends its children in order.
        return await asyncio.create_subprocess_exec(
            *self._command(),
            env=env.child_environment(**_ENVIRONMENT, **self.plan.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._output,
            stderr=asyncio.subprocess.STDOUT if self._output is not None else None,
            pass_fds=self.plan.descriptors,
            start_new_session=True,
            user=self.plan.user,
        )

    def _command(self) -> tuple[str, ...]:
        """Return what is run: the venue's own processes end by their lifeline, another program by the system's word."""
        plan = self.plan
        if not plan.program:
            return (sys.executable, str(self._manage), *plan.arguments)
        setpriv = shutil.which("setpriv")
        # Only Linux has it. Elsewhere a server outlives a supervisor that was killed.
        return (
            *((setpriv, "--pdeathsig", plan.stop_signal.removeprefix("SIG"), "--") if setpriv else ()),
            *plan.program,
        )

    def _count_death(self, now: float, code: int) -> None:
        often = len(self._deaths) == DEATHS_MAX and now - self._deaths[0] < DEATHS_WINDOW_S
        self._deaths.append(now)
        if often and self.plan.vital:
            raise ChildGivenUp(
                f"{self.plan.name} ended {DEATHS_MAX + 1} times in {DEATHS_WINDOW_S:.0f} s, last ({_reason(code)})"
            )

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def stop(self, *, patience_s: float) -> None:
        """Ask the child to end, and end it when it does not."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.Signals[self.plan.stop_signal])
        try:
            async with asyncio.timeout(patience_s):
                await process.wait()
        except TimeoutError:
            logger.warning("%s did not end within %s s and is killed", self.plan.name, patience_s)
            process.kill()
            await process.wait()

    def kill(self) -> None:
        """End the child at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


def _reason(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
