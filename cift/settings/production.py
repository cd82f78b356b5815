"""The production topology: PostgreSQL, and secrets from the environment."""

from pathlib import Path

from cift import env
from cift.settings.base import *
from cift.settings.bus import local_buses
from cift.settings.databases import postgres_databases
from cift.settings.matching import matching_settings

DATA_DIR: Path = env.path("CIFT_DATA_DIR", Path("/var/lib/cift"))

HOST = env.text("HOST", "0.0.0.0")  # noqa: S104 - the container's own network
PORT = env.integer("PORT", 8000, least=1, most=65_535)
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


SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
