"""A QuestDB server of this test run, from the stack's own package and configuration."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from apps.marketdata.ticks.questdb import QuestDBTickStore
from apps.marketdata.ticks.questdb_link import QuestDBLink
from apps.marketdata.ticks.questdb_tables import PLACES, TICKS, VIEWS
from apps.marketdata.ticks.questdb_writing import TickWriter
from cift.stack.questdb import (
    READER,
    WRITER,
    QuestDBMissingError,
    questdb_answers,
    questdb_jar,
    questdb_prepare,
    questdb_program,
)
from tests.support.servers import Server, server_running
from tests.support.venue import ROOT, free_port

_missing = pytest.StashKey[list[str]]()

PASSWORDS = {"questdb": "writer;s", "questdb-reader": "reader-s"}


@dataclass
class QuestDBServer(Server):
    """One server; `content` is what a test has filled it with, if it says so: one that wants the same need not."""

    READY_S_MAX: ClassVar[float] = 60.0

    sql_port: int = field(default_factory=free_port)
    content: str = ""

    def words(self) -> Sequence[str]:
        jar = questdb_jar(ROOT / "var")
        questdb_prepare(self.folder, port=self.port, sql_port=self.sql_port, passwords=PASSWORDS)
        return questdb_program(self.folder, jar)

    def answers(self) -> bool:
        return asyncio.run(questdb_answers(port=self.port, password=PASSWORDS["questdb"]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def options(self, *, user: str = WRITER) -> dict[str, Any]:
        """What a store or a writer is made with."""
        password = PASSWORDS["questdb" if user == WRITER else "questdb-reader"]
        return {"url": self.url, "sql_port": self.sql_port, "user": user, "password": password}

    def link(self, *, user: str = WRITER) -> QuestDBLink:
        options = self.options(user=user)
        return QuestDBLink(host="127.0.0.1", port=self.sql_port, user=user, password=options["password"])

    def store(self) -> QuestDBTickStore:
        return QuestDBTickStore(**self.options(user=READER))

    def emptied(self) -> TickWriter:
        """Drop all tables and make them anew."""
        link = self.link()
        for name in reversed(list(VIEWS.values())):
            link.run(f"DROP MATERIALIZED VIEW IF EXISTS {name}")
        for name in (TICKS, PLACES):
            link.run(f"DROP TABLE IF EXISTS {name}")
        link.close()
        writer = TickWriter(**self.options())
        writer.tables_ensure()
        self.content = ""
        return writer


@pytest.fixture(scope="session")
def questdb_package() -> Path:
    """The package QuestDB runs from; a test that starts a server of its own asks for it, so that it is known to."""
    return questdb_jar(ROOT / "var")


@pytest.fixture(scope="session")
def questdb_server(questdb_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestDBServer]:
    """One server for all tests that leave it running."""
    with server_running(QuestDBServer(tmp_path_factory.mktemp("questdb"))) as server:
        yield server


def _wants_it(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return "questdb_package" in getattr(item, "fixturenames", ()) or (
        call is not None and "questdb" in call.params.values()
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs QuestDB where the machine cannot have it, but not where that was promised."""
    wanting = [item for item in items if _wants_it(item)]
    if not wanting or os.environ.get("CI"):
        return
    try:
        questdb_jar(ROOT / "var")
    except QuestDBMissingError as error:
        config.stash[_missing] = [str(error), *(item.nodeid for item in wanting)]
        config.hook.pytest_deselected(items=wanting)
        items[:] = [item for item in items if item not in wanting]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_missing, [])
    if lines:
        terminalreporter.section("NOT TESTED WITH QUESTDB", sep="!", red=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, red=True)
