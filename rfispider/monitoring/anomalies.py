"""Does a run look like the runs before it? Judged on the run records, so that every worker has the same memory. Pure.

The checks are those of Spidermon's monitors (field coverage, unwanted statuses, items and errors), which cannot be
used: Spidermon 1.27 logs through a method that Scrapy 2.19 deprecates, so with warnings as errors its monitors
silently do not run; it judges before anything asynchronous can be asked, so it cannot see the runs in the database;
and it leaves the exit status alone.

A share (of articles with a field, of refused answers) is compared with that of the runs before by the two-proportion
z-test (Fleiss, Statistical Methods for Rates and Proportions, 1981, 2.3), and must differ by enough to matter: in a
long run next to nothing is significant.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import pstdev
from typing import Any

from rfispider.items import Outcome

RUNS_COMPARED = 30
"""A run is compared with so many before it."""
LEAST_BEFORE = 100
"""Fewer things than these in the runs before tell nothing about what is usual."""
SIGNIFICANT = 4.0
"""Standard errors that a share must differ by: by chance about once in 30,000 comparisons."""
SPREAD = 3.0
"""And so many standard deviations of the shares of the runs before, for runs differ among themselves."""
LEAST_SPREAD_RUNS = 3

Run = Mapping[str, Any]
UNWANTED = ("401", "402", "403", "407", "429", "451", "5")
"""What the statuses begin with by which a site refuses, or fails."""
MISSING_STATUSES = ("404", "410")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One way in which a run does not look like those before it."""

    name: str
    """coverage/EDITION/FIELD, statuses, missing, sources, extraction or refusals: the same as long as it lasts."""
    message: str
    """One line for a person."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A share of a run that must not rise."""

    name: str
    message: str
    """What rose."""
    share: Callable[[Run], Share]
    least: int
    """A run with fewer of these is too small to be judged."""
    rise: float
    """How much higher than before the share must be."""


def alarms(run: Run, before: Sequence[Run]) -> list[Alarm]:
    """What is wrong with a run, given the records of the runs before it, newest first."""
    past = [each for each in before if _reach(each) == _reach(run)][:RUNS_COMPARED]
    judged = (monitor for monitor in MONITORS if not (monitor.name in ADDRESSES and _reach(run) == "since"))
    return [*_coverage(run, past), *(alarm for monitor in judged if (alarm := _rose(monitor, run, past)))]


def _reach(run: Run) -> str:
    """What of the past a run went for: an archive has other fields than the site, and no statuses."""
    arguments = run.get("arguments") or {}
    return next((name for name in ("archive", "since") if arguments.get(name)), "")


ADDRESSES = frozenset({"missing", "sources"})
"""Not judged in a backfill: it makes up the addresses of days and months, and for many of them there is no page."""


def _rose(monitor: Monitor, run: Run, before: Sequence[Run]) -> Alarm | None:
    now, past = monitor.share(run), [monitor.share(each) for each in before]
    if now.whole < monitor.least or not higher(now, past, monitor.rise):
        return None
    usual = pooled(past).value
    return Alarm(monitor.name, f"{now.part} of {now.whole} {monitor.message}; {usual:.0%} in the runs before")


def higher(now: Share, before: Sequence[Share], rise: float) -> bool:
    """Whether a share is higher than those before it, by at least `rise` and by more than chance.

    Without a history nothing is known to be usual, and the share is compared with none at all.
    """
    usual = pooled(before)
    if usual.whole < LEAST_BEFORE:
        return now.value >= max(rise, UNHEARD_OF)
    shares = [share.value for share in before if share.whole >= now.whole / 4]
    spread = pstdev(shares) if len(shares) >= LEAST_SPREAD_RUNS else 0.0
    gap = now.value - usual.value
    return gap >= rise and gap >= SPREAD * spread and gap >= SIGNIFICANT * standard_error(now, usual)


UNHEARD_OF = 0.5
"""With no history, half of a run going wrong is an alarm, and less is not."""


def standard_error(one: Share, other: Share) -> float:
    """The standard error of the difference of two shares that are equal in truth."""
    both = pooled((one, other)).value
    # Of a share of 0 or 1 the error would be none, whatever the numbers: one more is counted on either side.
    wide = max(both * (1 - both), 1 / (one.whole + other.whole + 2))
    return sqrt(wide * (1 / one.whole + 1 / other.whole))


def pooled(shares: Iterable[Share]) -> Share:
    """All of them as one."""
    counted = list(shares)
    return Share(sum(share.part for share in counted), sum(share.whole for share in counted))


# ---- Field coverage --------------------------------------------------------------------------------------

COVERAGE_LEAST, COVERAGE_FALL = 30, 0.1


def _coverage(run: Run, before: Sequence[Run]) -> Iterator[Alarm]:
    for edition, counts in sorted((run.get("coverage") or {}).items()):
        for field in sorted(_fields(edition, [run, *before])):
            now = _lacking(run, edition, field)
            past = [share for each in before if (share := _lacking(each, edition, field)).whole]
            if now.whole < COVERAGE_LEAST or pooled(past).whole < LEAST_BEFORE:
                continue
            if higher(now, past, COVERAGE_FALL):
                usual, is_now = 1 - pooled(past).value, 1 - now.value
                message = (
                    f"{is_now:.0%} of {counts[COVERED_ARTICLES]} articles of {edition} have {field}; {usual:.0%} before"
                )
                yield Alarm(f"coverage/{edition}/{field}", message)


COVERED_ARTICLES = "articles"
"""In the coverage of an edition: how many articles were looked at; the other names are those of fields."""


def _fields(edition: str, runs: Iterable[Run]) -> set[str]:
    return {field for run in runs for field in (run.get("coverage") or {}).get(edition, {})} - {COVERED_ARTICLES}


def _lacking(run: Run, edition: str, field: str) -> Share:
    counts = (run.get("coverage") or {}).get(edition, {})
    whole = counts.get(COVERED_ARTICLES, 0)
    return Share(whole - counts.get(field, 0), whole)


# ---- Shares of a run -------------------------------------------------------------------------------------


def _of(run: Run, group: str, *names: str) -> Share:
    """So many of the counts of a group have one of these names."""
    counts: Mapping[str, int] = run.get(group) or {}
    return Share(sum(counts.get(name, 0) for name in names), sum(counts.values()))


def _statuses(*beginnings: str) -> Callable[[Run], Share]:
    def share(run: Run) -> Share:
        counts = Counter(run.get("statuses") or {})
        return Share(sum(count for status, count in counts.items() if status.startswith(beginnings)), counts.total())

    return share


MONITORS = (
    Monitor("statuses", "answers were refusals or errors of the site", _statuses(*UNWANTED), 20, 0.1),
    Monitor("missing", "answers were 404 or 410", _statuses(*MISSING_STATUSES), 20, 0.2),
    Monitor("sources", "polls listed nothing or failed", lambda run: _of(run, "sources", "empty", "failed"), 8, 0.25),
    Monitor(
        "extraction",
        "pages gave no article though they should",
        lambda run: _of(run, "outcomes", Outcome.FAILED, Outcome.EMPTY),
        20,
        0.1,
    ),
    Monitor("refusals", "pages were refused", lambda run: _of(run, "outcomes", Outcome.BLOCKED, Outcome.STUB), 20, 0.2),
)
"""The numbers are ours: a least number that keeps small runs quiet, and a rise that somebody should look at."""
