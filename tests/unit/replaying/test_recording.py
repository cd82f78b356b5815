"""A recording's own instrument, apart from the market's."""

import pytest

from apps.replaying.recording import own_symbol
from cift.fields import SYMBOL


@pytest.mark.parametrize(
    ("recorded", "own"), [("AAPL-USD", "AAPL.R-USD"), ("AAPL.R-USD", "AAPL.R-USD"), ("BRK.B-USD", "BRK.B.R-USD")]
)
def test_a_recording_has_an_instrument_of_its_own_that_can_be_named(recorded: str, own: str) -> None:
    assert own_symbol(recorded) == SYMBOL(own) == own
