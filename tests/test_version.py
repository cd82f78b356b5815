"""One version: `cift.__version__`; wherever else it stands it is the same."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from apps.gateways.socket.schema import document
from cift import __version__
from tests.support.watching import watched

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_schemas_of_rest_and_of_the_socket_name_it() -> None:
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == __version__
    assert document()["info"]["version"] == __version__


def test_the_rust_crates_and_the_python_binding_have_it() -> None:
    workspace = tomllib.loads(read("matching_rs/Cargo.toml"))
    binding = tomllib.loads(read("matching_rs/py/pyproject.toml"))
    locked = {
        package["name"]: package["version"] for package in tomllib.loads(read("matching_rs/Cargo.lock"))["package"]
    }

    assert workspace["workspace"]["package"]["version"] == __version__
    assert binding["project"]["version"] == __version__
    assert {version for name, version in locked.items() if name.startswith("cift-")} == {__version__}


def test_the_changelog_has_a_section_for_it() -> None:
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", read("CHANGELOG.md"), re.MULTILINE)

    assert released[0] == __version__


@pytest.mark.usefixtures("sqlite")
async def test_the_ready_page_tells_it() -> None:
    response = await watched("/ready")

    assert json.loads(response.content)["version"] == __version__


@pytest.mark.parametrize("words", [["--version"], ["version"], ["venue", "--version"]])
def test_the_command_line_tells_it(words: list[str]) -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", *words, *(["--settings", "cift.settings.test"] if words[0] == "venue" else [])],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert told == f"{__version__}\n"
