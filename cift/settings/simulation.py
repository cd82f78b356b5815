"""The simulated market: whether it is on, how much goes on in it, and how long what it leaves in the tables is kept."""

from typing import Any

from cift.settings import variables

RATE_MIN, RATE_MAX = variables.SIMULATION_RATE.least, variables.SIMULATION_RATE.most
SEED_MAX = variables.SIMULATION_SEED.most


def simulation_settings(*, enabled: bool) -> dict[str, Any]:
    """Read how the agents trade; `enabled`: whether they do.

    SEED is None where none is set: each start then draws one and shows it.
    """
    return {
        "ENABLED": enabled,
        "RATE": variables.SIMULATION_RATE.read(),
        "SEED": variables.SIMULATION_SEED.given(),
        "KEEP_S": variables.SIMULATION_KEEP_HOURS.read() * 3_600,
    }
