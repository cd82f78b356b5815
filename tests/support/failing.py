"""The embedded settings, with the points at which a test may kill the process (`failpoints.py`)."""

from cift.settings.embedded import *  # noqa: F403 - as every settings module of its kind
from cift.settings.embedded import INSTALLED_APPS as _APPS
from cift.settings.embedded import MATCHING

INSTALLED_APPS = [*_APPS, "tests.support.failpoints.FailpointsConfig"]
# Often enough to be met in a test.
MATCHING["SNAPSHOT_EVERY_BATCHES"] = 20
