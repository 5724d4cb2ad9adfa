"""Which sources went dead."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rfispider.frontier.diagnostics import SourceHealth
from rfispider.frontier.policy.revisit import State
from rfispider.items import Kind, Outcome
from rfispider.monitoring.health.findings import HealthFinding, Level, Vitals, told
from rfispider.monitoring.health.run_checks import ALIVE, pause

SITE_WIDE = frozenset({Kind.FEED, Kind.SITEMAP, Kind.FRONT})
"""Sources that the site does not take away: one that is gone stays a fault. A section may be closed for good."""
WATCHED = SITE_WIDE | {Kind.TICKER, Kind.SECTION}
"""Kinds of sources whose death is a fault. Tags, authors and programmes come and go."""

GRACE = timedelta(minutes=1)
"""For clocks, rounding and the request itself."""
FORGIVEN = timedelta(days=7)
"""A section that has been gone for so long was closed by the site."""
FAILURES_IN_A_ROW = 2
"""So many failed polls in a row make a source dead; a retry follows a failure within a minute."""
OVERDUE_BY = 2
"""A source is dead when it was not read in so many intervals: the one it was due in, and one more."""
TOLD = 3
"""So many URLs are named in a finding."""


def sources(vitals: Vitals) -> list[HealthFinding]:
    """One finding for each edition that is polled: which of its sources are dead."""
    between = pause(vitals.runs) or timedelta()
    editions: dict[str, list[SourceHealth]] = {}
    for source in vitals.sources:
        if source.kind in WATCHED:
            editions.setdefault(source.edition or "", []).append(source)
    return [_edition_sources(edition, of_it, vitals.now, between) for edition, of_it in sorted(editions.items())]


def _edition_sources(edition: str, of_it: Sequence[SourceHealth], now: datetime, between: timedelta) -> HealthFinding:
    reasons = {source: why for source in of_it if (why := dead_because(source, now, between))}
    dead = [f"{source.url}: {why}" for source, why in reasons.items() if not forgiven(source, now)]
    listing = sum(source.listed_at is not None for source in of_it) - len(reasons)
    if dead:
        more = f"; and {len(dead) - TOLD} more" if len(dead) > TOLD else ""
        message = f"{len(dead)} of {len(of_it)} went dead: {'; '.join(dead[:TOLD])}{more}"
        return HealthFinding("sources", edition, Level.CRITICAL, message)
    if not listing and now - min(source.added_at for source in of_it) > max(ALIVE, between * OVERDUE_BY):
        return HealthFinding("sources", edition, Level.CRITICAL, f"none of {len(of_it)} lists anything")
    return HealthFinding("sources", edition, Level.OK, f"{listing} of {len(of_it)} list articles")


def forgiven(source: SourceHealth, now: datetime) -> bool:
    """Whether a source has listed nothing for so long that the site must have closed it."""
    return source.kind not in SITE_WIDE and source.listed_at is not None and now - source.listed_at > FORGIVEN


def dead_because(source: SourceHealth, now: datetime, between: timedelta) -> str | None:
    """Why a source that used to list articles is dead; None when it lives, or never lived.

    `between` is the usual time between two runs: what is not asked for cannot answer.
    """
    if source.listed_at is None or source.last_at is None:
        return None
    interval = max(timedelta(seconds=source.interval_s or 0), between)
    # A poll is written down at the moment the visit is settled: what is a minute older was another visit.
    empty = source.last_outcome is Outcome.NOT_ARTICLE and source.last_at - source.listed_at > GRACE
    reasons = {
        f"not found at {told(source.last_at)}": source.state is State.GONE or source.misses > 0,
        f"failed {source.failures} times, lately with {source.error}": source.failures >= FAILURES_IN_A_ROW,
        f"listed nothing at {told(source.last_at)}": empty,
        f"last read at {told(source.last_at)}": now - source.last_at > OVERDUE_BY * interval + GRACE,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)
