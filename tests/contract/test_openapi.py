"""Requests made from the OpenAPI schema: every answer is one the schema names, and none is a fault of the venue."""

import subprocess
import sys

import pytest

from tests.support.traders import Trader
from tests.support.venue import Venue, manage

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,missing_required_header,ignored_auth,use_after_free,ensure_resource_availability"
)
"""All that a schema can say. Left out are those that take what the schema cannot exclude (a cursor, a token, a deadline
that has passed) for valid, and an unusable X-Request-Id, which is replaced, for accepted."""

LEFT_OUT = r"/auth/|/book/$|/ticker/$"
"""Logins are limited for each address; levels are tuples of 2020-12, which the tool reads as an older draft's."""


def test_requests_made_from_the_schema_are_answered_by_it(
    running_venue: Venue, traders: tuple[Trader, Trader], pytestconfig: pytest.Config
) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{running_venue.port}/api/schema/",
        "-H", f"Authorization: Bearer {traders[0].token}", "--exclude-path-regex", LEFT_OUT, "--checks", CHECKS,
        "--phases", "coverage,fuzzing", "-n", "5", "--max-time", "15", "--continue-on-failure", "--no-color",
        "--seed", str(pytestconfig.getoption("--fuzz-seed")), "--warnings", "off",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr[-2_000:]
    assert "generated" in run.stdout
    traders[0].clear()
    assert manage(running_venue, "audit").startswith("clean")
