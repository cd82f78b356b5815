"""The layout of the engine's ids: orders, trades and fills."""

ORDER_ID_SEQUENCE_SHIFT = 20
"""An order's id is the sequence it was accepted at, and 20 bits of slot."""
