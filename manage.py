#!/usr/bin/env python
"""The venue's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from cift.env import SetupError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cift.settings.embedded")
    try:
        execute_from_command_line(sys.argv)
    except SetupError as error:
        sys.exit(str(error))
