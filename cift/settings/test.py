"""The settings the tests run under: the embedded ones on throwaway data, with cheap password hashing."""

from pathlib import Path
from tempfile import TemporaryDirectory

from cift.settings.base import *
from cift.settings.bus import local_buses
from cift.settings.databases import sqlite_databases
from cift.settings.identities import identities_settings
from cift.settings.matching import matching_settings
from cift.settings.ratelimits import EMBEDDED, rate_limits
from cift.settings.simulation import simulation_settings

# Kept short: a Unix socket's path has room for about 100 bytes.
_folder = TemporaryDirectory(prefix="cift-test-")
DATA_DIR = Path(_folder.name)

HOST = "127.0.0.1"
PORT = 8000
WEB_SERVER = "daphne"
WEB_SILENT_S_MAX = 30
FOLLOWER_STILL_S_MAX = 60
ALLOWED_HOSTS = ["*"]

SECRET_KEY = "only-for-tests-" + "0" * 40
TOKENS_KEY = "only-for-tests-" + "1" * 40
METRICS_TOKEN = "only-for-tests-" + "2" * 40
DATABASES = sqlite_databases(DATA_DIR)
for _alias, _database in DATABASES.items():
    _database["TEST"] = {"NAME": DATA_DIR / f"test-{_alias}.sqlite3"}
BUSES = local_buses(DATA_DIR)
MATCHING = matching_settings(ids_key=bytes(range(16)))
SIMULATION = simulation_settings(enabled=False)
RATE_LIMITS = rate_limits(EMBEDDED)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

TRUSTED_PROXIES: list[str] = []
TLS = None

IDENTITIES = identities_settings(
    confirm_email=False, second_factor=False, opening_deposits={"USD": "1000"}, public_address="http://testserver"
)
