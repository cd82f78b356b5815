"""The page of configuration is what the code reads, each variable declared once and read where it says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cift.configuration import VARIABLES, configuration_page
from cift.env import Variable
from cift.settings import variables

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ROOT / "cift" / "settings"
PAGE = ROOT / "docs" / "reference" / "configuration.md"

# What the production settings need to be importable.
REQUIRED = {
    "CIFT_SECRET_KEY": "k" * 50,
    "CIFT_TOKENS_KEY": "k" * 50,
    "CIFT_IDS_KEY": "00" * 16,
    "CIFT_ALLOWED_HOSTS": "venue.example",
    "CIFT_DATABASE_PASSWORD": "secret",
}


def readers(name: str) -> set[str]:
    """Name the settings that read a variable."""
    attribute = next(key for key, value in vars(variables).items() if getattr(value, "name", None) == name)
    pattern = re.compile(rf"\bvariables\.{attribute}\.(read|given)\(")
    return {file.stem for file in SETTINGS.glob("*.py") if pattern.search(file.read_text())}


def test_the_page_is_made_of_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == configuration_page(), (
        "write it anew: manage.py configuration > docs/reference/configuration.md"
    )


def test_each_variable_is_declared_once() -> None:
    names = [variable.name for variable in VARIABLES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_each_variable_is_read_in_the_topologies_the_page_says(variable: Variable[Any]) -> None:
    found = readers(variable.name)
    shared = bool(found - {"embedded", "production"})

    assert found, "declared, and read nowhere"
    assert shared or ("embedded" in found) == variable.embedded
    assert shared or ("production" in found) == variable.production


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_a_variable_without_a_default_says_what_happens_without_it_or_is_required(variable: Variable[Any]) -> None:
    required = variable.default is None and not variable.unset

    assert required == (variable.name in REQUIRED)


@pytest.mark.parametrize("topology", ["embedded", "production"])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "0", "PORT must be a whole number from 1 to 65535, not '0'"),
        ("WEB_SERVER", "apache", "WEB_SERVER must be one of daphne, uvicorn, not 'apache'"),
        ("CIFT_TRUSTED_PROXIES", "proxy", "CIFT_TRUSTED_PROXIES must be IP addresses and networks"),
        ("CIFT_TLS_KEY", "/none", "CIFT_TLS_KEY names no file: /none"),
    ],
)
def test_a_bad_value_ends_the_start_with_one_line(
    tmp_path: Path, topology: str, name: str, value: str, told: str
) -> None:
    environment = {**REQUIRED, "CIFT_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": f"cift.settings.{topology}"}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**environment, name: value},
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith(told)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_production_does_not_start_without_what_is_required(tmp_path: Path, name: str) -> None:
    environment = {**REQUIRED, "CIFT_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "cift.settings.production"}
    del environment[name]
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, check=False, capture_output=True, text=True, env=environment
    )

    assert (ended.returncode, ended.stderr) == (1, f"{name} must be set\n")
