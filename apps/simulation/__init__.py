"""The simulated market: agents that trade as any client does, with accounts of their own.

`docs/explanation/simulation.md` describes it.
"""
