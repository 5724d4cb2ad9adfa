"""Builders, servers and helpers that tests share."""
