#!/usr/bin/env python
"""The venue's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from cift import __version__
from cift.env import SetupError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cift.settings.embedded")
    if sys.argv[1:] in (["--version"], ["version"]):
        # Django would print its own version.
        sys.stdout.write(f"{__version__}\n")
        sys.exit()
    try:
        execute_from_command_line(sys.argv)
    except SetupError as error:
        sys.exit(str(error))
