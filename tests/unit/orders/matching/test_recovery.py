"""What a long replay says of itself."""

import logging

import pytest

from apps.orders.matching.recovery import Progress


def test_a_replay_is_quiet_for_a_second_and_then_says_how_far_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    progress = Progress(shard=0, first=1_001, last=3_000, clock=lambda: now[0])
    with caplog.at_level(logging.INFO):
        for number in range(1_001, 2_001):
            progress.at(number)
        assert not caplog.messages
        now[0] += 2
        progress.at(2_000)
        progress.at(2_001)
    assert caplog.messages == ["shard 0: replaying the journal, batch 2,000 of 3,000 (50 %), about 2 s left"]
