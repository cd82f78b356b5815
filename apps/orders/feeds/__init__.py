"""Feeds of one web process: each instrument is taken once from the bus, for all sockets that want it."""
