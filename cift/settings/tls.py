"""TLS by the web server itself; docs/how-to/tls.md says when, and how a proxy does it instead."""

from pathlib import Path
from typing import TypedDict

from cift.env import EnvironmentVariableError
from cift.settings import variables


class TlsSettings(TypedDict):
    """Where the certificate (with its chain) and its key are, both PEM."""

    certificate: Path
    key: Path


def tls_settings() -> TlsSettings | None:
    """Read where certificate and key are; None: plain HTTP.

    Raises:
        EnvironmentVariableError: one is given without the other, or is no file.

    """
    certificate, key = variables.TLS_CERTIFICATE.given(), variables.TLS_KEY.given()
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise EnvironmentVariableError("CIFT_TLS_CERTIFICATE and CIFT_TLS_KEY go together")
    return {"certificate": certificate, "key": key}
