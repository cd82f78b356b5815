"""Log lines: what they belong to, how they are written, and what clients are refused."""
