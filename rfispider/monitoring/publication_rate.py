"""How often an edition publishes, hour by hour of the week, and how improbable a silence is. Pure.

Publication is taken for a Poisson process whose rate depends on the hour of the week. Then the number of articles
that a stretch of time should have brought says how improbable its silence is, at night as at noon: no article where
`n` were expected has the probability exp(-n) (D. Daley and D. Vere-Jones, An Introduction to the Theory of Point
Processes, 2003, chapter 7, on rescaling time). Real news comes in bursts, so a silence is measured against the
longest of the last weeks too.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
WEEK_HOURS = 7 * 24

LEAST_HOURS = 48
"""A shorter history says nothing about the hours of a day."""
LEAST_ARTICLES = 20
"""Fewer articles than these say nothing about a rate."""
SHRINKAGE = 1.0
"""The mean of the hour of the day counts as so many weeks of its hour of the week: one odd Sunday is no rule."""
IMPROBABLE = 13.8
"""Silence where so many articles were expected happens once in a million gaps: exp(-13.8). Sixteen editions make
about two thousand gaps a day."""
SILENCE_MARGIN = 1.5
"""A silence is unusual when it is so many times as long as the longest before it."""


@dataclass(frozen=True, slots=True)
class PublicationRate:
    """What is usual for one edition."""

    rates: tuple[float, ...]
    """Articles expected in each hour of the week, from Monday 00:00 UTC: 168 numbers."""
    longest: float
    """The longest silence of the history, as the number of articles that were expected in it."""

    @property
    def limit(self) -> float:
        """A silence in which more articles were expected than this is improbable."""
        return max(IMPROBABLE, SILENCE_MARGIN * self.longest)

    def expected(self, since: datetime, until: datetime) -> float:
        """How many articles the time between two moments usually brings; 0 when it is empty."""
        total, at = 0.0, since
        if (until - since) / HOUR > 2 * WEEK_HOURS:
            weeks = int((until - since) / HOUR) // WEEK_HOURS
            total, at = weeks * sum(self.rates), since + weeks * WEEK_HOURS * HOUR
        while at < until:
            end = min(hour_of(at) + HOUR, until)
            total += self.rates[hour_of_week(at)] * ((end - at) / HOUR)
            at = end
        return total


def publication_rate(hours: Mapping[datetime, int], now: datetime) -> PublicationRate | None:
    """The rate behind a history: `hours` gives the articles of each whole hour (UTC) that had any.

    Only whole hours before `now` count. None when the history is too short or too thin to say.
    """
    counts = {hour: number for hour, number in hours.items() if hour + HOUR <= now}
    if not counts or sum(counts.values()) < LEAST_ARTICLES:
        return None
    first, end = min(counts), hour_of(now)
    span = [first + n * HOUR for n in range(int((end - first) / HOUR))]
    if len(span) < LEAST_HOURS:
        return None
    rates = _rates(counts, span)
    return PublicationRate(rates, _longest(counts, span, rates))


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour that a moment lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hour_of_week(moment: datetime) -> int:
    """The hour of the week, from 0 (Monday 00:00) to 167."""
    return moment.weekday() * 24 + moment.hour


def _rates(counts: Mapping[datetime, int], span: list[datetime]) -> tuple[float, ...]:
    of_week, of_day = Counter(map(hour_of_week, span)), Counter(hour.hour for hour in span)
    in_week: Counter[int] = Counter()
    in_day: Counter[int] = Counter()
    for hour, number in counts.items():
        in_week[hour_of_week(hour)] += number
        in_day[hour.hour] += number
    daily = _smoothed([in_day[hour] / of_day[hour] for hour in range(24)])
    return tuple(
        (in_week[hour] + SHRINKAGE * daily[hour % 24]) / (of_week[hour] + SHRINKAGE) for hour in range(WEEK_HOURS)
    )


def _smoothed(values: list[float]) -> list[float]:
    """Each value averaged with its neighbours, round the clock."""
    return [(values[n - 1] + 2 * value + values[(n + 1) % len(values)]) / 4 for n, value in enumerate(values)]


def _longest(counts: Mapping[datetime, int], span: list[datetime], rates: tuple[float, ...]) -> float:
    longest = silent = 0.0
    for hour in span:
        silent = 0.0 if counts.get(hour) else silent + rates[hour_of_week(hour)]
        longest = max(longest, silent)
    return longest
