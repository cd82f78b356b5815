"""The embedded settings, with the points at which a test may kill the process (`failpoints.py`)."""

from typing import Any

from cift.settings.embedded import *
from cift.settings.embedded import INSTALLED_APPS as _APPS
from cift.settings.embedded import MATCHING as _MATCHING

INSTALLED_APPS = [*_APPS, "tests.support.failpoints.FailpointsConfig"]
# Often enough to be met in a test.
MATCHING: dict[str, Any] = {**_MATCHING, "SNAPSHOT_EVERY_BATCHES": 20}
