"""Recorded order flows and what a venue does with them."""
