from pathlib import Path

import pytest

from cift.env import Choice, EnvironmentVariableError, File, Folder, Integer, Key, Names, Networks, Text

HOST = Text(name="HOST", section="", meaning="", default="127.0.0.1", production_default="::")
PORT = Integer(name="PORT", section="", meaning="", default=8000, least=1, most=65_535)
SEED = Integer(name="SIMULATION_SEED", section="", meaning="", least=0, most=2**63 - 1)
SERVER = Choice(name="WEB_SERVER", section="", meaning="", default="daphne", among=("daphne", "uvicorn"))
DATA_DIR = Folder(name="CIFT_DATA_DIR", section="", meaning="", default=Path("/elsewhere"))
CERTIFICATE = File(name="CIFT_TLS_CERTIFICATE", section="", meaning="")
SECRET_KEY = Text(name="CIFT_SECRET_KEY", section="", meaning="")
IDS_KEY = Key(name="CIFT_IDS_KEY", section="", meaning="", length=16)
HOSTS = Names(name="CIFT_ALLOWED_HOSTS", section="", meaning="")
PROXIES = Networks(name="CIFT_TRUSTED_PROXIES", section="", meaning="")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "")

    assert HOST.given() is None
    assert HOST.read() == "127.0.0.1"


def test_a_default_may_be_another_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOST", raising=False)
    monkeypatch.delenv("PORT", raising=False)

    assert (HOST.read(), HOST.read(production=True)) == ("127.0.0.1", "::")
    assert (PORT.read(), PORT.read(production=True)) == (8000, 8000)


def test_a_number_is_read_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8001")

    assert PORT.read() == 8001


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8e3", "eight", "٣", "9" * 5_000])
def test_a_number_outside_its_bounds_or_none_at_all_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PORT", value)

    with pytest.raises(EnvironmentVariableError, match="PORT must be a whole number from 1 to 65535"):
        PORT.read()


@pytest.mark.parametrize(("value", "read"), [("0", 0), (str(2**63 - 1), 2**63 - 1), ("000000000000000000000007", 7)])
def test_the_bounds_of_a_number_are_included(monkeypatch: pytest.MonkeyPatch, value: str, read: int) -> None:
    monkeypatch.setenv("SIMULATION_SEED", value)

    assert SEED.given() == read


def test_a_word_that_is_none_of_the_choices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_SERVER", "uvicorn")
    assert SERVER.read() == "uvicorn"

    monkeypatch.setenv("WEB_SERVER", "apache")
    with pytest.raises(EnvironmentVariableError, match="WEB_SERVER must be one of daphne, uvicorn, not 'apache'"):
        SERVER.read()


def test_a_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFT_DATA_DIR", "data")

    assert DATA_DIR.read() == tmp_path / "data"


def test_a_path_below_an_unknown_home_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFT_DATA_DIR", "~nobody-of-this-name/data")

    with pytest.raises(EnvironmentVariableError, match="CIFT_DATA_DIR must be a path"):
        DATA_DIR.read()


def test_a_file_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "venue.pem"
    monkeypatch.setenv("CIFT_TLS_CERTIFICATE", str(file))
    with pytest.raises(EnvironmentVariableError, match="CIFT_TLS_CERTIFICATE names no file"):
        CERTIFICATE.given()

    file.touch()
    assert CERTIFICATE.given() == file


def test_a_required_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIFT_SECRET_KEY", raising=False)

    with pytest.raises(EnvironmentVariableError, match="CIFT_SECRET_KEY must be set"):
        SECRET_KEY.read()


@pytest.mark.parametrize("value", ["00" * 15, "00" * 17, "zz" * 16, "secret"])
def test_a_key_of_another_form_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CIFT_IDS_KEY", "0f" * 16)
    assert IDS_KEY.read() == b"\x0f" * 16

    monkeypatch.setenv("CIFT_IDS_KEY", value)
    with pytest.raises(EnvironmentVariableError, match="CIFT_IDS_KEY must be 32 hexadecimal digits") as refused:
        IDS_KEY.read()
    assert value not in str(refused.value)


def test_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFT_ALLOWED_HOSTS", "venue.example, www.venue.example,")
    assert HOSTS.read() == ("venue.example", "www.venue.example")

    monkeypatch.setenv("CIFT_ALLOWED_HOSTS", " , ")
    with pytest.raises(EnvironmentVariableError, match="CIFT_ALLOWED_HOSTS must be a list, separated by commas"):
        HOSTS.read()


@pytest.mark.parametrize("value", ["10.0.0.5,proxy", "10.1.0.1/16", "10.0.0.256", "*"])
def test_what_is_no_address_and_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CIFT_TRUSTED_PROXIES", "10.0.0.5, 10.1.0.0/16, ::1")
    assert PROXIES.given() == ("10.0.0.5", "10.1.0.0/16", "::1")

    monkeypatch.setenv("CIFT_TRUSTED_PROXIES", value)
    with pytest.raises(EnvironmentVariableError, match="CIFT_TRUSTED_PROXIES must be IP addresses and networks"):
        PROXIES.given()
