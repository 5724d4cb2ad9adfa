"""Whether each edition is up to date: by what its sources list, and by its own rhythm."""

from collections.abc import Sequence
from datetime import timedelta

from rfispider.frontier.diagnostics import SourceHealth
from rfispider.frontier.policy.revisit import MINUTE
from rfispider.monitoring.health.findings import EditionFreshness, HealthFinding, Level, Run, Vitals, told
from rfispider.monitoring.health.run_checks import pause

GRACE = timedelta(minutes=1)
"""For clocks, rounding and the request itself."""
STALLED = 2
"""One article that cannot be stored may be at fault itself; two are not."""
STALLED_EXPECTED = 3.0
"""Or when so many articles would usually have been published by now."""


def freshness(news: EditionFreshness, vitals: Vitals) -> list[HealthFinding]:
    """Whether an edition is up to date: by what its sources list, and by its own rhythm.

    An edition that no source is polled for is not judged: its articles were imported.
    """
    polled = [source for source in vitals.sources if source.edition == news.edition]
    if not polled:
        return []
    expected = news.rhythm.expected(news.newest_at, vitals.now) if news.rhythm and news.newest_at else 0.0
    level, message = _stalled(news, polled, vitals, expected) or _silent(news, expected)
    return [HealthFinding("freshness", news.edition, level, message)]


def _stalled(
    news: EditionFreshness, polled: Sequence[SourceHealth], vitals: Vitals, expected: float
) -> tuple[Level, str] | None:
    """The sources list what is not stored, and nothing is stored."""
    waiting, patience = news.waiting, patience_of(polled, vitals.runs)
    if not waiting or (news.stored_at and vitals.now - news.stored_at <= patience):
        return None
    sure = waiting.count >= STALLED or expected >= STALLED_EXPECTED
    many = "1 article" if waiting.count == 1 else f"{waiting.count} articles"
    message = f"{many} that its sources list could not be stored, such as {waiting.url}"
    reason = f": {waiting.error}" if waiting.error else ""
    return (Level.CRITICAL if sure else Level.WARNING), message + reason


def _silent(news: EditionFreshness, expected: float) -> tuple[Level, str]:
    """Nothing new is known of at all."""
    if news.newest_at is None:
        return Level.OK, "no article yet"
    newest = f"the newest article is of {told(news.newest_at)}"
    if news.rhythm is None:
        return Level.OK, f"{newest}; its rhythm is not known yet"
    usual = f"{newest}; {expected:.1f} articles were to be expected since"
    if expected > news.rhythm.limit:
        return Level.CRITICAL, f"{usual}, more than {news.rhythm.limit:.1f} is no chance"
    return (Level.WARNING if expected > news.rhythm.limit / 2 else Level.OK), usual


def patience_of(polled: Sequence[SourceHealth], runs: Sequence[Run]) -> timedelta:
    """How long a new article may take: an interval of the source polled most often, or the time between two runs."""
    fastest = min((source.interval_s for source in polled if source.interval_s), default=15 * MINUTE)
    return max(timedelta(seconds=fastest), pause(runs) or timedelta()) + GRACE
