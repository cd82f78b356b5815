"""Mails of the embedded venue: files in the data folder, as nobody sends them and a log must not have them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cift.settings.secrets import private_write
from cift.times import clock_ns

FOLDER = "mails"

MAILS_MAX = 1_000
"""So many are kept; the oldest leave first."""

logger = logging.getLogger(__name__)


class FolderBackend(BaseEmailBackend):
    """Puts each mail into a file of its own, which its owner alone can read."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the files, and say in the log where they are; give how many there were.

        Raises:
            OSError: the folder cannot be written to.

        """
        folder: Path = settings.DATA_DIR / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        for message in email_messages:
            file = folder / f"{clock_ns()}.eml"
            private_write(file, message.message().as_string())
            logger.info("a mail for somebody is in %s", file)
        for old in sorted(folder.glob("*.eml"))[:-MAILS_MAX]:
            old.unlink(missing_ok=True)
        return len(email_messages)
