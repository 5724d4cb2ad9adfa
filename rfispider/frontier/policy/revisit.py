"""When a URL is due again: sources adapt, young articles decay, failures back off, the missing become gone.

Pure: the clock and the random number come in as arguments, durations go out in seconds counted from now, so that
whoever stores them can add them to the clock of the server.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rfispider.frontier.policy.claims import again_in_s
from rfispider.items import SOURCE_KINDS, Claim, Kind, Outcome

MINUTE_S = 60.0
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


class State(StrEnum):
    """Where a URL of the frontier stands. Whether it may be claimed is told by its due time alone."""

    DUE = "due"
    """Never fetched, or told to be fetched again."""
    LEASED = "leased"
    """A worker has it until the lease runs out."""
    DONE = "done"
    """Fetched; with a due time it is looked at again, without one never."""
    FAILED = "failed"
    """The last fetch failed; with a due time it is tried again, without one only when a person asks."""
    GONE = "gone"
    """The site has removed it: a tombstone."""


# ---- Sources: how much two polls overlap -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one look at a source (feed, sitemap, list page) showed."""

    at: datetime
    """When it was looked at."""
    keys: tuple[str, ...]
    """Keys of the URLs it listed."""
    oldest_at: datetime | None = None
    """Publication time of its oldest entry, when it tells one."""
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of time in which a source may have listed something that nobody saw."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The intervals a source may be polled at, in seconds."""

    first: float
    fastest: float
    slowest: float


_NEWSWIRE = Bounds(first=15 * MINUTE_S, fastest=5 * MINUTE_S, slowest=HOUR_S)
_TOPIC = Bounds(first=HOUR_S, fastest=15 * MINUTE_S, slowest=DAY_S)
_NICHE = Bounds(first=6 * HOUR_S, fastest=HOUR_S, slowest=7 * DAY_S)

BOUNDS = {
    Kind.FEED: _NEWSWIRE,
    Kind.SITEMAP: _NEWSWIRE,
    Kind.LIVE_FEED: _NEWSWIRE,
    Kind.FRONT: _NEWSWIRE,
    Kind.SECTION: _TOPIC,
    Kind.PROGRAMME: _NICHE,
    Kind.TAG: _NICHE,
    Kind.AUTHOR: _NICHE,
}
"""How often each kind of source is polled. The bounds are ours, set by how often each kind of page can change; a long
feed whose entries stay for days would be asked ever more seldom, and news is to be had within the hour."""

SLOWER_OVER = 0.67
FASTER_UNDER = 0.33
"""Shares of known entries between which the interval is right. The idea of steering by the share of duplicates
between an upper and a lower limit is that of Media Cloud's rss-fetcher (`_check_auto_adjust` in fetcher/tasks.py)."""

INTERVAL_SLOWER_BY = 1.5
INTERVAL_FASTER_BY = 0.5
"""Steps of the interval. It falls faster than it rises, for polling too seldom loses news and polling too often
only costs a request that is answered 304."""

POLL_KEYS = 200
"""So many of the listed keys are remembered: enough to see an overlap, little enough to store with the source."""


def overlap(before: Sequence[str], after: Sequence[str]) -> float:
    """The share (0 to 1) of the keys listed `after` that were listed `before` too; 0 when nothing is listed."""
    if not after:
        return 0.0
    known = set(before)
    return sum(key in known for key in after) / len(after)


def adapted(interval_s: float, known: float, bounds: Bounds) -> float:
    """The next polling interval in seconds, within the bounds, from the one before and the known share (0 to 1)."""
    if known > SLOWER_OVER:
        interval_s *= INTERVAL_SLOWER_BY
    elif known < FASTER_UNDER:
        interval_s *= INTERVAL_FASTER_BY
    return min(max(interval_s, bounds.fastest), bounds.slowest)


def gap(before: Poll | None, after: Poll) -> Gap | None:
    """The gap between two polls that have no key in common; None when they overlap or either of them was empty.

    It reaches from the newest entry of the earlier poll to the oldest of the later one; where a source tells no
    times, from poll to poll.
    """
    if before is None or not before.keys or not after.keys or overlap(before.keys, after.keys):
        return None
    since, until = before.newest_at or before.at, after.oldest_at or after.at
    return Gap(since=min(since, until), until=max(since, until))


# ---- Articles: young ones are looked at again ---------------------------------------------------------------

LOOKS_S = (HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S)
"""Ages, counted from publication, at which an article is looked at again; given by the requirements of this
crawl, and in keeping with measurements that most corrections of news are made on the first day."""


def next_look_s(published_at: datetime, now: datetime) -> float | None:
    """Seconds from now until the article is looked at again; None when it is older than the last look.

    A publication time in the future counts as now.
    """
    age_s = max(0.0, (now - published_at) / timedelta(seconds=1))
    return next((look - age_s for look in LOOKS_S if look > age_s), None)


# ---- Failures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How failures are spread over time: exponential, with a ceiling and an end."""

    base_s: float = MINUTE_S
    """Longest wait after the first failure."""
    ceiling_s: float = 6 * HOUR_S
    limit: int = 5
    """After so many failures in a row it is not tried again."""


FAILURE_BACKOFF = Backoff()
BLOCK_BACKOFF = Backoff(base_s=30.0, limit=20)
"""Being refused is no fault of the URL, so it is given more chances: about four days of them."""

MISSES = 2
"""So many 404 or 410 in a row make a URL gone: one alone may be a deployment of the site."""
MISS_S = HOUR_S


def backoff_s(failures: int, jitter: float, policy: Backoff = FAILURE_BACKOFF) -> float | None:
    """Seconds to wait after `failures` (from 1) in a row, or None when the limit is reached.

    `jitter` (0 to 1) is a random number: the wait lies between half of the exponential step and the whole of it
    ("equal jitter" in M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    """
    if failures >= policy.limit:
        return None
    # The exponent is bounded because a float overflows at 2**1024.
    step = min(policy.ceiling_s, policy.base_s * 2.0 ** min(failures - 1, 64))
    return step * (0.5 + 0.5 * min(max(jitter, 0.0), 1.0))


# ---- One visit, one plan ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What is known of a URL at the moment when its visit has ended."""

    kind: Kind
    outcome: Outcome
    at: datetime
    """Now."""
    first_seen_at: datetime
    """When it was first heard of: stands in for an unknown publication time."""
    published_at: datetime | None = None
    interval_s: float | None = None
    """Present polling interval of a source; None at its first visit."""
    before: Poll | None = None
    """The poll before this one."""
    poll: Poll | None = None
    """What a source showed this time; None when it was unchanged or is no source."""
    failures: int = 0
    """Failures in a row before this visit."""
    misses: int = 0
    """404 or 410 in a row before this visit."""
    once: bool = False
    """A source of a backfill, which is not polled again."""
    held_off_s: float | None = None
    """It was not asked for, since its host refuses pages, and is not to be for so many seconds; None if it was."""
    claim: Claim | None = None
    """With the outcome CLAIMED: the claim that stands after this visit."""
    jitter: float = 0.5
    """A random number from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextVisit:
    """What becomes of a URL after a visit."""

    state: State
    due_in_s: float | None
    """Seconds from now until it is due again; None = never by itself."""
    interval_s: float | None = None
    failures: int = 0
    misses: int = 0
    gap: Gap | None = None


def plan(visit: VisitFacts) -> NextVisit:
    """Decide when the URL of a visit is due again, and in which state it waits for that."""
    if visit.claim:
        return NextVisit(state=State.DUE, due_in_s=again_in_s(visit.claim), interval_s=visit.interval_s)
    if visit.outcome in _WITHOUT_PAGE:
        return _without_page(visit)
    if visit.kind in SOURCE_KINDS:
        return _polled(visit)
    due_in_s = next_look_s(visit.published_at or visit.first_seen_at, visit.at)
    return NextVisit(state=State.DONE, due_in_s=None if visit.outcome is Outcome.NOT_ARTICLE else due_in_s)


_WITHOUT_PAGE = frozenset({Outcome.GONE, Outcome.FAILED, Outcome.BLOCKED, Outcome.STUB})


def _without_page(visit: VisitFacts) -> NextVisit:
    if visit.outcome is Outcome.GONE:
        return _missing(visit)
    if visit.outcome is Outcome.FAILED:
        return _failed(visit, FAILURE_BACKOFF)
    return _failed(visit, BLOCK_BACKOFF) if visit.held_off_s is None else _held_off(visit, visit.held_off_s)


def _polled(visit: VisitFacts) -> NextVisit:
    bounds = BOUNDS.get(visit.kind)
    if bounds is None or visit.once:
        return NextVisit(state=State.DONE, due_in_s=None)
    found = gap(visit.before, visit.poll) if visit.poll else None
    known = _known(visit)
    interval_s = visit.interval_s or bounds.first
    if known is not None:
        interval_s = adapted(interval_s, known, bounds)
    return NextVisit(state=State.DONE, due_in_s=interval_s, interval_s=interval_s, gap=found)


def _known(visit: VisitFacts) -> float | None:
    """The share of known entries; None when this visit says nothing about the right interval."""
    if visit.outcome is Outcome.UNCHANGED:
        return 1.0
    if visit.before is None or visit.poll is None or not visit.before.keys or not visit.poll.keys:
        return None
    return overlap(visit.before.keys, visit.poll.keys)


def _failed(visit: VisitFacts, policy: Backoff) -> NextVisit:
    failures = visit.failures + 1
    due_in_s = backoff_s(failures, visit.jitter, policy)
    bounds = BOUNDS.get(visit.kind)
    if bounds and not visit.once:
        # A source that nobody polls loses everything it lists from then on: it is never given up.
        due_in_s = bounds.slowest if due_in_s is None else min(due_in_s, bounds.slowest)
    return NextVisit(
        state=State.FAILED, due_in_s=due_in_s, interval_s=visit.interval_s, failures=failures, misses=visit.misses
    )


def _held_off(visit: VisitFacts, held_off_s: float) -> NextVisit:
    """Nothing was asked, so nothing counts; those that wait for the same moment are spread a little."""
    due_in_s = held_off_s + BLOCK_BACKOFF.base_s * visit.jitter
    return NextVisit(
        state=State.FAILED, due_in_s=due_in_s, interval_s=visit.interval_s, failures=visit.failures, misses=visit.misses
    )


def _missing(visit: VisitFacts) -> NextVisit:
    misses = visit.misses + 1
    state = State.GONE if misses >= MISSES else State.FAILED
    bounds = None if visit.once else BOUNDS.get(visit.kind)
    due_in_s = MISS_S if state is State.FAILED else None
    if bounds:
        # A source that comes back is found again soon: it is asked at its interval, then ever more seldom.
        due_in_s = min(bounds.slowest, (visit.interval_s or bounds.first) * 2.0 ** min(visit.misses, 64))
    return NextVisit(state=state, due_in_s=due_in_s, interval_s=visit.interval_s, misses=misses)
