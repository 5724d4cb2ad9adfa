"""Whether each edition is up to date: by what its sources list, and by how often it usually publishes."""

from collections.abc import Sequence
from datetime import timedelta

from rfispider.frontier.diagnostics import SourceHealth
from rfispider.frontier.policy.revisit import MINUTE_S
from rfispider.monitoring.health.findings import HealthFinding, Level, utc_minute
from rfispider.monitoring.health.run_checks import pause
from rfispider.monitoring.snapshot import EditionFreshness, Run, Snapshot

GRACE = timedelta(minutes=1)
"""For clocks, rounding and the request itself."""
STALLED = 2
"""One article that cannot be stored may be at fault itself; two are not."""
STALLED_EXPECTED = 3.0
"""Or when so many articles would usually have been published by now."""


def freshness(edition: EditionFreshness, snapshot: Snapshot) -> list[HealthFinding]:
    """Whether an edition is up to date.

    An edition that no source is polled for is not checked: its articles were imported.
    """
    polled = [source for source in snapshot.sources if source.edition == edition.edition]
    if not polled:
        return []
    expected = edition.expected(snapshot.now) or 0.0
    level, message = _stalled(edition, polled, snapshot, expected) or _silent(edition, expected)
    return [HealthFinding("freshness", edition.edition, level, message)]


def _stalled(
    edition: EditionFreshness, polled: Sequence[SourceHealth], snapshot: Snapshot, expected: float
) -> tuple[Level, str] | None:
    """The sources list what is not stored, and nothing is stored."""
    waiting, patience = edition.waiting, patience_of(polled, snapshot.runs)
    if not waiting or (edition.stored_at and snapshot.now - edition.stored_at <= patience):
        return None
    is_certain = waiting.count >= STALLED or expected >= STALLED_EXPECTED
    number = "1 article" if waiting.count == 1 else f"{waiting.count} articles"
    message = f"{number} that its sources list could not be stored, such as {waiting.url}"
    reason = f": {waiting.error}" if waiting.error else ""
    return (Level.CRITICAL if is_certain else Level.WARNING), message + reason


def _silent(edition: EditionFreshness, expected: float) -> tuple[Level, str]:
    """The sources list nothing new at all."""
    if edition.newest_at is None:
        return Level.OK, "no article yet"
    newest = f"the newest article is from {utc_minute(edition.newest_at)}"
    if edition.rate is None:
        return Level.OK, f"{newest}; how often it publishes is not known yet"
    message, limit = f"{newest}; {expected:.1f} articles would usually have followed", edition.rate.limit
    if expected > limit:
        return Level.CRITICAL, f"{message}, and above {limit:.1f} a silence is not chance"
    return (Level.WARNING if expected > limit / 2 else Level.OK), message


def patience_of(polled: Sequence[SourceHealth], runs: Sequence[Run]) -> timedelta:
    """How long a new article may take: an interval of the source polled most often, or the time between two runs."""
    fastest = min((source.interval_s for source in polled if source.interval_s), default=15 * MINUTE_S)
    return max(timedelta(seconds=fastest), pause(runs) or timedelta()) + GRACE
