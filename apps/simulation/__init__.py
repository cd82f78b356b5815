"""The simulated market: agents with accounts of their own that trade as any client does. `docs/simulation.md`."""
