from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.jobs.cron.rule import ScheduleRule, ScheduleRuleError, seconds

SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), (" 1.5 H ", 5400), ("0", 0)],
)
def test_a_duration_is_read_as_people_write_it(written: str, meant: float) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize("written", ["", "soon", "-5m", "5 weeks", "1h30m", "m"])
def test_what_is_no_duration_is_refused_by_name(written: str) -> None:
    with pytest.raises(ScheduleRuleError, match=r"not a duration such as 90s, 15m"):
        seconds(written)


@pytest.mark.parametrize(
    ("cron", "following"),
    [
        ("*/15 * * * *", SUNDAY_NOON + timedelta(minutes=15)),
        ("5 12 * * *", SUNDAY_NOON + timedelta(minutes=5)),
        ("0 12 * * 0", SUNDAY_NOON + timedelta(days=7)),
        ("0 12 * * 7", SUNDAY_NOON + timedelta(days=7)),
        ("0 12 * * MON", SUNDAY_NOON + timedelta(days=1)),
    ],
)
def test_a_cron_expression_gives_its_next_time_in_utc_and_zero_is_sunday(cron: str, following: datetime) -> None:
    assert ScheduleRule.of(cron=cron).first(SUNDAY_NOON) == following


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({}, "either a cron expression or an interval"),
        ({"cron": "* * * * *", "every": "5m"}, "either a cron expression or an interval"),
        ({"cron": "61 * * * *"}, "'61 \\* \\* \\* \\*' is not a cron expression"),
        ({"cron": "hourly"}, "'hourly' is not a cron expression"),
        ({"cron": "0 0 30 2 *"}, "is not a cron expression"),
        ({"every": "0m"}, "longer than nothing"),
        ({"every": "5m", "jitter": "some"}, "'some' is not a duration"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(given_: dict[str, str], said: str) -> None:
    with pytest.raises(ScheduleRuleError, match=said):
        ScheduleRule.of(**given_)


def test_an_interval_is_due_at_once_and_then_keeps_its_rhythm() -> None:
    every = ScheduleRule.of(every="15m")
    assert every.first(SUNDAY_NOON) == SUNDAY_NOON
    late = SUNDAY_NOON + timedelta(minutes=4)
    assert every.after(SUNDAY_NOON, late) == SUNDAY_NOON + timedelta(minutes=15)


@given(missed=st.integers(0, 10_000), lateness=st.floats(0, 899, allow_nan=False))
def test_times_that_were_missed_are_made_up_for_once(missed: int, lateness: float) -> None:
    every = ScheduleRule.of(every="15m")
    now = SUNDAY_NOON + timedelta(seconds=900 * missed + lateness)
    following = every.after(SUNDAY_NOON, now)
    assert now < following <= now + timedelta(minutes=15)
    assert (following - SUNDAY_NOON) % timedelta(minutes=15) == timedelta(0)


def test_jitter_only_ever_delays_and_by_no_more_than_it_says() -> None:
    rule = ScheduleRule.of(cron="0 * * * *", jitter="30s")
    drawn: list[tuple[float, float]] = []

    def most(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    assert rule.after(SUNDAY_NOON, SUNDAY_NOON, most) == SUNDAY_NOON + timedelta(hours=1, seconds=30)
    assert drawn == [(0.0, 30.0)]
