"""Reasons as the order service knows them: which an order may end with, and what they make of its status."""

from cift.wire.reasons import Reason

__all__ = ["REASONS_FILLED", "Reason"]

REASONS_FILLED = frozenset({Reason.QUOTE_REMAINDER})
"""Ends with these count as filled: what is left of an amount buys less than a lot."""
