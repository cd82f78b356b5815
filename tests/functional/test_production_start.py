"""Whatever serves in production refuses to start with settings by which strangers would come in, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.venue import ROOT, free_port

WEAK = {
    "CIFT_SECRET_KEY": "short",
    "CIFT_TOKENS_KEY": "ab" * 32,
    "CIFT_IDS_KEY": "00" * 16,
    "CIFT_ALLOWED_HOSTS": "venue.example,*",
}
NAMED = (
    "SECRET_KEY has fewer",
    "TOKENS_KEY repeats",
    "MATCHING['IDS_KEY'] repeats",
    "ALLOWED_HOSTS takes any host",
)
SERVERS = {
    "venue": ("manage.py", "venue"),
    "embedded_web": ("manage.py", "embedded_web", "--listener=0"),
    "run_matching": ("manage.py", "run_matching"),
    "run_projector": ("manage.py", "run_projector"),
    "uvicorn": ("-m", "uvicorn", "--lifespan", "off", "--port", "PORT", "cift.asgi:application"),
    "daphne": ("-m", "daphne", "-p", "PORT", "cift.asgi:application"),
}


def started(arguments: tuple[str, ...], folder: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *(str(free_port()) if part == "PORT" else part for part in arguments)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "cift.settings.production",
            "CIFT_DATA_DIR": str(folder),
            "CIFT_DATABASE_PASSWORD": "x",
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Start all of them, two at a time; give how each ended and what it said."""
    folder, ended = tmp_path_factory.mktemp("data"), {}
    names = list(SERVERS)
    for some in (names[at : at + 2] for at in range(0, len(names), 2)):
        running = {name: started(SERVERS[name], folder, **WEAK) for name in some}
        for name, process in running.items():
            _, said = process.communicate(timeout=60)
            ended[name] = (process.returncode, said)
    return ended


@pytest.mark.parametrize("server", SERVERS)
def test_what_serves_does_not_start_with_unsafe_settings_and_names_each(
    refused: dict[str, tuple[int, str]], server: str
) -> None:
    code, said = refused[server]

    assert code == 1, said
    assert len(said.strip().splitlines()) == 1, said
    assert said.startswith("the venue is not started")
    assert all(name in said for name in NAMED), said


def test_the_check_of_a_deployment_still_names_each(tmp_path: Path) -> None:
    process = started(("manage.py", "check", "--deploy", "--tag", "exposure"), tmp_path, **WEAK)

    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert all(name in said for name in NAMED), said
