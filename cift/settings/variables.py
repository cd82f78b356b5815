"""Every variable of the environment: its name, what it may be, its default, and what it does.

Settings read the environment through these declarations alone, and `manage.py configuration` makes
`docs/reference/configuration.md` from them.
"""

from pathlib import Path

from cift.env import Choice, File, Folder, Integer, Key, Names, Networks, Text

BASE_DIR = Path(__file__).resolve().parent.parent.parent

_SERVER = "Server"
_SIMULATION = "Simulated market"
_HISTORY = "History"
_SUPERVISION = "Supervision"
_LIMITS = "Rate limits"
_NETWORK = "TLS and proxies"
_SECRETS = "Secrets"
_DATABASE = "Database"
_BUS = "Bus"
_STORES = "Stores"
_MAIL = "Mail"

_PORT_MAX = 65_535
_YEAR_S = 365 * 24 * 60 * 60

HOST = Text(
    name="HOST",
    section=_SERVER,
    meaning="The address the venue listens on. On the loopback only its own names are answered.",
    default="127.0.0.1",
    production_default="0.0.0.0",  # noqa: S104 - the container's own network
)
PORT = Integer(
    name="PORT", section=_SERVER, meaning="The port the venue listens on.", default=8_000, least=1, most=_PORT_MAX
)
WEB_SERVER = Choice(
    name="WEB_SERVER",
    section=_SERVER,
    meaning="The web server. Both serve the same and are held to the same suite.",
    default="daphne",
    production_default="uvicorn",
    among=("daphne", "uvicorn"),
)
ALLOWED_HOSTS = Names(
    name="CIFT_ALLOWED_HOSTS",
    section=_SERVER,
    meaning="The host names the venue answers to. The first is also used in the links and the sender of mails.",
    embedded=False,
)
DATA_DIR = Folder(
    name="CIFT_DATA_DIR",
    section=_SERVER,
    meaning="The data folder. Embedded: databases, secrets and logins.",
    default=BASE_DIR / "var",
    production_default=Path("/var/lib/cift"),
)
DISK_FREE_PERCENT = Integer(
    name="CIFT_DISK_FREE_PERCENT",
    section=_SERVER,
    meaning="With less than this share free of the filesystem the data folder is on, the check `disk` of `/ready` is "
    "`degraded`.",
    default=10,
    least=0,
    most=99,
)
DISK_FREE_MIB = Integer(
    name="CIFT_DISK_FREE_MIB",
    section=_SERVER,
    meaning="With less MiB free, `disk` is `down`: the order service needs room for the journal's next minutes, a "
    "snapshot, and what databases write before they can free anything.",
    default=512,
    least=1,
    most=2**30,
)
BODY_SECONDS = Integer(
    name="CIFT_BODY_SECONDS",
    section=_SERVER,
    meaning="How many seconds the body of a request may take to arrive before it is answered 408.",
    default=10,
    least=1,
    most=600,
)
SOCKET_PING_SECONDS = Integer(
    name="CIFT_SOCKET_PING_SECONDS",
    section=_SERVER,
    meaning="Seconds between pings of a socket, and how long the answer may take before the socket is closed.",
    default=10,
    least=1,
    most=60,
)
HEAD_SECONDS = Integer(
    name="CIFT_HEAD_SECONDS",
    section=_SERVER,
    meaning="How many seconds the head of a request may take to arrive, from the connection or its first byte on, "
    "before the connection ends (408 where it has begun); a TLS handshake too.",
    default=10,
    least=1,
    most=600,
)
IDLE_SECONDS = Integer(
    name="CIFT_IDLE_SECONDS",
    section=_SERVER,
    meaning="How many seconds a connection stays open without a request, an answer may lie unread, and a socket may "
    "have neither a login nor a subscription.",
    default=60,
    least=1,
    most=3_600,
)

SIMULATION = Integer(
    name="SIMULATION",
    section=_SIMULATION,
    meaning="`1`: agents make a market; `0`: books are empty until somebody quotes.",
    default=1,
    production_default=0,
    least=0,
    most=1,
)
SIMULATION_RATE = Integer(
    name="SIMULATION_RATE",
    section=_SIMULATION,
    meaning="About how many commands (orders, amends, cancels) all agents together send per second.",
    default=100,
    least=5,
    most=1_000,
)
SIMULATION_SEED = Integer(
    name="SIMULATION_SEED",
    section=_SIMULATION,
    meaning="The seed of fair values and arrivals.",
    unset="a new one at each start, shown on the console",
    least=0,
    most=2**63 - 1,
)
SIMULATION_KEEP_HOURS = Integer(
    name="SIMULATION_KEEP_HOURS",
    section=_SIMULATION,
    meaning="How many hours the tables keep ended orders, fills and ledger entries of simulated accounts. "
    "The journal keeps everything.",
    default=6,
    least=1,
    most=8_760,
)

SECOND_CANDLES_KEEP_HOURS = Integer(
    name="CIFT_SECOND_CANDLES_KEEP_HOURS",
    section=_HISTORY,
    meaning="How many hours candles shorter than a minute are kept: at most 3,840 rows per instrument and hour.",
    default=24,
    least=1,
    most=8_760,
)
MINUTE_CANDLES_KEEP_DAYS = Integer(
    name="CIFT_MINUTE_CANDLES_KEEP_DAYS",
    section=_HISTORY,
    meaning="How many days candles of a minute and of five are kept: at most 1,440 rows per instrument and day. Longer "
    "candles are always kept: at most 102 rows per instrument and day.",
    default=365,
    least=2,
    most=36_500,
)

SILENT_SECONDS = Integer(
    name="CIFT_SILENT_SECONDS",
    section=_SUPERVISION,
    meaning="How many seconds the web process may answer nothing before it is killed and started again.",
    default=30,
    least=1,
    most=3_600,
    production=False,
)
STANDSTILL_SECONDS = Integer(
    name="CIFT_STANDSTILL_SECONDS",
    section=_SUPERVISION,
    meaning="How many seconds the projector or the verifier may have batches to read and make no progress before its "
    "process is killed and started again.",
    default=60,
    least=10,
    most=3_600,
    production=False,
)

RATE_LIMITS = Names(
    name="CIFT_RATE_LIMITS",
    section=_LIMITS,
    meaning="Changes to the [rate limits](limits.md), each `NAME=REQUESTS/SECONDS`, as in "
    "`orders-account=100/1,auth-address=30/60`.",
    unset="the limits of the topology",
)
CONNECTIONS = Integer(
    name="CIFT_CONNECTIONS",
    section=_LIMITS,
    meaning="How many connections a web process has at most, fewer where the system allows it too few file "
    "descriptors; one more is answered 503.",
    default=8_000,
    least=1,
    most=1_000_000,
)
CONNECTIONS_PER_ADDRESS = Integer(
    name="CIFT_CONNECTIONS_PER_ADDRESS",
    section=_LIMITS,
    meaning="How many connections, and how many sockets, a web process has of one address at most; one more is "
    "answered 429. Connections of a trusted proxy are not counted, the sockets behind it by their own address.",
    default=1_000,
    least=1,
    most=1_000_000,
)
SOCKETS_ANONYMOUS = Integer(
    name="CIFT_SOCKETS_ANONYMOUS",
    section=_LIMITS,
    meaning="How many sockets without a login a web process has at most; one more is closed with 1013. A handshake "
    "that brings its token is let in.",
    default=4_000,
    least=1,
    most=1_000_000,
)
WEB_PROCESSES = Integer(
    name="CIFT_WEB_PROCESSES",
    section=_LIMITS,
    meaning="How many web processes there are; each grants its share of every rate limit.",
    default=1,
    least=1,
    most=1_000,
)

TLS_CERTIFICATE = File(
    name="CIFT_TLS_CERTIFICATE",
    section=_NETWORK,
    meaning="A PEM file with the certificate and its chain; with it the venue speaks [TLS](../how-to/tls.md) itself. "
    "Only together with `CIFT_TLS_KEY`.",
    unset="plain HTTP",
)
TLS_KEY = File(
    name="CIFT_TLS_KEY",
    section=_NETWORK,
    meaning="A PEM file with the certificate's key, without a passphrase.",
    unset="plain HTTP",
)
HSTS_SECONDS = Integer(
    name="CIFT_HSTS_SECONDS",
    section=_NETWORK,
    meaning="For how many seconds browsers are told to use TLS only; `0`: they are not told.",
    default=0,
    production_default=_YEAR_S,
    least=0,
    most=2**31,
)
TRUSTED_PROXIES = Networks(
    name="CIFT_TRUSTED_PROXIES",
    section=_NETWORK,
    meaning="Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    unset="none",
)
PUBLIC_ADDRESS = Text(
    name="CIFT_PUBLIC_ADDRESS",
    section=_NETWORK,
    meaning="Where links in mails lead, as in `https://venue.example`.",
    unset="embedded: `localhost` with the port; production: the first of `CIFT_ALLOWED_HOSTS`",
)

SECRET_KEY = Text(
    name="CIFT_SECRET_KEY", section=_SECRETS, meaning="Django's key for sessions and links in mails.", embedded=False
)
TOKENS_KEY = Text(
    name="CIFT_TOKENS_KEY", section=_SECRETS, meaning="The key that signs access and refresh tokens.", embedded=False
)
METRICS_TOKEN = Text(
    name="CIFT_METRICS_TOKEN",
    section=_SECRETS,
    meaning="The Bearer token that shows [`/metrics` and the details of `/ready`](metrics.md#who-may-see-what).",
    unset="operators see them by their session; embedded, this machine's own requests do as well",
)
IDS_KEY = Key(
    name="CIFT_IDS_KEY",
    section=_SECRETS,
    meaning="The key under which client order ids are remembered. It enters the journal when the venue is opened.",
    embedded=False,
    length=16,
)

DATABASE_HOST = Text(
    name="CIFT_DATABASE_HOST", section=_DATABASE, meaning="PostgreSQL's host.", default="localhost", embedded=False
)
DATABASE_PORT = Integer(
    name="CIFT_DATABASE_PORT",
    section=_DATABASE,
    meaning="PostgreSQL's port.",
    default=5_432,
    embedded=False,
    least=1,
    most=_PORT_MAX,
)
DATABASE_USER = Text(
    name="CIFT_DATABASE_USER", section=_DATABASE, meaning="The user to log in as.", default="cift", embedded=False
)
DATABASE_PASSWORD = Text(
    name="CIFT_DATABASE_PASSWORD", section=_DATABASE, meaning="That user's password.", embedded=False
)
DATABASE_NAME = Text(
    name="CIFT_DATABASE_NAME",
    section=_DATABASE,
    meaning="The database of the tables; `_journal` and `_snapshots` appended name the other two.",
    default="cift",
    embedded=False,
)

NATS_SERVERS = Names(
    name="CIFT_NATS_SERVERS",
    section=_BUS,
    meaning="NATS servers, as in `nats://nats:4222` or `tls://nats:4222`; processes on several machines meet there.",
    unset="a Unix socket in the data folder: all processes on one machine, the order service in the first",
    embedded=False,
)
NATS_USER = Text(
    name="CIFT_NATS_USER",
    section=_BUS,
    meaning="The user to log in to NATS as.",
    unset="no login",
    embedded=False,
)
NATS_PASSWORD = Text(
    name="CIFT_NATS_PASSWORD", section=_BUS, meaning="That user's password.", unset="no login", embedded=False
)
NATS_CA = File(
    name="CIFT_NATS_CA",
    section=_BUS,
    meaning="A PEM file with the authorities that sign the servers' certificates.",
    unset="those of the system",
    embedded=False,
)
NATS_CERTIFICATE = File(
    name="CIFT_NATS_CERTIFICATE",
    section=_BUS,
    meaning="A PEM file with this process's own certificate and its chain, for servers that want one. Only together "
    "with `CIFT_NATS_KEY`.",
    unset="none",
    embedded=False,
)
NATS_KEY = File(
    name="CIFT_NATS_KEY",
    section=_BUS,
    meaning="A PEM file with that certificate's key, without a passphrase.",
    unset="none",
    embedded=False,
)
NATS_REPLICAS = Integer(
    name="CIFT_NATS_REPLICAS",
    section=_BUS,
    meaning="On how many of NATS' servers each stream is kept, `manage.py ensure_streams` sees to it.",
    default=1,
    embedded=False,
    least=1,
    most=5,
)

DRAGONFLY_URL = Text(
    name="CIFT_DRAGONFLY_URL",
    section=_STORES,
    meaning="Dragonfly, or a server that speaks its protocol, as in `redis://:PASSWORD@dragonfly:6379`.",
    unset="none: no workers",
    embedded=False,
)
QUESTDB_URL = Text(
    name="CIFT_QUESTDB_URL",
    section=_STORES,
    meaning="QuestDB's HTTP, as in `http://questdb:9000`: trades and candles are read there, and shipped there by the "
    "workers.",
    unset="the projected tables",
    embedded=False,
)
QUESTDB_SQL_PORT = Integer(
    name="CIFT_QUESTDB_SQL_PORT",
    section=_STORES,
    meaning="The port of the same host where QuestDB speaks PostgreSQL's protocol.",
    default=8_812,
    embedded=False,
    least=1,
    most=_PORT_MAX,
)
QUESTDB_USER = Text(
    name="CIFT_QUESTDB_USER",
    section=_STORES,
    meaning="The user to log in to QuestDB as: one that may write for the workers, one that may only read for all "
    "other processes.",
    default="cift",
    embedded=False,
)
QUESTDB_PASSWORD = Text(
    name="CIFT_QUESTDB_PASSWORD", section=_STORES, meaning="That user's password.", unset="none", embedded=False
)
TICKS_KEEP_DAYS = Integer(
    name="CIFT_TICKS_KEEP_DAYS",
    section=_STORES,
    meaning="How many days QuestDB keeps single trades; candles are kept as said under History. "
    "`manage.py backfill ticks` ships them again from the journal.",
    default=365,
    embedded=False,
    least=2,
    most=36_500,
)

EMAIL_HOST = Text(
    name="CIFT_EMAIL_HOST", section=_MAIL, meaning="The SMTP server's host.", default="localhost", embedded=False
)
EMAIL_PORT = Integer(
    name="CIFT_EMAIL_PORT",
    section=_MAIL,
    meaning="The SMTP server's port.",
    default=25,
    embedded=False,
    least=1,
    most=_PORT_MAX,
)
EMAIL_USER = Text(
    name="CIFT_EMAIL_USER",
    section=_MAIL,
    meaning="The user to log in as; with one the connection is upgraded by STARTTLS.",
    unset="no login",
    embedded=False,
)
EMAIL_PASSWORD = Text(
    name="CIFT_EMAIL_PASSWORD", section=_MAIL, meaning="That user's password.", unset="no login", embedded=False
)
EMAIL_FROM = Text(
    name="CIFT_EMAIL_FROM",
    section=_MAIL,
    meaning="The sender of mails.",
    unset="`venue@` the first of `CIFT_ALLOWED_HOSTS`",
    embedded=False,
)
