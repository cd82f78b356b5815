"""The production topology: PostgreSQL, and secrets from the environment."""

from pathlib import Path

from cift import env
from cift.settings.base import *
from cift.settings.bus import local_buses
from cift.settings.databases import postgres_databases
from cift.settings.identities import identities_settings
from cift.settings.matching import matching_settings
from cift.settings.ratelimits import PRODUCTION, rate_limits
from cift.settings.simulation import simulation_settings
from cift.settings.tls import tls_settings
from cift.settings.webserver import web_server

DATA_DIR: Path = env.path("CIFT_DATA_DIR", Path("/var/lib/cift"))

HOST = env.text("HOST", "0.0.0.0")  # noqa: S104 - the container's own network
PORT = env.integer("PORT", 8000, least=1, most=65_535)
WEB_SERVER = web_server("uvicorn")
ALLOWED_HOSTS = env.required("CIFT_ALLOWED_HOSTS").split(",")

SECRET_KEY = env.required("CIFT_SECRET_KEY")
TOKENS_KEY = env.required("CIFT_TOKENS_KEY")
DATABASES = postgres_databases(
    host=env.text("CIFT_DATABASE_HOST", "localhost"),
    port=env.integer("CIFT_DATABASE_PORT", 5432, least=1, most=65_535),
    user=env.text("CIFT_DATABASE_USER", "cift"),
    password=env.required("CIFT_DATABASE_PASSWORD"),
    name=env.text("CIFT_DATABASE_NAME", "cift"),
)
BUSES = local_buses(DATA_DIR)
MATCHING = matching_settings(ids_key=bytes.fromhex(env.required("CIFT_IDS_KEY")))
SIMULATION = simulation_settings(enabled=False)
RATE_LIMITS = rate_limits(PRODUCTION)


TRUSTED_PROXIES = env.names("CIFT_TRUSTED_PROXIES")
TLS = tls_settings()

EMAIL_HOST = env.text("CIFT_EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("CIFT_EMAIL_PORT", 25, least=1, most=65_535)
EMAIL_HOST_USER = env.text("CIFT_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("CIFT_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = bool(EMAIL_HOST_USER)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("CIFT_EMAIL_FROM", f"venue@{ALLOWED_HOSTS[0]}")

IDENTITIES = identities_settings(
    confirm_email=True,
    second_factor=True,
    opening_deposits={},
    public_address=env.text("CIFT_PUBLIC_ADDRESS", f"https://{ALLOWED_HOSTS[0]}"),
)

# Whether a request came by TLS, the edge has made out already, from trusted proxies only (cift.http.proxies).
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = env.integer("CIFT_HSTS_SECONDS", 365 * 24 * 60 * 60, least=0, most=2**31)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
