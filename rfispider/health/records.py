"""What health is judged by, and the judgements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from rfispider.items import Kind, Outcome
from rfispider.politeness import Breaker
from rfispider.revisit import State
from rfispider.rhythm import Rhythm

Run = Mapping[str, Any]
"""The record of a run as it is stored."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement."""

    check: str
    """freshness, sources, leases, failures, refusals, blocks, disk or runs."""
    subject: str
    """What it is about: an edition, a host; empty for the whole."""
    level: Level
    message: str
    """One line for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A polled feed, sitemap or list as the frontier knows it."""

    url: str
    kind: Kind
    edition: str | None
    state: State
    added_at: datetime
    interval_s: float | None = None
    failures: int = 0
    misses: int = 0
    last_at: datetime | None = None
    """When its last visit ended."""
    last_outcome: Outcome | None = None
    error: str | None = None
    listed_at: datetime | None = None
    """When it last listed anything."""
    newest_at: datetime | None = None
    """Publication of the newest entry that it listed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Articles that sources list and that were never stored, longer than an interval after they were found."""

    count: int
    """Counted up to a limit of the query."""
    url: str
    """One of them."""
    error: str | None = None
    """Why its last visit failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is known of the publications of one edition."""

    edition: str
    newest_at: datetime | None = None
    """Publication of the newest stored article."""
    stored_at: datetime | None = None
    """When an article of it was last stored or changed, if that was lately."""
    rhythm: Rhythm | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The politeness budget of a host."""

    host: str
    delay_s: float = 0.0
    blocks: int = 0
    """Pages refused in a row."""
    breaker: Breaker = Breaker.CLOSED
    blocked_until: datetime | None = None
    cooldown_s: float = 0.0
    crawl_delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system that holds the database, in bytes."""

    used: int
    total: int
    data: int = 0
    """Uncompressed documents of this database."""
    storage: int = 0
    """Documents as they lie on the disk."""
    indexes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Everything that the health of a crawl is judged by."""

    now: datetime
    news: Sequence[News] = ()
    sources: Sequence[Source] = ()
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
