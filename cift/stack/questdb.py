"""QuestDB of the stack: from its package for Java, on the loopback, with a password; another user may only read.

The package comes once, by Maven, into a folder of its own, and is used only if it is the one pinned here.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from cift.embedded.children import ChildPlan
from cift.settings.secrets import private_write
from cift.stack.parts import Part

HOST = "127.0.0.1"
VERSION = "9.3.4"
SHA256 = "939bc53ab22f93dbaa6545143a6e7c536d4904c07b7f2d381e8eef10436be062"
WRITER = "cift"
READER = "reader"
HEAP = "512m"

_FETCH_S_MAX = 600
_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>cift</groupId>
  <artifactId>questdb</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.questdb</groupId><artifactId>questdb</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""

# Its errors alone: by default each query is some lines.
_LOG = """writers=stdout
w.stdout.class=io.questdb.log.LogConsoleWriter
w.stdout.level=ERROR,CRITICAL
"""

# By default a thread that finds nothing to do asks again 10,000 times, most of them at once: with trades coming every
# second that was half a core. Here it naps for 1 ms soon, and after 0.2 s of it for 5 ms at a time.
_REST = {"yield.threshold": "10", "nap.threshold": "20", "sleep.threshold": "220", "sleep.timeout": "5"}
_WORKERS_REST = {
    f"{pool}.worker.{name}": value
    for pool in ("shared", "http", "pg", "wal.apply", "mat.view.refresh", "view.compiler", "export")
    for name, value in _REST.items()
    if (pool, name) != ("pg", "sleep.timeout")
}


class QuestDBMissingError(Exception):
    """QuestDB cannot be had on this machine; the text is the line the operator reads."""


def questdb_jar(cache: Path) -> Path:
    """Return where the package is, fetching it once.

    Raises:
        QuestDBMissingError: no Java, no Maven, it cannot be fetched, or it is not the one pinned.

    """
    jar = cache / f"questdb-{VERSION}" / f"questdb-{VERSION}.jar"
    if shutil.which("java") is None:
        raise QuestDBMissingError("Java is missing (Debian: openjdk-17-jre-headless)")
    if not jar.exists():
        _fetch(jar)
    if _sha256(jar) != SHA256:
        raise QuestDBMissingError(f"{jar} is not QuestDB {VERSION} as it was published; delete it to fetch it again")
    return jar


def _fetch(jar: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise QuestDBMissingError(f"Maven is missing (Debian: maven), and {jar} is not there yet")
    jar.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it is moved there whole.
    with TemporaryDirectory(dir=jar.parent) as folder:
        (Path(folder) / "pom.xml").write_text(_POM)
        command = [maven, "--batch-mode", "--quiet", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        try:
            done = subprocess.run(  # noqa: S603 - Maven, with our words
                command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_S_MAX, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise QuestDBMissingError(f"Maven did not fetch QuestDB within {_FETCH_S_MAX} s") from error
        found = Path(folder) / jar.name
        if done.returncode or not found.exists():
            said = (done.stdout + done.stderr).strip().splitlines()
            raise QuestDBMissingError(f"Maven cannot fetch QuestDB: {said[0] if said else done.returncode}")
        found.replace(jar)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def questdb_configuration(*, port: int, sql_port: int, passwords: Mapping[str, str]) -> str:
    """Write the server's configuration: what is not needed is off, and nothing is told to its makers."""
    settings = {
        "http.bind.to": f"{HOST}:{port}",
        "http.user": WRITER,
        "http.password": passwords["questdb"],
        "http.min.enabled": "false",
        "line.http.enabled": "true",
        # A table that is missing is an error: one made from rows would have no keys, and hold a trade twice.
        "line.auto.create.new.tables": "false",
        "line.auto.create.new.columns": "false",
        "line.tcp.enabled": "false",
        "line.udp.enabled": "false",
        "pg.net.bind.to": f"{HOST}:{sql_port}",
        "pg.user": WRITER,
        "pg.password": passwords["questdb"],
        "pg.readonly.user.enabled": "true",
        "pg.readonly.user": READER,
        "pg.readonly.password": passwords["questdb-reader"],
        # What a statement of the venue takes is milliseconds.
        "query.timeout": "10s",
        "shared.worker.count": "2",
        **_WORKERS_REST,
        "telemetry.enabled": "false",
        "metrics.enabled": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def questdb_program(folder: Path, jar: Path) -> tuple[str, ...]:
    """Name the command that runs the server on a folder."""
    return (
        shutil.which("java") or "java", f"-Xmx{HEAP}", "-XX:+UseSerialGC",
        "--module-path", str(jar), "--module", "io.questdb/io.questdb.ServerMain", "-d", str(folder),
    )  # fmt: skip


def questdb_prepare(folder: Path, *, port: int, sql_port: int, passwords: Mapping[str, str]) -> None:
    """Write the server's configuration (mode 0600) into its folder."""
    (folder / "conf").mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = questdb_configuration(port=port, sql_port=sql_port, passwords=passwords)
    for name, text in (("server.conf", configuration), ("log.conf", _LOG)):
        file = folder / "conf" / name
        file.unlink(missing_ok=True)
        private_write(file, text)


def questdb_part(folder: Path, *, cache: Path, port: int, sql_port: int, passwords: Mapping[str, str]) -> Part:
    """Fetch the package if it is not there, write the configuration, and plan the server.

    Raises:
        QuestDBMissingError: it cannot be had on this machine.

    """
    jar = questdb_jar(cache)
    data = folder / "questdb"
    questdb_prepare(data, port=port, sql_port=sql_port, passwords=passwords)
    plan = ChildPlan("questdb", program=questdb_program(data, jar), vital=False)

    async def ready() -> bool:
        return await questdb_answers(port=port, password=passwords["questdb"])

    return Part(plan, ready, f"{HOST}:{port}", f"QuestDB {VERSION}; SQL on {sql_port}")


async def questdb_answers(*, port: int, password: str) -> bool:
    """Return whether a query is answered; its start page and its health port say nothing of that."""
    async with httpx.AsyncClient(auth=(WRITER, password)) as client:
        try:
            answer = await client.get(f"http://{HOST}:{port}/exec", params={"query": "select 1"}, timeout=2.0)
        except httpx.HTTPError:
            return False
    return answer.status_code == httpx.codes.OK
