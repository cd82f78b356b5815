"""QuestDB of the stack: what it is configured to, and what is said where it cannot be had."""

from pathlib import Path

import httpx
import pytest

from cift.stack.questdb import VERSION, QuestDBMissingError, questdb_configuration, questdb_jar, questdb_prepare
from tests.support.questdb_server import PASSWORDS, QuestDBServer


def test_it_listens_on_the_loopback_with_passwords_and_makes_no_tables_from_rows(tmp_path: Path) -> None:
    text = questdb_configuration(port=1, sql_port=2, passwords=PASSWORDS)
    told = dict(line.split("=", 1) for line in text.splitlines())

    assert told["http.bind.to"] == "127.0.0.1:1"
    assert told["pg.net.bind.to"] == "127.0.0.1:2"
    assert told["line.auto.create.new.tables"] == "false"
    assert told["telemetry.enabled"] == told["line.tcp.enabled"] == told["http.min.enabled"] == "false"
    questdb_prepare(tmp_path, port=1, sql_port=2, passwords=PASSWORDS)
    assert (tmp_path / "conf" / "server.conf").stat().st_mode & 0o777 == 0o600


def test_a_stranger_s_query_is_refused(questdb_server: QuestDBServer) -> None:
    address = f"{questdb_server.url}/exec"

    assert httpx.get(address, params={"query": "select 1"}).status_code == 401
    assert httpx.get(address, params={"query": "select 1"}, auth=("cift", "guessed")).status_code == 401


def test_a_machine_without_java_or_maven_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    with pytest.raises(QuestDBMissingError, match="Java is missing"):
        questdb_jar(tmp_path)
    (programs / "java").write_text("#!/bin/sh\n")
    (programs / "java").chmod(0o755)
    with pytest.raises(QuestDBMissingError, match="Maven is missing"):
        questdb_jar(tmp_path)
    (programs / "mvn").write_text("#!/bin/sh\necho '[ERROR] no such repository'\nexit 1\n")
    (programs / "mvn").chmod(0o755)
    with pytest.raises(QuestDBMissingError, match="no such repository"):
        questdb_jar(tmp_path)


def test_a_package_that_is_not_the_one_published_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "java").write_text("#!/bin/sh\n")
    (programs / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    jar = tmp_path / f"questdb-{VERSION}" / f"questdb-{VERSION}.jar"
    jar.parent.mkdir()
    jar.write_bytes(b"something else")

    with pytest.raises(QuestDBMissingError, match="is not QuestDB"):
        questdb_jar(tmp_path)
