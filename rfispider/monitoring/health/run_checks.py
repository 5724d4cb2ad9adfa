"""Whether crawls take place, and end well."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from rfispider.monitoring.health.findings import HealthFinding, Level, utc_minute
from rfispider.monitoring.snapshot import Run, Snapshot

ALIVE = timedelta(minutes=5)
"""A run that gave no sign of life for so long has died; it gives one a minute."""
LEAST_RUN_GAP, FIRST_RUN_GAP, MOST_RUN_GAP = timedelta(hours=1), timedelta(hours=26), timedelta(days=8)
"""Bounds of how long no run may give a sign of life, and what holds before three runs show how often they start."""
KILLED_REPORTED = timedelta(hours=1)
"""How long a killed run is reported while others go on."""
WINDOW_PAGES = 50
"""The last runs are looked at until they make up so many pages."""


def runs(snapshot: Snapshot) -> list[HealthFinding]:
    """Whether crawls take place, and end well."""
    if not snapshot.runs:
        return [HealthFinding("runs", "", Level.WARNING, "there has been no run yet")]
    living = alive(snapshot.runs, snapshot.now)
    if living:
        return [_living(living, killed(snapshot.runs, snapshot.now))]
    last = max(map(sign_of_life, snapshot.runs))
    if snapshot.now - last > patience_with_runs(snapshot.runs):
        return [HealthFinding("runs", "", Level.CRITICAL, f"none since {utc_minute(last)}")]
    return [_last_run(snapshot.runs, last)]


def _living(living: Sequence[Run], dead: Sequence[Run]) -> HealthFinding:
    message = f"{len(living)} under way, the first since {utc_minute(min(run['started_at'] for run in living))}"
    if not dead:
        return HealthFinding("runs", "", Level.OK, message)
    last = max(dead, key=sign_of_life)
    killed_runs = f"{len(dead)} killed, {last['worker']} after {utc_minute(sign_of_life(last))}"
    return HealthFinding("runs", "", Level.WARNING, f"{message}; {killed_runs}")


def _last_run(records: Sequence[Run], last: datetime) -> HealthFinding:
    ended = [run for run in records if run.get("finished_at")]
    newest = max(ended, key=sign_of_life, default=None)
    if newest is None:
        return HealthFinding("runs", "", Level.WARNING, f"the last one was killed at about {utc_minute(last)}")
    if newest.get("problem") and newest.get("reason") != "shutdown":
        return HealthFinding("runs", "", Level.CRITICAL, f"the last one failed: {newest['problem']}")
    return HealthFinding("runs", "", Level.OK, f"the last one ended at {utc_minute(newest['finished_at'])}")


def sign_of_life(run: Run) -> datetime:
    """When a run was last heard of."""
    moment: datetime = run.get("finished_at") or run.get("updated_at") or run["started_at"]
    return moment


def alive(records: Iterable[Run], now: datetime) -> list[Run]:
    """The runs that are under way."""
    return [run for run in records if not run.get("finished_at") and now - sign_of_life(run) <= ALIVE]


def killed(records: Iterable[Run], now: datetime) -> list[Run]:
    """The runs that ended lately without a record of it: killed, or without a database then."""
    silent = ((run, now - sign_of_life(run)) for run in records if not run.get("finished_at"))
    return [run for run, since in silent if ALIVE < since <= KILLED_REPORTED]


def pause(records: Sequence[Run]) -> timedelta | None:
    """The usual time between the starts of two runs that ended by themselves; None for fewer than three of them."""
    starts = sorted(run["started_at"] for run in records if run.get("reason") == "finished")
    gaps = [after - before for before, after in pairwise(starts)]
    return median(gaps) if len(gaps) > 1 else None


def patience_with_runs(records: Sequence[Run]) -> timedelta:
    """How long no run may be heard of."""
    usual = pause(records)
    return FIRST_RUN_GAP if usual is None else min(max(3 * usual, LEAST_RUN_GAP), MOST_RUN_GAP)


def recent_outcomes(records: Iterable[Run]) -> Counter[str]:
    """Outcomes of the last runs, as many of them as it takes; of a run under way what it last recorded of itself."""
    outcomes: Counter[str] = Counter()
    for run in sorted(records, key=sign_of_life, reverse=True):
        recent = run.get("recent") if not run.get("finished_at") else None
        outcomes.update(run.get("outcomes") or {} if recent is None else recent)
        if outcomes.total() >= WINDOW_PAGES:
            break
    return outcomes
