"""How everything reaches the order service: commands, queries, and what may be read of its journal."""
