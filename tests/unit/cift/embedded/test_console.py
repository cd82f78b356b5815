from io import StringIO
from pathlib import Path

from rich.console import Console

from cift.embedded.console import welcome
from cift.embedded.logins import DEMO, OPERATOR, logins_load, logins_made


def shown(logins: dict[str, str] | None) -> str:
    written = StringIO()
    welcome(Console(file=written), address="http://127.0.0.1:8000", logins=logins, folder=Path("/data"), simulated=0)
    return written.getvalue()


def test_passwords_are_shown_where_they_were_just_made_and_never_again(tmp_path: Path) -> None:
    assert not logins_made(tmp_path)
    logins = logins_load(tmp_path)
    assert logins_made(tmp_path)

    first, later = shown(logins), shown(None)

    for email in (OPERATOR, DEMO):
        assert email in first
        assert email in later
        assert logins[email] in first
        assert logins[email] not in later
    assert "password " not in later
    assert "passwords as first given in /data/logins.json" in later
