"""Whole crawls, kills and browsers."""
