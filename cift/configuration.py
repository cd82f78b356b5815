"""`docs/reference/configuration.md`, made from the declarations of the environment's variables."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from cift.env import Variable
from cift.settings import variables

VARIABLES: tuple[Variable[Any], ...] = tuple(found for found in vars(variables).values() if isinstance(found, Variable))
"""In the order they are declared, which is that of the page."""

_HEAD = """# Configuration

The venue is configured by environment variables. They are read once, at the start; an empty variable counts as unset,
and a value that is not allowed ends the start with one line that names the variable.

`DJANGO_SETTINGS_MODULE` chooses the topology: `cift.settings.embedded` (the default: SQLite, everything from one
command) or `cift.settings.production` (PostgreSQL, secrets from the environment). A dash means that the topology does
not read the variable; *required* means that it does not start without it.

This page is made by `manage.py configuration`.
"""


def configuration_page() -> str:
    """Return the page."""
    lines = [_HEAD.rstrip()]
    for section, members in groupby(VARIABLES, key=lambda variable: variable.section):
        lines += ["", f"## {section}", "", "| variable | value | embedded | production | meaning |"]
        lines += ["|---|---|---|---|---|", *(_row(variable) for variable in members)]
    return "\n".join(lines) + "\n"


def _row(variable: Variable[Any]) -> str:
    cells = (f"`{variable.name}`", variable.form, *_defaults(variable), variable.meaning)
    return f"| {' | '.join(cells)} |"


def _defaults(variable: Variable[Any]) -> Iterator[str]:
    for production, is_read in ((False, variable.embedded), (True, variable.production)):
        default = variable.default_in(production=production)
        if not is_read:
            yield "–"
        elif default is not None:
            yield f"`{_relative(variable.show(default))}`"
        else:
            yield variable.unset or "*required*"


def _relative(shown: str) -> str:
    """Name a path inside the project from its root, so that the page is the same on every machine."""
    path = Path(shown)
    return path.relative_to(variables.BASE_DIR).as_posix() if path.is_relative_to(variables.BASE_DIR) else shown
