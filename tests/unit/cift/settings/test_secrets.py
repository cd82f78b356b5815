import stat
import threading
from pathlib import Path

from cift.settings.secrets import private_write, secrets_load


def test_secrets_are_made_once_and_read_ever_after(tmp_path: Path) -> None:
    made = secrets_load(tmp_path / "data")

    assert secrets_load(tmp_path / "data") == made
    assert len(bytes.fromhex(made["ids"])) == 16
    assert len(set(made.values())) == 3


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    secrets_load(tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_starts_at_the_same_time_agree_on_one_set_of_secrets(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(secrets_load(tmp_path)["django"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


def test_an_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    private_write(file, "first")
    private_write(file, "second")

    assert file.read_text() == "first"
