"""A venue that speaks TLS with a certificate of its own making."""

import json
import re
import shlex
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificate
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.venue import ROOT, Venue


@pytest.mark.parametrize("web_server", ["daphne", "uvicorn"])
def test_a_venue_with_a_certificate_speaks_tls_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web_server: str
) -> None:
    authority = trustme.CA()
    issued = authority.create_child_ca().issue_cert("localhost")
    key, chain = tmp_path / "venue.key", tmp_path / "venue.pem"
    issued.private_key_pem.write_to_path(key)
    for link in issued.cert_chain_pems:
        link.write_to_path(chain, append=True)
    monkeypatch.setenv("CIFT_TLS_CERTIFICATE", str(chain))
    monkeypatch.setenv("CIFT_TLS_KEY", str(key))
    monkeypatch.setenv("CIFT_HSTS_SECONDS", "60")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    venue = Venue(tmp_path / "var", environment={"WEB_SERVER": web_server}).start()
    try:
        venue.wait_open()
        with httpx.Client(base_url=f"https://localhost:{venue.port}", verify=trusting, timeout=30) as client:
            page = client.get("/api/login/login/")
            login = {"email": "demo@cift.localhost", "password": venue.logins()["demo@cift.localhost"]}
            access = client.post("/api/v1/auth/token/", json=login).json()["access"]
        headers = {"Authorization": f"Bearer {access}"}
        url, own = f"wss://localhost:{venue.port}/ws/v1/", Origin(f"https://localhost:{venue.port}")
        with connect(url, ssl=trusting, origin=own, additional_headers=headers) as socket:
            socket.send(json.dumps({"id": 1, "op": "ping"}))
            answer = json.loads(socket.recv(timeout=10))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://localhost:{venue.port}/health", timeout=10)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://localhost:{venue.port}/health", timeout=10)
    finally:
        code = venue.end()

    assert f"address      https://127.0.0.1:{venue.port}" in venue.output
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=60"
    assert "Secure" in page.headers["Set-Cookie"]
    assert answer["ok"]
    assert code == 0


def test_the_command_of_the_page_makes_a_certificate_that_is_taken(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "tls.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(openssl req .+)$", page, re.MULTILINE)
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)

    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "venue.pem", tmp_path / "venue.key")
    (name,) = (
        load_pem_x509_certificate((tmp_path / "venue.pem").read_bytes())
        .extensions.get_extension_for_class(SubjectAlternativeName)
        .value.get_values_for_type(DNSName)
    )
    assert name == "localhost"


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"CIFT_TLS_CERTIFICATE": "/dev/null/x"}, "CIFT_TLS_CERTIFICATE names no file: /dev/null/x\n"),
        ({"CIFT_TLS_KEY": __file__}, "CIFT_TLS_CERTIFICATE and CIFT_TLS_KEY go together\n"),
    ],
)
def test_a_certificate_that_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], line: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    venue = Venue(tmp_path / "var").start()

    assert venue.wait_end() == 1
    assert venue.output == line
