"""The numbers of the report, arranged as it shows them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rfispider.items import Outcome
from rfispider.monitoring.health import HealthFinding, Level
from rfispider.monitoring.snapshot import EditionFreshness, Run, Snapshot
from rfispider.site.editions import EDITIONS
from rfispider.site.selectors import TIMEZONE
from rfispider.storage import Completeness, Story

ZONE = ZoneInfo(TIMEZONE)
DAYS_SHOWN = 28
"""Days that are shown: as far back as the publication rate is learnt."""
SHOWN = 6
"""So many editions have a colour of their own in a chart; the rest is one more."""
OTHER_EDITIONS = "others"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
REPORTED_FIELDS = (
    "lead",
    "text",
    "authors",
    "agency",
    "tags",
    "published_at",
    "modified_at",
    "images",
    "audio",
    "related",
)
"""Fields whose completeness is shown."""

FATES = {
    "new or changed": (Outcome.NEW, Outcome.CHANGED),
    "as before": (Outcome.SAME, Outcome.UNCHANGED, Outcome.DUPLICATE, Outcome.CLAIMED),
    "no article": (Outcome.NOT_ARTICLE, Outcome.GONE),
    "refused": (Outcome.BLOCKED, Outcome.STUB),
    "failed": (Outcome.FAILED, Outcome.EMPTY),
}
"""What can become of a page, in five words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What the database gave for the report."""

    database: str
    snapshot: Snapshot
    hours: Mapping[str, Mapping[datetime, int]]
    """Edition -> hour (UTC) -> articles published in it, over the last weeks."""
    completeness: Sequence[Completeness]
    newest: Sequence[Mapping[str, Any]]
    """Headlines, as `Store.newest` gives them."""
    stories: Sequence[Story]
    failed: Sequence[Mapping[str, Any]]
    """Documents of the frontier whose last visit failed."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of bars."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Articles by weekday and hour, of one edition or of all."""

    name: str
    rows: Sequence[Sequence[int]]
    """Seven rows from Monday, 24 numbers each."""

    @property
    def most(self) -> int:
        """The greatest number, at least 1."""
        return max(1, *(max(row) for row in self.rows))


def days(now: datetime) -> list[date]:
    """The days that are shown, the last one is today; by the clock of the site."""
    today = now.astimezone(ZONE).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]


def by_day(hours: Mapping[str, Mapping[datetime, int]], now: datetime) -> list[Series]:
    """Articles by day: the editions with the most of them, and the others as one."""
    shown = days(now)
    counts = {edition: Counter[date]() for edition in hours}
    for edition, articles in hours.items():
        for hour, number in articles.items():
            counts[edition][hour.astimezone(ZONE).date()] += number
    ranked = sorted(counts, key=lambda edition: (-counts[edition].total(), edition))
    series = [Series(edition, [counts[edition][day] for day in shown]) for edition in ranked[:SHOWN]]
    rest = sum((counts[edition] for edition in ranked[SHOWN:]), Counter[date]())
    return [*series, Series(OTHER_EDITIONS, [rest[day] for day in shown])] if len(ranked) > SHOWN else series


def weekly_patterns(hours: Mapping[str, Mapping[datetime, int]]) -> list[HeatMap]:
    """Articles by weekday and hour of the site's clock: of all editions, then of each."""
    every: Counter[datetime] = Counter()
    for articles in hours.values():
        every.update(articles)
    return [HeatMap("all editions", _week(every)), *(HeatMap(name, _week(hours[name])) for name in sorted(hours))]


def _week(hours: Mapping[datetime, int]) -> list[list[int]]:
    rows = [[0] * 24 for _ in WEEKDAYS]
    for hour, number in hours.items():
        local = hour.astimezone(ZONE)
        rows[local.weekday()][local.hour] += number
    return rows


def by_run(runs: Iterable[Run]) -> tuple[list[str], list[Series]]:
    """The runs that had pages, the oldest first: when they began, and what became of their pages."""
    shown = [run for run in runs if run.get("outcomes")][::-1]
    labels = [f"{run['started_at']:%d %b %H:%M}" for run in shown]
    return labels, [Series(fate, [_pages(run, outcomes) for run in shown]) for fate, outcomes in FATES.items()]


def _pages(run: Run, outcomes: Iterable[str]) -> int:
    """How many pages of a run came to one of these outcomes."""
    return sum(run["outcomes"].get(outcome, 0) for outcome in outcomes)


def percent(row: Completeness, field: str) -> int | None:
    """How many of a hundred articles have a field; None when there is no article."""
    return round(100 * row.filled.get(field, 0) / row.sampled) if row.sampled else None


@dataclass(frozen=True, slots=True)
class FreshnessRow:
    """How up to date an edition is."""

    edition: str
    newest_at: datetime | None
    age: str
    expected: float | None
    """Articles that were to be expected since."""
    level: Level
    message: str


def freshness_row(edition: EditionFreshness, findings: Sequence[HealthFinding], now: datetime) -> FreshnessRow:
    """How up to date an edition is; one that nobody polls is never late."""
    subject = ("freshness", edition.edition)
    finding = next((each for each in findings if (each.check, each.subject) == subject), None)
    newest_at = edition.newest_at
    return FreshnessRow(
        edition=edition.edition,
        newest_at=newest_at,
        age=span(now - newest_at) if newest_at else "-",
        expected=edition.expected(now),
        level=finding.level if finding else Level.OK,
        message=finding.message if finding else "not polled",
    )


def span(time: timedelta) -> str:
    """A length of time as a person says it.

    >>> span(timedelta(hours=3)), span(timedelta(days=2, hours=7))
    ('3 h', '2 d')
    """
    minutes = max(0, round(time / timedelta(minutes=1)))
    if minutes < 2 * 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2 * 24 * 60 else f"{minutes // (24 * 60)} d"


def name_of(edition: str) -> str:
    """What an edition calls itself."""
    return EDITIONS[edition].name if edition in EDITIONS else edition


def language_of(edition: str) -> str:
    """The language of an edition (BCP 47); undetermined when it is unknown."""
    return EDITIONS[edition].language if edition in EDITIONS else "und"


@dataclass(frozen=True, slots=True)
class Failure:
    """A URL whose last visit failed."""

    url: str
    at: datetime | None
    why: str
    again_at: datetime | None


def failures(documents: Iterable[Mapping[str, Any]]) -> list[Failure]:
    """What failed, the latest first."""
    failed = [_failure(document) for document in documents]
    return sorted(failed, key=lambda failure: failure.at.timestamp() if failure.at else 0.0, reverse=True)


def _failure(document: Mapping[str, Any]) -> Failure:
    last = document.get("last") or {}
    why = last.get("error") or (f"HTTP {last['status']}" if last.get("status") else "unknown")
    return Failure(document["url"], last.get("at"), why, document.get("due_at"))
