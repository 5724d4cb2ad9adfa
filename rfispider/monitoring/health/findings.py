"""What a health check finds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """The result of one check of one subject."""

    check: str
    """freshness, sources, leases, given-up, failures, refusals, blocks, disk or runs."""
    subject: str
    """What it is about: an edition, a host; empty for the whole."""
    level: Level
    message: str
    """One line for a person."""


def utc_minute(moment: datetime) -> str:
    """A moment (UTC) as a person reads it.

    >>> from datetime import UTC
    >>> utc_minute(datetime(2026, 3, 18, 6, 5, 59, tzinfo=UTC))
    '2026-03-18 06:05 UTC'
    """
    return f"{moment:%Y-%m-%d %H:%M} UTC"
