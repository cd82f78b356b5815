"""Request ids: the client's own where it is sane, else a random one."""

import random
import re

REQUEST_ID_HEADER = "X-Request-Id"


_SANE = re.compile(r"[A-Za-z0-9._\-]{1,64}", re.ASCII)


def request_id_of(given: str | None) -> str:
    """Take the client's id when it is sane (1 to 64 letters, digits, dots, dashes, underscores), else make one."""
    return given if given and _SANE.fullmatch(given) else f"{random.getrandbits(128):032x}"
