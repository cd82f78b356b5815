"""The embedded venue's settings, but for the limits on trying logins: behind those there is more to test."""

from cift.settings.embedded import *  # noqa: F403 - a settings module is its names
from cift.settings.embedded import IDENTITIES

IDENTITIES["LIMITS"] = dict.fromkeys(IDENTITIES["LIMITS"], (1_000_000, 60))
