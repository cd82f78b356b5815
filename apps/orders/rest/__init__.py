"""REST of orders, fills, positions and trades."""
