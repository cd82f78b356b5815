from math import isnan
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from cift.monitoring.disk import DiskCheck, disk_room
from cift.monitoring.health import Status

EVERYTHING = 2**62
"""More than any disk has."""


@pytest.mark.parametrize(
    ("share", "least", "status", "told"),
    [
        (0.0, 0, Status.OK, ""),
        (1.1, 0, Status.DEGRADED, "MiB are free"),
        (0.0, EVERYTHING, Status.DOWN, "less than the 4,398,046,511,104 MiB writing needs"),
        (1.1, EVERYTHING, Status.DOWN, "less than the 4,398,046,511,104 MiB writing needs"),
    ],
)
async def test_less_than_a_share_is_degraded_and_less_than_writing_needs_is_down(
    share: float, least: int, status: Status, told: str
) -> None:
    found = await DiskCheck(free_share_min=share, free_bytes_min=least, required=False).look()

    assert found.status == status
    assert found.detail.endswith(told)


def test_what_is_free_is_part_of_the_whole() -> None:
    room = disk_room()

    assert 0 < room.free <= room.size


async def test_a_folder_that_is_gone_is_down_and_has_no_number(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"

    with pytest.raises(OSError, match="gone"):
        await DiskCheck(free_share_min=0.1, free_bytes_min=1, required=False).look()
    for name in ("cift_disk_free_bytes", "cift_disk_size_bytes"):
        value = REGISTRY.get_sample_value(name)
        assert value is not None
        assert isnan(value)


def test_the_numbers_are_those_of_the_filesystem() -> None:
    assert REGISTRY.get_sample_value("cift_disk_size_bytes") == disk_room().size
