"""The whole venue from one command, on SQLite, for this machine."""

from pathlib import Path

from cift.settings import variables
from cift.settings.base import *
from cift.settings.bus import local_buses
from cift.settings.data_folder import data_folder
from cift.settings.databases import sqlite_databases
from cift.settings.health import EMBEDDED_CHECKS
from cift.settings.identities import PAPER_MONEY, identities_settings
from cift.settings.matching import matching_settings
from cift.settings.ratelimits import EMBEDDED, rate_limits
from cift.settings.secrets import secrets_load
from cift.settings.simulation import simulation_settings
from cift.settings.tls import tls_settings

DATA_DIR: Path = data_folder(variables.DATA_DIR.read())
_secrets = secrets_load(DATA_DIR)

HOST = variables.HOST.read()
PORT = variables.PORT.read()
WEB_SERVER = variables.WEB_SERVER.read()
WEB_SILENT_S_MAX = variables.SILENT_SECONDS.read()
# Far longer than any step of the projector or the verifier takes, and than their process takes to start.
FOLLOWER_STILL_S_MAX = variables.STANDSTILL_SECONDS.read()
# On the loopback only its own names are answered, so that no web page of another name reaches the venue by its address.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if HOST in {"localhost", "127.0.0.1", "::1"} else ["*"]

SECRET_KEY = _secrets["django"]
TOKENS_KEY = _secrets["tokens"]
READINESS_CHECKS = EMBEDDED_CHECKS
MONITORING_LOCAL = not METRICS_TOKEN
DATABASES = sqlite_databases(DATA_DIR)
BUSES = local_buses(DATA_DIR)
MATCHING = matching_settings(ids_key=bytes.fromhex(_secrets["ids"]))
SIMULATION = simulation_settings(enabled=bool(variables.SIMULATION.read()))
RATE_LIMITS = rate_limits(EMBEDDED)

TRUSTED_PROXIES = list(variables.TRUSTED_PROXIES.given() or ())
TLS = tls_settings()

EMAIL_BACKEND = "cift.embedded.mails.FolderBackend"
IDENTITIES = identities_settings(
    confirm_email=False,
    second_factor=False,
    opening_deposits=PAPER_MONEY,
    public_address=variables.PUBLIC_ADDRESS.given() or f"{'https' if TLS else 'http'}://localhost:{PORT}",
)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS is not None
SECURE_HSTS_SECONDS = variables.HSTS_SECONDS.read()
