"""The venue's own processes in the stack, under production settings."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from cift.bus.nats import NatsBus
from cift.embedded.children import ChildPlan
from cift.stack.parts import Part, Ready
from cift.stack.questdb import READER, WRITER
from cift.stack.valkey import valkey_url
from cift.wire.subjects import status_subject

HOST = "127.0.0.1"
WEB_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the stack's servers listen, all on the loopback."""

    web: int = 8443
    nats: int = 4222
    postgres: int = 5432
    valkey: int = 6379
    questdb: int = 9000
    questdb_sql: int = 8812


def venue_environment(
    folder: Path, *, ports: Ports, secrets: Mapping[str, str], tls: Mapping[str, Path]
) -> dict[str, str]:
    """Make what production settings read; a process adds its role on the bus."""
    return {
        "DJANGO_SETTINGS_MODULE": "cift.settings.production",
        "CIFT_DATA_DIR": str(folder),
        "HOST": HOST,
        "PORT": str(ports.web),
        "CIFT_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "CIFT_PUBLIC_ADDRESS": f"https://localhost:{ports.web}",
        "CIFT_TLS_CERTIFICATE": str(tls["certificate"]),
        "CIFT_TLS_KEY": str(tls["key"]),
        "CIFT_HSTS_SECONDS": "0",
        "CIFT_WEB_PROCESSES": str(WEB_PROCESSES),
        "CIFT_SECRET_KEY": secrets["django"],
        "CIFT_TOKENS_KEY": secrets["tokens"],
        "CIFT_IDS_KEY": secrets["ids"],
        "CIFT_DATABASE_HOST": HOST,
        "CIFT_DATABASE_PORT": str(ports.postgres),
        "CIFT_DATABASE_PASSWORD": secrets["database"],
        "CIFT_NATS_SERVERS": f"nats://{HOST}:{ports.nats}",
        "CIFT_DRAGONFLY_URL": valkey_url(port=ports.valkey, password=secrets["valkey"]),
    }


def questdb_environment(*, ports: Ports, secrets: Mapping[str, str], writes: bool) -> dict[str, str]:
    """Make what a process needs to read trades and candles in QuestDB, or to ship them there."""
    return {
        "CIFT_QUESTDB_URL": f"http://{HOST}:{ports.questdb}",
        "CIFT_QUESTDB_SQL_PORT": str(ports.questdb_sql),
        "CIFT_QUESTDB_USER": WRITER if writes else READER,
        "CIFT_QUESTDB_PASSWORD": secrets["questdb" if writes else "questdb-reader"],
    }


def worker_parts(
    environment: Mapping[str, str], *, ports: Ports, secrets: Mapping[str, str], lifeline: int
) -> list[Part]:
    """Plan a worker, and what sends it the scheduled tasks."""
    given = {**environment, **role_environment("worker", secrets)}
    if "CIFT_QUESTDB_URL" in environment:
        given |= questdb_environment(ports=ports, secrets=secrets, writes=True)

    def plan(name: str, command: str) -> ChildPlan:
        return ChildPlan(name, (command, f"--lifeline={lifeline}"), (lifeline,), vital=False, environment=given)

    async def at_once() -> bool:
        return True

    return [
        Part(plan("worker", "run_worker"), at_once, "", "Celery worker"),
        Part(plan("beat", "run_beat"), at_once, "", "sends what is scheduled"),
    ]


def role_environment(role: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """Make what a process needs to be of a role on the bus."""
    return {"CIFT_NATS_USER": role, "CIFT_NATS_PASSWORD": secrets[f"nats-{role}"]}


def venue_parts(
    environment: Mapping[str, str], *, ports: Ports, secrets: Mapping[str, str], tls: Mapping[str, Path], lifeline: int
) -> list[Part]:
    """Plan the order service and its standby, projector with verifier, publisher, and the web processes."""

    def plan(name: str, role: str, *arguments: str, vital: bool = True) -> ChildPlan:
        return ChildPlan(
            name,
            (*arguments, f"--lifeline={lifeline}"),
            (lifeline,),
            vital=vital,
            has_standby=role == "matching",
            environment={**environment, **role_environment(role, secrets)},
        )

    async def at_once() -> bool:
        return True

    matching = _order_service_ready(ports, secrets)
    web = _web_ready(ports, tls["authority"])
    address = f"https://localhost:{ports.web}"
    shared = ("run_web", "--reuse-port")
    return [
        Part(plan("matching", "matching", "run_matching", "--stand-by"), matching, "on the bus", "order service"),
        Part(plan("standby", "matching", "run_matching", "--stand-by"), at_once, "on the bus", "takes over from it"),
        Part(plan("projector", "projector", "run_projector"), at_once, "", "projector and verifier"),
        Part(plan("publisher", "publisher", "run_publisher", vital=False), at_once, "", "the journal into streams"),
        *(Part(plan(f"web-{n}", "web", *shared), web, address, "REST, sockets, pages") for n in (1, WEB_PROCESSES)),
    ]


def _order_service_ready(ports: Ports, secrets: Mapping[str, str]) -> Ready:
    async def ready() -> bool:
        bus = NatsBus(servers=[f"nats://{HOST}:{ports.nats}"], user="web", password=secrets["nats-web"])
        try:
            answer = await bus.request(status_subject(0), b"", timeout_s=1.0)
        except Exception:  # noqa: BLE001 - whatever it is, it is not ready
            return False
        finally:
            await bus.close()
        return b"ready" in answer

    return ready


def _web_ready(ports: Ports, authority: Path) -> Ready:
    context = ssl.create_default_context(cafile=authority)

    async def ready() -> bool:
        async with httpx.AsyncClient(verify=context) as client:
            try:
                answer = await client.get(f"https://localhost:{ports.web}/health", timeout=2.0)
            except httpx.HTTPError:
                return False
        return answer.status_code == httpx.codes.OK

    return ready
