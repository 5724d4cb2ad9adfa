"""What health, metrics and the report are made of: the state of archive and frontier at one moment. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rfispider.frontier.diagnostics import GivenUp, Host, SourceHealth, WaitingArticles
from rfispider.monitoring.publication_rate import PublicationRate
from rfispider.storage.read.statistics import Disk

Run = Mapping[str, Any]
"""The record of a run as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionFreshness:
    """How recent the articles of one edition are, and how recent they should be."""

    edition: str
    newest_at: datetime | None = None
    """Publication of the newest stored article."""
    stored_at: datetime | None = None
    """When an article of it was last stored or changed, if that was lately."""
    rate: PublicationRate | None = None
    """How often it usually publishes; None while its history is too short to say."""
    waiting: WaitingArticles | None = None
    """Articles that its sources list and that are not stored; None when there are none."""

    def age(self, now: datetime) -> float | None:
        """Seconds since the publication of the newest article; None when there is none."""
        return (now - self.newest_at).total_seconds() if self.newest_at else None

    def expected(self, now: datetime) -> float | None:
        """How many articles it usually publishes in the time since the newest; None while that is unknown."""
        return self.rate.expected(self.newest_at, now) if self.rate and self.newest_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Archive and frontier at one moment. All times are aware, in UTC."""

    now: datetime
    """By the clock of the database's server."""
    editions: Sequence[EditionFreshness] = ()
    sources: Sequence[SourceHealth] = ()
    hosts: Sequence[Host] = ()
    runs: Sequence[Run] = ()
    """The last run records, newest first."""
    expired_leases: int = 0
    """Leases that ran out and that nobody took over."""
    expired_since: datetime | None = None
    """When the first of them ran out."""
    given_up: GivenUp | None = None
    """URLs that failed so often that they are not tried again; None when there are none."""
    disk: Disk | None = None
    articles: int = 0
    """How many are stored."""
    urls: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """State, edition, kind -> URLs of the frontier; empty when they were not counted."""
