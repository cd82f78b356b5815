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
    return certificate_pair(variables.TLS_CERTIFICATE.given(), variables.TLS_KEY.given(), named="CIFT_TLS")


def certificate_pair(certificate: Path | None, key: Path | None, *, named: str) -> TlsSettings | None:
    """Join a certificate and its key, of variables whose names begin with `named`; None: neither is given.

    Raises:
        EnvironmentVariableError: one is given without the other.

    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise EnvironmentVariableError(f"{named}_CERTIFICATE and {named}_KEY go together")
    return {"certificate": certificate, "key": key}
