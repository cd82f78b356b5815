"""The tests' settings with a broker, for workers in processes of their own; what they need is in the environment."""

import json
import os
from typing import Any

from cift.settings.celery import TASKS, celery_settings
from cift.settings.test import *  # noqa: F403 - settings by topic, as everywhere

_given: dict[str, Any] = json.loads(os.environ["CIFT_TEST_WORKER"])

CELERY = {
    **celery_settings(_given["broker"], schedule=_given["schedule"]),
    "imports": (*TASKS, "tests.support.tasks"),
}
TICK_SHIPPING = _given.get("shipping")
if "databases" in _given:
    DATABASES = _given["databases"]
