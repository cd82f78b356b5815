"""The first two logins: an operator and a demo trader, with random passwords kept in the data folder."""

import json
import secrets
from pathlib import Path

from apps.accounts.models import User
from cift.settings.secrets import private_write

OPERATOR = "operator@cift.localhost"
DEMO = "demo@cift.localhost"

_FILE = "logins.json"
_PASSWORD_BYTES = 12


def logins_made(folder: Path) -> bool:
    """Return whether a start before this one has made the logins."""
    return (folder / _FILE).exists()


def logins_load(folder: Path) -> dict[str, str]:
    """Read `logins.json` (mode 0600): address to password; at the first start, and when it was deleted, make it.

    Raises:
        ValueError: it is not what was written.

    """
    file = folder / _FILE
    if not file.exists():
        made = {email: secrets.token_urlsafe(_PASSWORD_BYTES) for email in (OPERATOR, DEMO)}
        private_write(file, json.dumps(made, indent=2) + "\n")
    logins: dict[str, str] = json.loads(file.read_text())
    if not isinstance(logins, dict) or not {OPERATOR, DEMO} <= logins.keys():
        message = f"{file} does not hold the first two logins; without the file, new passwords are made"
        raise ValueError(message)
    return logins


def users_ensure(logins: dict[str, str], *, reset: bool) -> dict[str, User]:
    """Make the users that are missing; `reset` gives those there are their password of the file."""
    users = {}
    for email, password in logins.items():
        user = User.objects.filter(email=email).first()
        if user is None:
            privileged = email == OPERATOR
            user = User.objects.create_user(email, password, is_staff=privileged, is_superuser=privileged)
        elif reset:
            user.set_password(password)
            user.save(update_fields=["password"])
        users[email] = user
    return users
