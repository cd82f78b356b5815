"""Streams of random numbers that do not disturb one another: one for each part of the model, all from one seed."""

import random


def stream(seed: int, *names: str) -> random.Random:
    """Return the stream of a part; the same seed and names give the same numbers on every machine."""
    return random.Random(":".join((str(seed), *names)))  # noqa: S311 - a reproducible market, not a secret
