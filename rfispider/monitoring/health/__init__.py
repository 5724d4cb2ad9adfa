"""Is the crawl healthy? Judges what the database says; every judgement is a finding that a person can act on. Pure.

Times are aware UTC datetimes, `now` is the clock of the database's server.

records    what is judged, and the judgements
freshness  whether each edition is up to date
polls      whether its sources live
runs       whether crawls take place and end well
operation  leases, failures, refusals, disk
"""

from collections.abc import Iterable

from rfispider.monitoring.health.findings import EditionFreshness, HealthFinding, Level, Run, Vitals
from rfispider.monitoring.health.freshness import freshness, patience_of
from rfispider.monitoring.health.run_checks import alive, runs, sign_of_life
from rfispider.monitoring.health.source_checks import sources
from rfispider.monitoring.health.system_checks import blocks, disk, failures, leases

__all__ = [
    "EditionFreshness",
    "HealthFinding",
    "Level",
    "Run",
    "Vitals",
    "alive",
    "findings",
    "patience_of",
    "sign_of_life",
    "worst",
]

_ORDER = {level: number for number, level in enumerate(Level)}


def findings(vitals: Vitals) -> list[HealthFinding]:
    """Every judgement, the worst first."""
    found = [
        *runs(vitals),
        *(finding for news in vitals.news for finding in freshness(news, vitals)),
        *sources(vitals),
        *leases(vitals),
        *failures(vitals),
        *(blocks(host, vitals.now) for host in vitals.hosts),
        *disk(vitals.disk),
    ]
    return sorted(found, key=lambda finding: -_ORDER[finding.level])


def worst(found: Iterable[HealthFinding]) -> Level:
    """The level of the worst finding."""
    return max((finding.level for finding in found), key=_ORDER.__getitem__, default=Level.OK)
