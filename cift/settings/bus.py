"""The buses, in the shape of Django's CACHES."""

from pathlib import Path
from typing import Any

from cift.settings import variables
from cift.settings.journal import STREAMS
from cift.settings.tls import certificate_pair


def local_buses(folder: Path) -> dict[str, dict[str, Any]]:
    """One bus inside the web process, with a Unix socket in the data folder for all others."""
    return {
        "default": {
            "BACKEND": "cift.bus.local.LocalBus",
            "OPTIONS": {"socket": folder / "bus.sock"},
        },
    }


def production_buses(folder: Path) -> dict[str, dict[str, Any]]:
    """NATS where its servers are named, else the local bus.

    Raises:
        EnvironmentVariableError: a certificate is given without its key, or the other way round.

    """
    servers = variables.NATS_SERVERS.given()
    if not servers:
        return local_buses(folder)
    options: dict[str, Any] = {"servers": list(servers)}
    user, ca = variables.NATS_USER.given(), variables.NATS_CA.given()
    if user is not None:
        options |= {"user": user, "password": variables.NATS_PASSWORD.given()}
    own = certificate_pair(variables.NATS_CERTIFICATE.given(), variables.NATS_KEY.given(), named="CIFT_NATS")
    if ca is not None or own is not None:
        options["tls"] = {**({"ca": ca} if ca is not None else {}), **(own or {})}
    return {"default": {"BACKEND": "cift.bus.nats.NatsBus", "OPTIONS": options}}


def production_streams() -> dict[str, dict[str, Any]]:
    """The streams of NATS where its servers are named."""
    if not variables.NATS_SERVERS.given():
        return STREAMS
    options = {"bus": "default", "replicas": variables.NATS_REPLICAS.read(production=True)}
    return {"default": {"BACKEND": "cift.bus.streams.Streams", "OPTIONS": options}}
