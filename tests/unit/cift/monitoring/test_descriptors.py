import os
import resource
from collections.abc import Iterator

import pytest

from cift.monitoring.descriptors import SHARE_MAX, DescriptorsCheck
from cift.monitoring.health import Status
from cift.processes.descriptors import descriptors_most, descriptors_raise, descriptors_used


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def limit(soft: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def test_one_more_file_is_one_more_descriptor() -> None:
    before = descriptors_used()
    opened = os.open(os.devnull, os.O_RDONLY)

    assert descriptors_used() == before + 1
    os.close(opened)
    assert descriptors_used() == before


async def test_above_its_share_the_check_is_degraded_and_says_why() -> None:
    used = descriptors_used()
    limit(int(used / SHARE_MAX) + 50)
    assert await DescriptorsCheck(required=False).look() == (Status.OK, "")

    limit(used + 3)
    status, detail = await DescriptorsCheck(required=False).look()

    assert status == Status.DEGRADED
    assert detail.endswith(f"of {used + 3} file descriptors are in use")


def test_the_limit_is_raised_as_far_as_the_system_lets_and_never_lowered() -> None:
    limit(200)

    assert descriptors_raise(100) == 200
    assert descriptors_raise(300) == 300 == descriptors_most()
