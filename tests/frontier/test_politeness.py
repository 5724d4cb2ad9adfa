"""How fast a host may be asked: decided here, and shared through a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.frontier import Frontier
from rfispider.frontier.host_budget import HORIZON_S, HostBudgets
from rfispider.frontier.policy.politeness import (
    BURST_S,
    CALM_S,
    FIRST_DELAY_S,
    SLOWER_BY,
    WALL_MARGIN,
    WALL_S,
    Breaker,
    Budget,
    Limits,
    answered,
    refused,
    retry_after_s,
)
from rfispider.items import PAGE_KINDS
from rfispider.mongo.clock import AnswerDelay

HOST = "www.example.org"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(rate=5, blocks=3, cooldown_s=60, max_cooldown_s=600)
LATER = BURST_S + 1
delays = st.floats(0, 60)


# ---- Decisions ----------------------------------------------------------------------------------------------


def test_a_refusal_doubles_the_delay_and_remembers_what_was_too_short() -> None:
    refusal = refused(Budget(), LIMITS, page=False)
    assert refusal.slowed
    assert refusal.budget == Budget(delay_s=0.4, too_fast_delay_s=0.2 * WALL_MARGIN)


def test_refusals_of_one_burst_slow_down_once() -> None:
    first = refused(Budget(), LIMITS, page=False).budget
    second = refused(first, LIMITS, page=False, slowed_ago_s=BURST_S / 2)
    assert not second.slowed
    assert second.budget == first
    assert refused(first, LIMITS, page=False, slowed_ago_s=LATER).budget.delay_s == 0.8


def test_a_host_without_any_limit_is_slowed_down_too() -> None:
    assert refused(Budget(), Limits(rate=0), page=False).budget.delay_s == 2 * FIRST_DELAY_S


@given(delays, st.integers(1, 50))
def test_the_delay_never_exceeds_its_maximum(delay_s: float, times: int) -> None:
    budget = Budget(delay_s=delay_s)
    for _ in range(times):
        budget = refused(budget, LIMITS, page=False, slowed_ago_s=1000).budget
    assert budget.delay_s <= LIMITS.max_delay_s
    assert budget.too_fast_delay_s <= LIMITS.max_delay_s


@given(delays, delays, st.integers(1, 1000))
def test_answers_never_raise_the_delay_nor_pass_the_wall(delay_s: float, too_fast_delay_s: float, answers: int) -> None:
    budget = answered(
        Budget(delay_s=delay_s, too_fast_delay_s=too_fast_delay_s), LIMITS, page=False, answers=answers, slowed_ago_s=1
    )
    assert budget.delay_s <= max(delay_s, too_fast_delay_s)
    assert budget.delay_s >= too_fast_delay_s or too_fast_delay_s <= LIMITS.floor_s


@pytest.mark.slow
@given(st.floats(LIMITS.floor_s, LIMITS.max_delay_s / SLOWER_BY))
def test_recovery_is_slower_than_the_fall_and_complete_in_the_end(delay_s: float) -> None:
    fallen = refused(Budget(delay_s=delay_s), LIMITS, page=False).budget
    assert answered(fallen, LIMITS, page=True).delay_s > delay_s
    assert answered(fallen, LIMITS, page=True, answers=1000) == Budget()


def test_a_host_that_was_slowed_down_to_the_utmost_is_back_at_its_pace_within_minutes() -> None:
    budget, waited_s = Budget(delay_s=LIMITS.max_delay_s), 0.0
    while budget.delay_s:
        waited_s += budget.delay_s
        budget = answered(budget, LIMITS, page=True)
    assert 5 * 60 < waited_s < 10 * 60


def test_what_was_too_short_is_forgotten_after_a_while() -> None:
    slow = Budget(delay_s=0.4, too_fast_delay_s=0.3)
    assert answered(slow, LIMITS, page=False, answers=1000, slowed_ago_s=WALL_S - 1).delay_s == 0.3
    assert answered(slow, LIMITS, page=False, answers=1000, slowed_ago_s=WALL_S + 1) == Budget()


@pytest.mark.parametrize(("asked_s", "pause_s"), [(0, 0), (30, 30), (-5, 0), (1e9, 3600)])
def test_the_host_says_how_long_to_pause_within_reason(asked_s: float, pause_s: float) -> None:
    later = refused(Budget(), LIMITS, page=False, retry_after_s=asked_s, slowed_ago_s=BURST_S / 2)
    assert later.pause_s == pause_s
    first = refused(Budget(), LIMITS, page=False, retry_after_s=asked_s)
    assert first.pause_s == max(pause_s, CALM_S)


def test_pages_refused_in_a_row_open_the_breaker() -> None:
    budget = Budget()
    for blocks in (1, 2):
        budget = refused(budget, LIMITS, page=True).budget
        assert (budget.blocks, budget.breaker) == (blocks, Breaker.CLOSED)
    budget = refused(budget, LIMITS, page=True).budget
    assert (budget.breaker, budget.cooldown_s) == (Breaker.OPEN, 60)


def test_a_page_that_is_served_in_between_starts_the_count_anew() -> None:
    twice = Budget(blocks=2)
    assert answered(twice, LIMITS, page=True).blocks == 0
    assert answered(twice, LIMITS, page=False).blocks == 2


def test_refused_feeds_do_not_open_the_breaker_of_pages() -> None:
    budget = Budget()
    for _ in range(10):
        budget = refused(budget, LIMITS, page=False).budget
    assert budget.breaker is Breaker.CLOSED


OPEN = Budget(blocks=3, breaker=Breaker.OPEN, cooldown_s=60)
PROBING = replace(OPEN, breaker=Breaker.PROBING)


@pytest.mark.parametrize(("cooldown_s", "next_s"), [(60, 120), (120, 240), (400, 600), (600, 600)])
def test_a_refused_probe_doubles_the_cooldown_up_to_its_maximum(cooldown_s: float, next_s: float) -> None:
    budget = refused(replace(PROBING, cooldown_s=cooldown_s), LIMITS, page=True).budget
    assert (budget.breaker, budget.cooldown_s) == (Breaker.OPEN, next_s)


def test_a_probe_that_is_served_closes_the_breaker() -> None:
    assert answered(PROBING, LIMITS, page=True) == Budget()


def test_late_answers_from_before_the_breaker_opened_change_nothing() -> None:
    assert answered(OPEN, LIMITS, page=True) == OPEN
    late = refused(replace(OPEN, cooldown_s=240), LIMITS, page=True, slowed_ago_s=0.1).budget
    assert (late.breaker, late.cooldown_s) == (Breaker.OPEN, 240)


def test_a_feed_that_answers_does_not_close_the_breaker() -> None:
    assert answered(PROBING, LIMITS, page=False) == PROBING


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "Sun, 01 Mar 2026 12:01:30 GMT"}, 90),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Sun Mar  1 12:00:10 2026"}, 10),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": ""}, 0),
        ({"retry-after": "-1"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "45"}, 45),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 20)}, 20),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "45"}, 0),
        ({"x-ratelimit-remaining": "x", "x-ratelimit-reset": "y"}, 0),
    ],
)
def test_the_wait_that_an_answer_asks_for_is_read(headers: dict[str, str], wait_s: float) -> None:
    assert retry_after_s(headers, NOW) == wait_s


@given(st.text(), st.text(), st.text())
def test_no_header_is_too_odd_to_be_read(after: str, remaining: str, reset: str) -> None:
    assert retry_after_s({"retry-after": after}, NOW) >= 0
    assert retry_after_s({"x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}, NOW) >= 0


# ---- Shared budgets -----------------------------------------------------------------------------------------


@pytest.fixture
async def frontier(mongo_uri: str, database: str) -> AsyncIterator[Frontier]:
    async with await Frontier.open(mongo_uri, database, limits=LIMITS) as opened:
        yield opened


@pytest.fixture
def hosts(frontier: Frontier) -> HostBudgets:
    return frontier.hosts


async def _let_time_pass(frontier: Frontier) -> None:
    """As if everything had happened long ago."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    fields = {"next_at": long_ago, "slowed_at": long_ago, "blocked_until": long_ago}
    await frontier._database["hosts"].update_many({}, {"$set": fields})


async def test_slots_lie_one_delay_apart(hosts: HostBudgets) -> None:
    slots = await hosts.reserve(HOST, 4)
    assert slots.waits_s == pytest.approx([0, 0.2, 0.4, 0.6], abs=0.05)
    assert slots.breaker is Breaker.CLOSED


def test_an_answer_that_was_long_on_its_way_is_known_to_be_late() -> None:
    clock = AnswerDelay()

    def late_s(told_s: float, heard_s: float) -> float:
        return clock.seconds(NOW + timedelta(seconds=told_s), heard_s)

    assert late_s(0, 100.0) == 0
    assert late_s(1, 101.3) == pytest.approx(0.3, abs=0.01)
    assert late_s(2, 101.9) == 0
    assert late_s(3, 103.0) == pytest.approx(0.1, abs=0.01)


def test_the_clock_of_another_primary_is_believed() -> None:
    clock = AnswerDelay()
    clock.seconds(NOW, 100.0)
    assert clock.seconds(NOW - timedelta(seconds=30), 101.0) == 0
    assert clock.seconds(NOW + timedelta(seconds=30), 102.0) == 0


async def test_workers_at_once_share_one_rate(mongo_uri: str, database: str) -> None:
    limits = replace(LIMITS, rate=20)
    async with await Frontier.open(mongo_uri, database, limits=limits) as frontier:
        everybody = [HostBudgets(frontier.connection, frontier.hosts._hosts, limits) for _ in range(8)]
        before = datetime.now(UTC).timestamp()
        granted = await asyncio.gather(*(hosts.reserve(HOST, 1) for hosts in everybody))
        document = (await frontier.hosts.budgets())[0]
    assert [len(slots.waits_s) for slots in granted] == [1] * 8
    # Eight requests, each a twentieth of a second after the one before: not one slot was given out twice.
    assert document["next_at"].timestamp() - before >= 8 * 0.05 - 0.01


async def test_slots_are_not_given_out_far_ahead(hosts: HostBudgets) -> None:
    slots = await hosts.reserve(HOST, 1000)
    assert len(slots.waits_s) == int(HORIZON_S * LIMITS.rate) + 1
    assert max(slots.waits_s) <= HORIZON_S + 0.001
    more = await hosts.reserve(HOST, 5)
    assert all(wait_s <= HORIZON_S + 0.001 for wait_s in more.waits_s)
    assert len(more.waits_s) < 5
    assert more.again_in_s <= 1 / LIMITS.rate


async def test_without_a_rate_every_slot_is_now(mongo_uri: str, database: str) -> None:
    async with await Frontier.open(mongo_uri, database, limits=Limits(rate=0)) as frontier:
        slots = await frontier.hosts.reserve(HOST, 50)
    assert slots.waits_s == [0] * 50


async def test_time_that_nobody_used_is_not_made_up_for(frontier: Frontier) -> None:
    await frontier.hosts.reserve(HOST, 3)
    await _let_time_pass(frontier)
    assert (await frontier.hosts.reserve(HOST, 3)).waits_s == pytest.approx([0, 0.2, 0.4], abs=0.05)


async def test_crawl_delay_slows_everybody(hosts: HostBudgets) -> None:
    await hosts.set_robots_delay(HOST, {"crawl_delay_s": 0.25})
    waits_s = (await hosts.reserve(HOST, 3)).waits_s
    assert [later - sooner for sooner, later in pairwise(waits_s)] == pytest.approx([0.25, 0.25])


async def test_a_refusal_of_one_worker_slows_the_others(frontier: Frontier) -> None:
    await frontier.hosts.reserve(HOST, 1)
    await frontier.hosts.on_refusal(HOST, page=True)
    other = HostBudgets(frontier.connection, frontier.hosts._hosts, LIMITS)
    pause = await other.reserve(HOST, 2)
    assert pause.waits_s == []
    assert 0 < pause.again_in_s <= CALM_S
    await _let_time_pass(frontier)
    waits_s = (await other.reserve(HOST, 2)).waits_s
    assert waits_s[1] - waits_s[0] == pytest.approx(0.4)


async def test_retry_after_stops_the_fleet(hosts: HostBudgets) -> None:
    await hosts.on_refusal(HOST, page=False, retry_after_s=30)
    slots = await hosts.reserve(HOST, 2)
    assert slots.waits_s == []
    assert 25 < slots.again_in_s <= 30 - HORIZON_S + 0.001


async def test_workers_that_are_refused_at_once_lose_no_count(frontier: Frontier) -> None:
    limits = replace(LIMITS, blocks=1000)
    everybody = [HostBudgets(frontier.connection, frontier.hosts._hosts, limits) for _ in range(6)]
    for round_ in range(10):
        host = f"{round_}.example.org"
        await asyncio.gather(*(hosts.on_refusal(host, page=True) for hosts in everybody))
    documents = await frontier.hosts.budgets()
    assert [document["blocks"] for document in documents] == [6] * 10
    assert [document["delay_s"] for document in documents] == pytest.approx([0.4] * 10)


async def test_an_open_breaker_lets_one_probe_of_the_fleet_through_and_closes_when_it_is_served(
    frontier: Frontier,
) -> None:
    hosts = frontier.hosts
    for _ in range(LIMITS.blocks):
        await hosts.on_refusal(HOST, page=True)
    assert (await hosts.reserve(HOST, 1)).breaker is Breaker.OPEN
    await _let_time_pass(frontier)
    asked = await asyncio.gather(
        *(HostBudgets(hosts.connection, hosts._hosts, LIMITS).reserve(HOST, 1) for _ in range(5))
    )
    assert sorted(slots.breaker for slots in asked) == [Breaker.OPEN] * 4 + [Breaker.PROBING]
    await hosts.on_success(HOST, page=True)
    assert (await hosts.reserve(HOST, 1)).breaker is Breaker.CLOSED


async def test_two_workers_that_see_the_same_cooled_breaker_send_one_probe(frontier: Frontier) -> None:
    hosts = frontier.hosts
    await hosts.reserve(HOST, 1)
    for _ in range(LIMITS.blocks):
        await hosts.on_refusal(HOST, page=True)
    await _let_time_pass(frontier)
    (seen,) = await hosts.budgets()
    assert [await hosts._breaker_for_caller(HOST, seen, pages=True) for _ in range(2)] == [
        Breaker.PROBING,
        Breaker.OPEN,
    ]


async def test_a_probe_is_not_given_to_a_worker_without_a_slot(frontier: Frontier) -> None:
    hosts = frontier.hosts
    for _ in range(LIMITS.blocks):
        await hosts.on_refusal(HOST, page=True)
    await _let_time_pass(frontier)
    full = {"next_at": datetime.now(UTC) + timedelta(seconds=2 * HORIZON_S)}
    await frontier._database["hosts"].update_many({}, {"$set": full})
    none = await hosts.reserve(HOST, 1)
    assert (none.waits_s, none.breaker) == ([], Breaker.OPEN)
    await _let_time_pass(frontier)
    assert (await hosts.reserve(HOST, 1)).breaker is Breaker.PROBING


async def test_a_refused_probe_opens_the_breaker_for_longer(frontier: Frontier) -> None:
    hosts = frontier.hosts
    for _ in range(LIMITS.blocks):
        await hosts.on_refusal(HOST, page=True)
    await _let_time_pass(frontier)
    assert (await hosts.reserve(HOST, 1)).breaker is Breaker.PROBING
    await hosts.on_refusal(HOST, page=True)
    document = (await hosts.budgets())[0]
    assert (document["breaker"], document["cooldown_s"]) == ("open", 120)
    assert 100 < (document["blocked_until"] - document["reserved_at"]).total_seconds() < 140


async def test_a_probe_whose_worker_died_is_sent_again(frontier: Frontier) -> None:
    hosts = frontier.hosts
    for _ in range(LIMITS.blocks):
        await hosts.on_refusal(HOST, page=True)
    for _ in range(2):
        await _let_time_pass(frontier)
        assert (await hosts.reserve(HOST, 1)).breaker is Breaker.PROBING
        assert (await hosts.reserve(HOST, 1)).breaker is Breaker.OPEN


async def test_rewards_bring_a_host_back_to_its_agreed_rate(frontier: Frontier) -> None:
    hosts = frontier.hosts
    await hosts.on_refusal(HOST, page=False)
    await _let_time_pass(frontier)
    assert await hosts.on_success(HOST, page=False, answers=1000) == Budget()
    waits_s = (await hosts.reserve(HOST, 2)).waits_s
    assert waits_s[1] - waits_s[0] == pytest.approx(0.2)


def test_feeds_and_sitemaps_are_no_pages() -> None:
    assert not {"feed", "sitemap"} & set(PAGE_KINDS)
    assert {"article", "section", "front"} <= set(PAGE_KINDS)
