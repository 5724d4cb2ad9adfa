"""The scheduler ends what it cannot go on with, and tells the frontier the truth of every visit."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bson import ObjectId

from rfispider.frontier import Lease, Validators
from rfispider.items import Attempt, Kind, Outcome
from rfispider.politeness import Limits
from rfispider.scheduler import FrontierScheduler, conditions, done_of, link_of
from rfispider.store import StoreError

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def lease(kind: Kind = Kind.ARTICLE, priority: int = 40) -> Lease:
    return Lease(
        key="0" * 32,
        url="https://www.rfi.fr/fr/afrique/20240301-un-titre",
        kind=kind,
        edition="fr",
        token=ObjectId(),
        claimed_at=NOW,
        due_at=NOW,
        added_at=NOW,
        priority=priority,
        depth=1,
    )


def attempt(outcome: Outcome | None, **known: Any) -> Attempt:
    return Attempt(outcome=outcome, status=200, etag='"x"', **known)


@pytest.mark.parametrize("outcome", [Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.NOT_ARTICLE])
def test_what_was_fetched_makes_the_next_visit_conditional(outcome: Outcome) -> None:
    assert done_of(lease(), attempt(outcome), NOW).validators == Validators(etag='"x"')


@pytest.mark.parametrize("outcome", [Outcome.UNCHANGED, Outcome.BLOCKED, Outcome.STUB, Outcome.GONE, Outcome.FAILED])
def test_what_was_not_fetched_leaves_what_is_known(outcome: Outcome) -> None:
    assert done_of(lease(), attempt(outcome), NOW).validators is None


def test_a_visit_without_outcome_has_failed() -> None:
    done = done_of(lease(), attempt(None), NOW)
    assert (done.outcome, done.error) == (Outcome.FAILED, "nothing came of it")


def test_a_source_tells_what_it_listed_and_from_when() -> None:
    times = [NOW, NOW - timedelta(hours=2), NOW - timedelta(hours=1)]
    poll = done_of(lease(Kind.FEED), attempt(Outcome.NOT_ARTICLE, listed=["a", "b"], times=times), NOW).poll
    assert poll
    assert poll.keys == ("a", "b")
    assert (poll.oldest_at, poll.newest_at) == (times[1], times[0])


def test_a_lease_is_the_link_it_was_made_of() -> None:
    link = link_of(lease(priority=-1))
    assert (link.kind, link.depth, link.backfill) == (Kind.ARTICLE, 1, True)
    assert not link_of(lease()).backfill


def test_only_what_is_known_becomes_a_condition() -> None:
    assert conditions(Validators()) == {}
    assert conditions(Validators(etag='"x"', body_hash="0")) == {"If-None-Match": '"x"'}


@pytest.mark.parametrize(
    ("fault", "reason"), [(StoreError("gone"), "frontier-failed"), (KeyError("bug"), "scheduler-failed")]
)
async def test_a_task_that_fails_ends_the_crawl_instead_of_hanging(fault: Exception, reason: str) -> None:
    async def close_spider_async(*, reason: str) -> None:
        reasons.append(reason)
        await scheduler.disconnect()

    async def nothing(*_: Any) -> None:
        pass

    async def failing() -> None:
        raise fault

    reasons: list[str] = []
    signals = SimpleNamespace(connect=lambda *_, **__: None)
    engine = SimpleNamespace(close_spider_async=close_spider_async, _slot=None)
    crawler: Any = SimpleNamespace(signals=signals, engine=engine)
    scheduler = FrontierScheduler(crawler, limits=Limits(), concurrency=1)
    frontier: Any = SimpleNamespace(held=[], release=nothing, close=nothing, acknowledge=lambda _: _none())
    scheduler.frontier, scheduler.uri = frontier, "mongodb://127.0.0.1/"
    scheduler.tasks = [asyncio.ensure_future(scheduler.guard(failing()))]
    await asyncio.wait_for(scheduler.tasks[0], 10)
    assert scheduler.closer
    await asyncio.wait_for(scheduler.closer, 10)
    assert reasons == [reason]


async def _none() -> list[Lease]:
    return []
