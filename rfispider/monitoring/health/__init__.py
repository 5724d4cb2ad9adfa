"""Is the crawl healthy? Checks a snapshot of the database; every finding is something that a person can act on. Pure.

findings       what a check finds, and how bad it is
freshness      whether each edition is up to date
source_checks  whether its sources still list articles
run_checks     whether crawls take place and end well
system_checks  leases, what was given up, failures, refusals, disk
"""

from collections.abc import Iterable

from rfispider.monitoring.health.findings import HealthFinding, Level
from rfispider.monitoring.health.freshness import freshness, patience_of
from rfispider.monitoring.health.run_checks import alive, runs, sign_of_life
from rfispider.monitoring.health.source_checks import sources
from rfispider.monitoring.health.system_checks import blocks, disk, failures, given_up, leases
from rfispider.monitoring.snapshot import Snapshot

__all__ = ["HealthFinding", "Level", "alive", "check_health", "patience_of", "sign_of_life", "worst"]

_SEVERITY = {level: number for number, level in enumerate(Level)}


def check_health(snapshot: Snapshot) -> list[HealthFinding]:
    """The findings of every check, the worst first."""
    findings = [
        *runs(snapshot),
        *(finding for edition in snapshot.editions for finding in freshness(edition, snapshot)),
        *sources(snapshot),
        *leases(snapshot),
        given_up(snapshot),
        *failures(snapshot),
        *(blocks(host, snapshot.now) for host in snapshot.hosts),
        *disk(snapshot.disk),
    ]
    return sorted(findings, key=lambda finding: -_SEVERITY[finding.level])


def worst(findings: Iterable[HealthFinding]) -> Level:
    """The level of the worst finding; OK when there is none."""
    return max((finding.level for finding in findings), key=_SEVERITY.__getitem__, default=Level.OK)
