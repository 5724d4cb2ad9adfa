"""Scheduled runs: when the next one is due, and which machine may start it."""
