"""When a URL is due again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.frontier.policy.revisit import (
    BLOCK_BACKOFF,
    BOUNDS,
    DAY_S,
    FAILURE_BACKOFF,
    HOUR_S,
    LOOKS_S,
    MINUTE_S,
    MISS_S,
    Backoff,
    Bounds,
    Gap,
    Poll,
    State,
    VisitFacts,
    adapted,
    backoff_s,
    gap,
    next_look_s,
    overlap,
    plan,
)
from rfispider.items import Kind, Outcome

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOUND = Bounds(first=900, fastest=300, slowest=3600)
shares = st.floats(0, 1)
jitters = st.floats(0, 1)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def polled(keys: str, *, at: float = 0, oldest: float | None = None, newest: float | None = None) -> Poll:
    return Poll(
        at=ago(at),
        keys=tuple(keys),
        oldest_at=None if oldest is None else ago(oldest),
        newest_at=None if newest is None else ago(newest),
    )


def visit(**changed: object) -> VisitFacts:
    whole = VisitFacts(kind=Kind.ARTICLE, outcome=Outcome.NEW, at=NOW, first_seen_at=NOW)
    return replace(whole, **changed)  # type: ignore[arg-type]


# ---- Sources ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [("", "", 0), ("abc", "", 0), ("", "abc", 0), ("abc", "abc", 1), ("abc", "cdef", 0.25), ("abcd", "ab", 1)],
)
def test_overlap_is_the_share_of_what_is_listed_now_that_was_listed_before(
    before: str, after: str, share: float
) -> None:
    assert overlap(before, after) == share


@pytest.mark.parametrize(
    ("known", "interval_s"),
    [(0.0, 450), (0.32, 450), (0.33, 900), (0.5, 900), (0.67, 900), (0.68, 1350), (1.0, 1350)],
)
def test_a_source_is_polled_slower_when_most_is_known_and_faster_when_little_is(
    known: float, interval_s: float
) -> None:
    assert adapted(900, known, BOUND) == interval_s


@given(st.floats(0, 1e9), shares)
def test_the_interval_stays_within_its_bounds(interval_s: float, known: float) -> None:
    assert BOUND.fastest <= adapted(interval_s, known, BOUND) <= BOUND.slowest


@given(st.floats(0, 1e6), shares, shares)
def test_the_more_is_known_the_longer_the_interval(interval_s: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert adapted(interval_s, low, BOUND) <= adapted(interval_s, high, BOUND)


def test_polls_without_a_common_entry_leave_a_gap_between_their_entries() -> None:
    before, after = polled("abc", at=HOUR_S, newest=4000), polled("xyz", oldest=500)
    assert gap(before, after) == Gap(since=ago(4000), until=ago(500))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, polled("xyz")),
        (polled(""), polled("xyz")),
        (polled("abc"), polled("")),
        (polled("abc"), polled("cxy")),
    ],
)
def test_a_first_an_empty_or_an_overlapping_poll_is_no_gap(before: Poll | None, after: Poll) -> None:
    assert gap(before, after) is None


def test_a_gap_of_a_source_that_tells_no_times_reaches_from_poll_to_poll() -> None:
    assert gap(polled("abc", at=HOUR_S), polled("xyz")) == Gap(since=ago(HOUR_S), until=NOW)


def test_a_gap_never_ends_before_it_begins() -> None:
    found = gap(polled("abc", at=HOUR_S, newest=100), polled("xyz", oldest=9000))
    assert found == Gap(since=ago(9000), until=ago(100))


@pytest.mark.parametrize(
    ("changed", "due_in_s"),
    [
        ({"poll": polled("abc")}, 15 * MINUTE_S),
        ({"poll": polled("abc"), "before": polled("abc"), "interval_s": 1000.0}, 1500),
        ({"poll": polled("xyz"), "before": polled("abc"), "interval_s": 1000.0}, 500),
        ({"poll": polled(""), "before": polled("abc"), "interval_s": 1000.0}, 1000),
        ({"outcome": Outcome.UNCHANGED, "interval_s": 1000.0}, 1500),
        ({"outcome": Outcome.UNCHANGED, "interval_s": HOUR_S}, HOUR_S),
        ({"outcome": Outcome.EMPTY, "interval_s": 1000.0}, 1000),
    ],
)
def test_a_feed_is_due_again_after_its_interval(changed: dict[str, object], due_in_s: float) -> None:
    decided = plan(visit(**{"kind": Kind.FEED, "outcome": Outcome.NOT_ARTICLE, **changed}))
    assert (decided.state, decided.due_in_s, decided.interval_s) == (State.DONE, due_in_s, due_in_s)


def test_the_plan_of_a_poll_tells_its_gap() -> None:
    decided = plan(visit(kind=Kind.FEED, before=polled("abc", at=HOUR_S), poll=polled("xyz")))
    assert decided.gap == Gap(since=ago(HOUR_S), until=NOW)


@pytest.mark.parametrize(
    "changed", [{"kind": Kind.ARCHIVE_DAY}, {"kind": Kind.ARCHIVE_YEAR}, {"kind": Kind.SITEMAP, "once": True}]
)
def test_a_list_of_the_past_is_read_once(changed: dict[str, object]) -> None:
    assert plan(visit(outcome=Outcome.NOT_ARTICLE, poll=polled("abc"), **changed)).due_in_s is None


def test_a_source_that_fails_is_never_given_up() -> None:
    decided = plan(visit(kind=Kind.FEED, outcome=Outcome.FAILED, failures=99, interval_s=900.0))
    assert (decided.state, decided.due_in_s) == (State.FAILED, BOUNDS[Kind.FEED].slowest)
    assert decided.interval_s == 900


# ---- Articles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "due_in_s"),
    [
        (0, HOUR_S),
        (HOUR_S - 60, 60),
        (HOUR_S, 5 * HOUR_S),
        (7 * HOUR_S, 17 * HOUR_S),
        (DAY_S, 6 * DAY_S),
        (3 * DAY_S, 4 * DAY_S),
        (8 * DAY_S, 22 * DAY_S),
        (30 * DAY_S, None),
        (4000 * DAY_S, None),
        (-5 * HOUR_S, HOUR_S),
    ],
)
def test_an_article_is_looked_at_again_at_the_ages_of_the_plan(age_s: float, due_in_s: float | None) -> None:
    assert next_look_s(ago(age_s), NOW) == due_in_s


@given(st.floats(0, 40 * DAY_S))
def test_following_the_plan_visits_each_remaining_age_once(age_s: float) -> None:
    published, now, ages = ago(age_s), NOW, []
    while (wait := next_look_s(published, now)) is not None:
        assert wait > 0
        # A worker comes a little later than planned.
        now += timedelta(seconds=wait + 0.001)
        ages.append((now - published).total_seconds())
    assert ages == pytest.approx([look for look in LOOKS_S if look > age_s], abs=0.01)
    assert all(one < other for one, other in pairwise(ages))


@pytest.mark.parametrize(
    "outcome",
    [Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.DUPLICATE, Outcome.UNCHANGED, Outcome.EMPTY],
)
def test_an_article_that_was_read_is_done_until_its_next_look(outcome: Outcome) -> None:
    decided = plan(visit(outcome=outcome, published_at=ago(2 * HOUR_S), failures=3, misses=1))
    assert (decided.state, decided.due_in_s) == (State.DONE, 4 * HOUR_S)
    assert (decided.failures, decided.misses) == (0, 0)


def test_the_first_sight_stands_in_for_an_unknown_publication() -> None:
    assert plan(visit(first_seen_at=ago(30 * MINUTE_S))).due_in_s == 30 * MINUTE_S


def test_a_page_that_is_no_article_is_never_looked_at_again() -> None:
    decided = plan(visit(outcome=Outcome.NOT_ARTICLE))
    assert (decided.state, decided.due_in_s) == (State.DONE, None)


def test_one_miss_is_looked_at_again_and_two_are_gone() -> None:
    once = plan(visit(outcome=Outcome.GONE))
    assert (once.state, once.due_in_s, once.misses) == (State.FAILED, MISS_S, 1)
    twice = plan(visit(outcome=Outcome.GONE, misses=once.misses))
    assert (twice.state, twice.due_in_s, twice.misses) == (State.GONE, None, 2)


def test_a_failure_between_two_misses_does_not_forget_the_first() -> None:
    failed = plan(visit(outcome=Outcome.FAILED, misses=1))
    assert plan(visit(outcome=Outcome.GONE, misses=failed.misses)).state is State.GONE


@pytest.mark.parametrize(
    ("misses", "interval_s", "state", "due_in_s"),
    [
        (0, None, State.FAILED, HOUR_S),
        (0, 1800.0, State.FAILED, 1800.0),
        (1, 1800.0, State.GONE, HOUR_S),
        (2, 1800.0, State.GONE, 2 * HOUR_S),
        (9, 1800.0, State.GONE, DAY_S),
        (9999, 1800.0, State.GONE, DAY_S),
    ],
)
def test_a_source_that_is_gone_is_still_looked_at_ever_more_seldom(
    misses: int, interval_s: float | None, state: State, due_in_s: float
) -> None:
    decided = plan(visit(kind=Kind.SECTION, outcome=Outcome.GONE, misses=misses, interval_s=interval_s))
    assert (decided.state, decided.due_in_s) == (state, due_in_s)


# ---- Failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "jitter", "wait_s"),
    [(1, 1.0, 60), (1, 0.0, 30), (2, 1.0, 120), (3, 1.0, 240), (4, 1.0, 480), (4, 0.0, 240), (5, 1.0, None)],
)
def test_failures_double_the_wait_until_the_limit(failures: int, jitter: float, wait_s: float | None) -> None:
    assert backoff_s(failures, jitter) == wait_s


@given(st.integers(1, 5000), jitters)
def test_the_wait_stays_between_half_the_base_and_the_ceiling(failures: int, jitter: float) -> None:
    endless = Backoff(limit=10_000)
    wait_s = backoff_s(failures, jitter, endless)
    assert wait_s is not None
    assert endless.base_s / 2 <= wait_s <= endless.ceiling_s


@given(st.integers(1, 18), jitters)
def test_another_failure_never_shortens_the_wait(failures: int, jitter: float) -> None:
    one, two = (backoff_s(each, jitter, BLOCK_BACKOFF) for each in (failures, failures + 1))
    assert one is not None
    assert two is not None
    assert one <= two


def test_a_url_that_fails_too_often_waits_for_a_person() -> None:
    decided = plan(visit(outcome=Outcome.FAILED, failures=FAILURE_BACKOFF.limit - 1))
    assert (decided.state, decided.due_in_s, decided.failures) == (State.FAILED, None, FAILURE_BACKOFF.limit)


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.STUB])
def test_a_refused_page_is_tried_more_often_than_a_broken_one(outcome: Outcome) -> None:
    decided = plan(visit(outcome=outcome, failures=FAILURE_BACKOFF.limit, jitter=1.0))
    assert decided.state is State.FAILED
    assert decided.due_in_s == 30 * 2**FAILURE_BACKOFF.limit
    assert plan(visit(outcome=outcome, failures=BLOCK_BACKOFF.limit - 1)).due_in_s is None


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.STUB])
def test_a_page_that_was_not_asked_for_is_due_soon_after_the_host_may_be_asked_and_nothing_is_counted(
    outcome: Outcome,
) -> None:
    early, late = (plan(visit(outcome=outcome, failures=3, held_off_s=600.0, jitter=jitter)) for jitter in (0.0, 1.0))
    assert (early.state, early.due_in_s, early.failures) == (State.FAILED, 600.0, 3)
    assert 600.0 < (late.due_in_s or 0) <= 660.0


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_kind_and_outcome_has_a_plan_that_lies_ahead(kind: Kind, outcome: Outcome) -> None:
    decided = plan(visit(kind=kind, outcome=outcome))
    assert decided.due_in_s is None or decided.due_in_s > 0
    assert decided.state not in {State.LEASED, State.DUE}
