"""Errors: one exception, its codes, and the one shape clients see."""
