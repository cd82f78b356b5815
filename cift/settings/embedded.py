"""The whole venue from one command, on SQLite, for this machine."""

from pathlib import Path

from cift import env
from cift.settings.base import *
from cift.settings.base import BASE_DIR
from cift.settings.bus import local_buses
from cift.settings.databases import sqlite_databases
from cift.settings.health import EMBEDDED_CHECKS
from cift.settings.identities import PAPER_MONEY, identities_settings
from cift.settings.matching import matching_settings
from cift.settings.ratelimits import EMBEDDED, rate_limits
from cift.settings.secrets import secrets_load
from cift.settings.simulation import simulation_settings
from cift.settings.tls import tls_settings
from cift.settings.webserver import web_server

DATA_DIR: Path = env.path("CIFT_DATA_DIR", BASE_DIR / "var")
_secrets = secrets_load(DATA_DIR)

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=1, most=65_535)
WEB_SERVER = web_server("daphne")
# How long the web process may answer nothing before it is killed and started again.
WEB_SILENT_S_MAX = env.integer("CIFT_SILENT_SECONDS", 30, least=1, most=3_600)
# How long the projector or the verifier may stand still with batches to read before their process is killed and
# started again. Far longer than any step of theirs takes, and than a process takes to start.
FOLLOWER_STILL_S_MAX = env.integer("CIFT_STANDSTILL_SECONDS", 60, least=10, most=3_600)
# On the loopback only its own names are answered, so that no web page of another name reaches the venue by its address.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if HOST in {"localhost", "127.0.0.1", "::1"} else ["*"]

SECRET_KEY = _secrets["django"]
TOKENS_KEY = _secrets["tokens"]
READINESS_CHECKS = EMBEDDED_CHECKS
DATABASES = sqlite_databases(DATA_DIR)
BUSES = local_buses(DATA_DIR)
MATCHING = matching_settings(ids_key=bytes.fromhex(_secrets["ids"]))
SIMULATION = simulation_settings(enabled=True)
RATE_LIMITS = rate_limits(EMBEDDED)

TRUSTED_PROXIES = env.names("CIFT_TRUSTED_PROXIES")
TLS = tls_settings()

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
IDENTITIES = identities_settings(
    confirm_email=False,
    second_factor=False,
    opening_deposits=PAPER_MONEY,
    public_address=env.text("CIFT_PUBLIC_ADDRESS", f"{'https' if TLS else 'http'}://localhost:{PORT}"),
)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS is not None
SECURE_HSTS_SECONDS = env.integer("CIFT_HSTS_SECONDS", 0, least=0, most=2**31)
