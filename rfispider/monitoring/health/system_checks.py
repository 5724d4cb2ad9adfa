"""Leases, what was given up, failures, refusals, disk."""

from datetime import datetime, timedelta

from rfispider.frontier.diagnostics import Host
from rfispider.frontier.policy.politeness import Breaker
from rfispider.frontier.policy.revisit import MINUTE_S
from rfispider.items import Outcome
from rfispider.monitoring.health.findings import HealthFinding, Level, utc_minute
from rfispider.monitoring.health.run_checks import alive, recent_outcomes
from rfispider.monitoring.snapshot import Snapshot
from rfispider.storage.read.statistics import Disk

STUCK = timedelta(minutes=10)
"""A lease that ran out so long ago was taken over by nobody."""
GIVEN_UP, GIVEN_UP_SHARE = 5, 0.001
"""So many pages given up are critical, and in a large archive so large a share of it: some pages fail for ever."""
LEAST_PAGES = 20
"""Fewer pages say nothing about a share."""
FAILED_SHARE, REFUSED_SHARE = 0.2, 0.5
LASTING_S = 15 * MINUTE_S
"""A cooldown of the circuit breaker as long as this has grown with several refused probes."""
DISK_WARNING, DISK_CRITICAL = 0.9, 0.95
"""Shares of the disk in use; the server stops to take writes before it is full."""


def leases(snapshot: Snapshot) -> list[HealthFinding]:
    """Whether what dead workers left is taken over. Where nobody works, the next run does."""
    if not snapshot.expired_leases or snapshot.expired_since is None:
        return [HealthFinding("leases", "", Level.OK, "none is stuck")]
    since = utc_minute(snapshot.expired_since)
    message = f"{snapshot.expired_leases} ran out, the first at {since}, and nobody took over"
    stuck = snapshot.now - snapshot.expired_since > STUCK and alive(snapshot.runs, snapshot.now)
    return [HealthFinding("leases", "", Level.CRITICAL if stuck else Level.WARNING, message)]


def given_up(snapshot: Snapshot) -> HealthFinding:
    """Whether pages failed so often that they are not fetched again by themselves: each of them may be an article."""
    pages = snapshot.given_up
    if pages is None:
        return HealthFinding("given-up", "", Level.OK, "no page was given up")
    number = "1 page was" if pages.count == 1 else f"{pages.count} pages were"
    reason = f": {pages.error}" if pages.error else ""
    message = f"{number} given up, such as {pages.url}{reason}; `rfispider frontier retry` fetches them again"
    limit = max(GIVEN_UP, GIVEN_UP_SHARE * snapshot.articles)
    return HealthFinding("given-up", "", Level.CRITICAL if pages.count >= limit else Level.WARNING, message)


def failures(snapshot: Snapshot) -> list[HealthFinding]:
    """How many of the pages visited lately failed, and how many the site refused."""
    outcomes = recent_outcomes(snapshot.runs)
    total = outcomes.total()
    failed = outcomes[Outcome.FAILED] + outcomes[Outcome.EMPTY]
    refused = outcomes[Outcome.BLOCKED] + outcomes[Outcome.STUB]
    return [
        _share("failures", "failed", failed, total, FAILED_SHARE),
        _share("refusals", "were refused", refused, total, REFUSED_SHARE),
    ]


def _share(check: str, event: str, count: int, total: int, limit: float) -> HealthFinding:
    message = f"{count} of the last {total} pages {event}"
    if total < LEAST_PAGES:
        return HealthFinding(check, "", Level.OK, message)
    share = count / total
    level = Level.CRITICAL if share >= limit else Level.WARNING if share >= limit / 2 else Level.OK
    return HealthFinding(check, "", level, message)


def blocks(host: Host, now: datetime) -> HealthFinding:
    """Whether a host serves pages."""
    if host.breaker is Breaker.CLOSED:
        return HealthFinding(
            "blocks", host.host, Level.OK, f"pages are served, {host.delay_s:g} s between two requests"
        )
    until = f", none is requested until {utc_minute(host.blocked_until)}" if host.blocked_until else ""
    message = f"pages are refused, {host.blocks} in a row{until}"
    # The cooldown doubles with each probe that is refused: the site has held out for as long.
    lasting = host.cooldown_s >= LASTING_S or (host.blocked_until is not None and now - host.blocked_until > STUCK)
    return HealthFinding("blocks", host.host, Level.CRITICAL if lasting else Level.WARNING, message)


def disk(usage: Disk | None) -> list[HealthFinding]:
    """Whether the disk of the database has room."""
    if not usage or not usage.total:
        return []
    share = usage.used / usage.total
    level = Level.CRITICAL if share >= DISK_CRITICAL else Level.WARNING if share >= DISK_WARNING else Level.OK
    return [HealthFinding("disk", "", level, f"{share:.0%} of {usage.total / 1e9:.0f} GB are in use")]
