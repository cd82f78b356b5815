"""The simulated market: whether it is on, how much goes on in it, and how long what it leaves in the tables is kept."""

from typing import Any

from cift import env

RATE_MIN, RATE_DEFAULT, RATE_MAX = 5, 100, 1_000
SEED_MAX = 2**63 - 1
KEEP_HOURS_DEFAULT, KEEP_HOURS_MAX = 6, 8_760


def simulation_settings(*, enabled: bool) -> dict[str, Any]:
    """Read SIMULATION (0 or 1), SIMULATION_RATE (commands/s) and SIMULATION_SEED; `enabled`: where nothing is said.

    SEED is None where none is given: each start then has one of its own, and says it.
    """
    seed = env.integer("SIMULATION_SEED", -1, least=0, most=SEED_MAX)
    return {
        "ENABLED": bool(env.integer("SIMULATION", int(enabled), least=0, most=1)),
        "RATE": env.integer("SIMULATION_RATE", RATE_DEFAULT, least=RATE_MIN, most=RATE_MAX),
        "SEED": None if seed < 0 else seed,
        # Ended orders, fills and ledger entries of simulated accounts leave the tables behind so long; the journal has
        # them still.
        "KEEP_S": env.integer("SIMULATION_KEEP_HOURS", KEEP_HOURS_DEFAULT, least=1, most=KEEP_HOURS_MAX) * 3_600,
    }
