"""Processes and threads: long-running commands, stopping, locks on the data folder."""
