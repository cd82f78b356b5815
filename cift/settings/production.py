"""The production topology: PostgreSQL, and secrets from the environment."""

from pathlib import Path

from cift.settings import variables
from cift.settings.base import *
from cift.settings.bus import production_buses, production_streams
from cift.settings.celery import SCHEDULE, celery_settings
from cift.settings.data_folder import data_folder
from cift.settings.databases import postgres_databases
from cift.settings.identities import identities_settings
from cift.settings.logging import logging_settings
from cift.settings.matching import matching_settings
from cift.settings.ratelimits import PRODUCTION, rate_limits
from cift.settings.simulation import simulation_settings
from cift.settings.stores import production_tick_shipping, production_tick_stores
from cift.settings.tls import tls_settings

DATA_DIR: Path = data_folder(variables.DATA_DIR.read(production=True))

HOST = variables.HOST.read(production=True)
PORT = variables.PORT.read(production=True)
WEB_SERVER = variables.WEB_SERVER.read(production=True)
ALLOWED_HOSTS = list(variables.ALLOWED_HOSTS.read(production=True))

EXPOSED_REFUSED = True
SECRET_KEY = variables.SECRET_KEY.read(production=True)
TOKENS_KEY = variables.TOKENS_KEY.read(production=True)
DATABASES = postgres_databases(
    host=variables.DATABASE_HOST.read(production=True),
    port=variables.DATABASE_PORT.read(production=True),
    user=variables.DATABASE_USER.read(production=True),
    password=variables.DATABASE_PASSWORD.read(production=True),
    name=variables.DATABASE_NAME.read(production=True),
)
BUSES = production_buses(DATA_DIR)
STREAMS = production_streams()
TICK_STORES = production_tick_stores()
TICK_SHIPPING = production_tick_shipping()
CELERY = celery_settings(variables.DRAGONFLY_URL.given(), schedule=SCHEDULE if TICK_SHIPPING else {})
READINESS_CHECKS = {
    **READINESS_CHECKS,
    **(STREAMS_CHECKS if STREAMS else {}),
    **(QUESTDB_CHECKS if TICK_SHIPPING else {}),
    **(WORKERS_CHECKS if CELERY else {}),
}
LOGGING = logging_settings(formatter="JsonFormatter", refusals="INFO")
MATCHING = matching_settings(ids_key=variables.IDS_KEY.read(production=True))
SIMULATION = simulation_settings(enabled=bool(variables.SIMULATION.read(production=True)))
RATE_LIMITS = rate_limits(PRODUCTION)

TRUSTED_PROXIES = list(variables.TRUSTED_PROXIES.given() or ())
TLS = tls_settings()

EMAIL_HOST = variables.EMAIL_HOST.read(production=True)
EMAIL_PORT = variables.EMAIL_PORT.read(production=True)
EMAIL_HOST_USER = variables.EMAIL_USER.given() or ""
EMAIL_HOST_PASSWORD = variables.EMAIL_PASSWORD.given() or ""
EMAIL_USE_TLS = bool(EMAIL_HOST_USER)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = variables.EMAIL_FROM.given() or f"venue@{ALLOWED_HOSTS[0]}"

IDENTITIES = identities_settings(
    confirm_email=True,
    second_factor=True,
    opening_deposits={},
    public_address=variables.PUBLIC_ADDRESS.given() or f"https://{ALLOWED_HOSTS[0]}",
)

# Whether a request came by TLS, the edge has made out already, from trusted proxies only (cift.http.proxies).
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = variables.HSTS_SECONDS.read(production=True)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
