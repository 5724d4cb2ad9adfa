"""Which sources stopped working."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rfispider.frontier.diagnostics import SourceHealth
from rfispider.frontier.policy.revisit import State
from rfispider.items import Kind, Outcome
from rfispider.monitoring.health.findings import HealthFinding, Level, utc_minute
from rfispider.monitoring.health.freshness import GRACE
from rfispider.monitoring.health.run_checks import ALIVE, pause
from rfispider.monitoring.snapshot import Snapshot

SITE_WIDE = frozenset({Kind.FEED, Kind.SITEMAP, Kind.FRONT})
"""Sources that the site does not take away: one that is gone stays a fault. A section may be closed for good."""
WATCHED = SITE_WIDE | {Kind.LIVE_FEED, Kind.SECTION}
"""Kinds of sources whose death is a fault. Tags, authors and programmes come and go."""

FORGIVEN = timedelta(days=7)
"""A section that has been gone for so long was closed by the site."""
FAILURES_IN_A_ROW = 2
"""So many failed polls in a row make a source dead; a retry follows a failure within a minute."""
OVERDUE_BY = 2
"""A source is dead when it was not read in so many intervals: the one it was due in, and one more."""
NAMED = 3
"""How many dead sources a finding names."""


def sources(snapshot: Snapshot) -> list[HealthFinding]:
    """One finding for each edition that is polled: which of its sources are dead."""
    run_gap = pause(snapshot.runs) or timedelta()
    editions: dict[str, list[SourceHealth]] = {}
    for source in snapshot.sources:
        if source.kind in WATCHED:
            editions.setdefault(source.edition or "", []).append(source)
    return [
        HealthFinding("sources", edition, *_edition_sources(polled, snapshot.now, run_gap))
        for edition, polled in sorted(editions.items())
    ]


def _edition_sources(polled: Sequence[SourceHealth], now: datetime, run_gap: timedelta) -> tuple[Level, str]:
    reasons = {source: reason for source in polled if (reason := dead_because(source, now, run_gap))}
    dead = [f"{source.url}: {reason}" for source, reason in reasons.items() if not forgiven(source, now)]
    if dead:
        return Level.CRITICAL, _dead_message(dead, len(polled))
    listing = sum(source.listed_at is not None for source in polled) - len(reasons)
    first_added_at = min(source.added_at for source in polled)
    if not listing and now - first_added_at > max(ALIVE, run_gap * OVERDUE_BY):
        return Level.CRITICAL, f"none of {len(polled)} lists anything"
    return Level.OK, f"{listing} of {len(polled)} list articles"


def _dead_message(dead: Sequence[str], polled: int) -> str:
    more = f"; and {len(dead) - NAMED} more" if len(dead) > NAMED else ""
    return f"{len(dead)} of {polled} stopped working: {'; '.join(dead[:NAMED])}{more}"


def forgiven(source: SourceHealth, now: datetime) -> bool:
    """Whether a source has listed nothing for so long that the site must have closed it."""
    return source.kind not in SITE_WIDE and source.listed_at is not None and now - source.listed_at > FORGIVEN


def dead_because(source: SourceHealth, now: datetime, run_gap: timedelta) -> str | None:
    """Why a source that used to list articles is dead; None when it lives, or never lived.

    `run_gap` is the usual time between two runs: a source that is not polled cannot list anything.
    """
    if source.listed_at is None or source.last_at is None:
        return None
    interval = max(timedelta(seconds=source.interval_s or 0), run_gap)
    # A poll is written down at the moment the visit is completed: what is a minute older was another visit.
    empty = source.last_outcome is Outcome.NOT_ARTICLE and source.last_at - source.listed_at > GRACE
    reasons = {
        f"not found at {utc_minute(source.last_at)}": source.state is State.GONE or source.misses > 0,
        f"failed {source.failures} times, lately with {source.error}": source.failures >= FAILURES_IN_A_ROW,
        f"listed nothing at {utc_minute(source.last_at)}": empty,
        f"last read at {utc_minute(source.last_at)}": now - source.last_at > OVERDUE_BY * interval + GRACE,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)
