"""What health is judged by, and the judgements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from rfispider.frontier.diagnostics import Host, SourceHealth, WaitingArticles
from rfispider.monitoring.publication_rate import PublicationRate
from rfispider.storage.read.statistics import Disk

Run = Mapping[str, Any]
"""The record of a run as it is stored."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One judgement."""

    check: str
    """freshness, sources, leases, failures, refusals, blocks, disk or runs."""
    subject: str
    """What it is about: an edition, a host; empty for the whole."""
    level: Level
    message: str
    """One line for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionFreshness:
    """What is known of the publications of one edition."""

    edition: str
    newest_at: datetime | None = None
    """Publication of the newest stored article."""
    stored_at: datetime | None = None
    """When an article of it was last stored or changed, if that was lately."""
    rhythm: PublicationRate | None = None
    waiting: WaitingArticles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Everything that the health of a crawl is judged by."""

    now: datetime
    news: Sequence[EditionFreshness] = ()
    sources: Sequence[SourceHealth] = ()
    hosts: Sequence[Host] = ()
    runs: Sequence[Mapping[str, Any]] = ()
    """The last run records, newest first."""
    expired: int = 0
    """Leases that ran out and were taken over by nobody."""
    expired_since: datetime | None = None
    """When the first of them did."""
    disk: Disk | None = None
    articles: int = 0
    """How many are stored."""


def told(moment: datetime) -> str:
    """A moment as a person reads it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
