"""Requests made from the OpenAPI schema: every answer is one the schema names, and none is a fault of the venue.

All operations, all of schemathesis's checks. What no schema can say, and is therefore no failure, stands by operation
and with its reason in tests/support/openapi_hooks.py.

`pytest --fuzz-seconds=600 --fuzz-seed=7 tests/contract/test_openapi.py` looks longer, and elsewhere.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.schema import schema
from tests.support.venue import ROOT, Venue, manage, venue_open

PHASES = {"daphne": "coverage", "uvicorn": "fuzzing,stateful"}
"""Values at the bounds of what the schema says on the one server, random ones and chains of requests on the other."""

SECONDS_MIN = 12
SETTINGS = "tests.support.unlimited"
HOOKS = "tests.support.openapi_hooks"
PEERS = ("maker", "taker")
LOGINS = [{"email": f"{name}@example.com", "password": "a long passphrase 42"} for name in PEERS]
TOKEN = {
    "extractFrom": "body",
    "extractSelector": "/access",
    "sendIn": "header",
    "sendName": "Authorization",
    "sendTemplate": "Bearer {token}",
}
ENDPOINT = {"endpoint": "/api/v1/auth/token/", "verb": "POST", "contentType": "application/json", "token": TOKEN}


@pytest.fixture(params=PHASES)
def lenient_venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Venue]:
    """A venue that lets everybody try as often as they like, with two logins of its own for requests to spoil."""
    with venue_open(tmp_path / "var", WEB_SERVER=request.param, DJANGO_SETTINGS_MODULE=SETTINGS) as venue:
        for login in LOGINS:
            answer = httpx.post(f"http://127.0.0.1:{venue.port}/api/v1/auth/register/", json=login, timeout=60)
            assert answer.status_code == 201, answer.text
        yield venue


def configured(folder: Path) -> Path:
    """Write what the tool is told: whom to log in as, who must not see whose, and where the exceptions stand."""
    peers = [
        {"name": name, "loginEndpointAuth": {**ENDPOINT, "payloadRaw": json.dumps(login)}}
        for name, login in zip(PEERS, LOGINS, strict=True)
    ]
    (folder / "logins.json").write_text(json.dumps({"auth": peers}))
    file = folder / "schemathesis.toml"
    file.write_text(
        f'hooks = "{HOOKS}"\n[auth.wfc]\npath = "{folder / "logins.json"}"\npeers = {json.dumps(PEERS)}\n'
        "[cache]\nenabled = false\n"
    )
    return file


def test_requests_made_from_the_schema_are_answered_by_it(
    lenient_venue: Venue, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    seconds = max(SECONDS_MIN, int(pytestconfig.getoption("--fuzz-seconds")))
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(configured(tmp_path)),
        "run", f"http://127.0.0.1:{lenient_venue.port}/api/schema/", "--checks", "all",
        "--phases", PHASES[lenient_venue.environment["WEB_SERVER"]],
        "-n", "5" if seconds == SECONDS_MIN else "100", "--max-time", str(seconds), "--continue-on-failure",
        "--generation-database", "none", "--seed", str(pytestconfig.getoption("--fuzz-seed")),
        "--no-color", "--warnings", "off",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CIFT_TEST_LOGINS": json.dumps(LOGINS)}
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds + 300, cwd=tmp_path, env=environment
    )

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr[-2_000:]
    operations = sum(len(methods) for methods in schema()["paths"].values())
    assert f"Selected: {operations}/{operations}" in run.stdout
    assert "Traceback" not in lenient_venue.output
    assert manage(lenient_venue, "audit").startswith("clean")
