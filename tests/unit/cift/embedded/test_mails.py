import logging
import stat
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from cift.embedded.mails import MAILS_MAX, FolderBackend

SECRET = "a-token-that-nobody-else-may-read"


def test_a_mail_is_a_file_of_its_owner_s_and_no_line_of_a_log_has_what_is_in_it(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DATA_DIR = tmp_path
    caplog.set_level(logging.DEBUG)
    mails = [EmailMessage("Set a new password", f"Set it here: {SECRET}\n", "v@example.com", ["a@example.com"])] * 2

    assert FolderBackend().send_messages(mails) == 2

    files = list((tmp_path / "mails").iterdir())
    assert [SECRET in file.read_text() for file in files] == [True, True]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "mails").stat().st_mode) == 0o700
    assert str(files[0]) in caplog.text
    assert SECRET not in caplog.text
    assert "a@example.com" not in caplog.text


def test_the_oldest_mails_leave_first(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "mails").mkdir()
    for number in range(MAILS_MAX):
        (tmp_path / "mails" / f"{number:019}.eml").touch()

    FolderBackend().send_messages([EmailMessage("One more", "", "v@example.com", ["a@example.com"])])

    left = sorted(file.name for file in (tmp_path / "mails").iterdir())
    assert len(left) == MAILS_MAX
    assert left[0] == f"{1:019}.eml"
