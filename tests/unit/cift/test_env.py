from pathlib import Path

import pytest

from cift import env


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "")

    assert env.text("HOST", "127.0.0.1") == "127.0.0.1"


def test_a_number_is_read_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8001")

    assert env.integer("PORT", 8000, least=1, most=65_535) == 8001


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8e3", "eight", "٣"])
def test_a_number_outside_its_bounds_or_none_at_all_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PORT", value)

    with pytest.raises(env.EnvironmentVariableError, match="PORT must be a whole number from 1 to 65535"):
        env.integer("PORT", 8000, least=1, most=65_535)


def test_a_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFT_DATA_DIR", "data")

    assert env.path("CIFT_DATA_DIR", Path("/elsewhere")) == tmp_path / "data"


def test_a_required_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIFT_SECRET_KEY", raising=False)

    with pytest.raises(env.EnvironmentVariableError, match="CIFT_SECRET_KEY must be set"):
        env.required("CIFT_SECRET_KEY")
