"""The scheduler gives out no more than may be in flight, and tells frontier and archive the truth of every visit."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bson import ObjectId

from rfispider.crawl.arguments import Arguments
from rfispider.crawl.scheduler import FrontierScheduler, worker
from rfispider.crawl.scheduler.engine_access import EngineAccess
from rfispider.crawl.scheduler.visit import completion_of, conditions, link_of
from rfispider.crawl.scheduler.worker import CrawlCallbacks, ReadyRequest, Reservation, Worker
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Frontier, Lease, Validators
from rfispider.frontier.policy.politeness import Breaker, Limits
from rfispider.frontier.policy.revisit import State
from rfispider.items import PAGE_KINDS, Claim, Kind, Link, Outcome, VisitResult
from rfispider.site import urls
from rfispider.storage import DatabaseError

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


def visit(outcome: Outcome | None, **known: Any) -> VisitResult:
    return VisitResult(outcome=outcome, status=200, etag='"x"', **known)


@pytest.mark.parametrize("outcome", [Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.NOT_ARTICLE])
def test_what_was_fetched_makes_the_next_visit_conditional(outcome: Outcome) -> None:
    assert completion_of(lease(), visit(outcome), NOW).validators == Validators(etag='"x"')


@pytest.mark.parametrize("outcome", [Outcome.UNCHANGED, Outcome.BLOCKED, Outcome.STUB, Outcome.GONE, Outcome.FAILED])
def test_what_was_not_fetched_leaves_what_is_known(outcome: Outcome) -> None:
    assert completion_of(lease(), visit(outcome), NOW).validators is None


def test_a_visit_without_outcome_has_failed() -> None:
    done = completion_of(lease(), visit(None), NOW)
    assert (done.outcome, done.error) == (Outcome.FAILED, "nothing came of it")


def test_a_source_tells_what_it_listed_and_from_when() -> None:
    times = [NOW, NOW - timedelta(hours=2), NOW - timedelta(hours=1)]
    poll = completion_of(lease(Kind.FEED), visit(Outcome.NOT_ARTICLE, listed=["a", "b"], times=times), NOW).poll
    assert poll
    assert poll.keys == ("a", "b")
    assert (poll.oldest_at, poll.newest_at) == (times[1], times[0])


def test_a_lease_is_the_link_it_was_made_of() -> None:
    link = link_of(lease(priority=-1))
    assert (link.kind, link.depth, link.backfill) == (Kind.ARTICLE, 1, True)
    assert not link_of(lease()).backfill


@pytest.mark.parametrize(
    ("outcome", "kind", "max_depth", "followed"),
    [
        (Outcome.NEW, Kind.ARTICLE, None, True),
        (Outcome.NEW, Kind.ARTICLE, 2, True),
        (Outcome.NEW, Kind.ARTICLE, 1, False),
        (Outcome.NOT_ARTICLE, Kind.ARTICLE, 0, False),
        (Outcome.NOT_ARTICLE, Kind.FEED, 0, True),
        (Outcome.UNCHANGED, Kind.ARTICLE, 2, None),
        (Outcome.FAILED, Kind.ARTICLE, 0, None),
    ],
)
def test_the_frontier_learns_whether_the_links_of_a_page_that_was_read_were_within_the_depth(
    outcome: Outcome, kind: Kind, max_depth: int | None, followed: bool | None
) -> None:
    assert completion_of(lease(kind), visit(outcome), NOW, max_depth=max_depth).followed is followed


def test_only_what_is_known_becomes_a_condition() -> None:
    assert conditions(Validators()) == {}
    assert conditions(Validators(etag='"x"', body_hash="0")) == {"If-None-Match": '"x"'}


@pytest.mark.parametrize(
    ("fault", "reason"), [(DatabaseError("gone"), "frontier-failed"), (KeyError("bug"), "scheduler-failed")]
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
    crawler: Any = SimpleNamespace(engine=SimpleNamespace(close_spider_async=close_spider_async, _slot=None))
    engine = EngineAccess(crawler)
    frontier: Any = SimpleNamespace(leases=[], release=nothing, acknowledge=lambda _: _none())
    session: Any = SimpleNamespace(frontier=frontier)
    scheduler = FrontierScheduler(session, RfiSpider(), engine, in_flight=1)
    callbacks = CrawlCallbacks(host=str, under_way=list, wake=lambda: None, mark_gone=nothing, count=lambda _: None)
    scheduler.worker = Worker(frontier, Arguments(), 1, callbacks)
    scheduler.tasks = [asyncio.ensure_future(scheduler.guard(failing()))]
    await asyncio.wait_for(scheduler.tasks[0], 10)
    assert engine._closer
    await asyncio.wait_for(engine._closer, 10)
    assert reasons == [reason]


async def _none() -> list[Lease]:
    return []


# ---- the worker, on a real frontier -----------------------------------------------------------------------


class Crawl:
    """A crawl without a network: what was taken is under way until it is let go of."""

    def __init__(self, frontier: Frontier, in_flight: int, *, depth: int = 2) -> None:
        self.under_way: list[VisitResult] = []
        self.marked_gone: list[tuple[list[str], str]] = []
        self.gone_at: dict[str, datetime] = {}
        self.frontier, self.broken = frontier, False
        callbacks = CrawlCallbacks(
            host=lambda _: "site",
            under_way=lambda: self.under_way,
            wake=lambda: None,
            mark_gone=self.mark_gone,
            count=lambda _: None,
        )
        self.worker = Worker(frontier, Arguments(editions=("cn",), depth=depth), in_flight, callbacks)

    async def mark_gone(self, keys: Collection[str], at: datetime) -> None:
        if self.broken:
            raise DatabaseError("no archive")
        self.gone_at |= dict.fromkeys(keys, at)
        for key in keys:
            (document,) = await self.frontier._urls.find({"_id": key}).to_list()
            self.marked_gone.append((list(keys), document["state"]))

    async def fill(self) -> None:
        await self.worker.claim()
        await self.worker.pace("site")
        while self.worker.paced:  # noqa: ASYNC110 - timers of the loop, none of them later than now
            await asyncio.sleep(0)

    def take(self) -> list[ReadyRequest]:
        turns = list(iter(self.worker.take, None))
        self.under_way += [ready_request.visit for ready_request in turns]
        return turns

    def let_go(self, turns: list[ReadyRequest], outcome: Outcome) -> None:
        for ready_request in turns:
            ready_request.visit.complete(outcome)
            self.under_way.remove(ready_request.visit)


@pytest.fixture
async def frontier(mongo_uri: str, database: str) -> AsyncIterator[Frontier]:
    async with await Frontier.open(mongo_uri, database, limits=Limits(rate=0)) as opened:
        yield opened


def article(name: str, depth: int = 0) -> Link:
    url = f"https://www.rfi.fr/cn/politics/20260301-{name}"
    return Link(url=url, kind=Kind.ARTICLE, edition="cn", depth=depth)


async def known(frontier: Frontier, link: Link) -> dict[str, Any]:
    found = await frontier.statistics.find(link.url)
    assert found
    return found


async def test_what_waits_to_be_stored_or_settled_is_in_flight(frontier: Frontier) -> None:
    crawl = Crawl(frontier, in_flight=3)
    await frontier.add([article(f"story-{number}") for number in range(9)])
    await crawl.fill()
    first = crawl.take()
    assert len(first) == 3
    assert len(crawl.worker.ready) == 3
    crawl.let_go(first[:2], Outcome.NEW)
    assert crawl.take() == []
    assert await crawl.worker.complete()
    assert len(crawl.take()) == 2
    assert not await crawl.worker.complete()


@pytest.mark.parametrize(
    ("late_s", "step_s", "taken"),
    [(0.0, 0.2, 3), (1.0, 0.2, 1), (1.0, 0.0, 3)],
    ids=["in time", "after a standstill", "without a rate"],
)
async def test_what_piled_up_in_a_standstill_does_not_go_at_once(
    frontier: Frontier, late_s: float, step_s: float, taken: int
) -> None:
    crawl = Crawl(frontier, in_flight=4)
    await frontier.add([article(f"story-{number}") for number in range(3)])
    at = asyncio.get_running_loop().time() - late_s
    crawl.worker.ready.extend(Reservation(each, at, step_s) for each in await frontier.claim(3, ["cn"]))
    assert len(crawl.take()) == taken
    assert sum(map(len, crawl.worker.waiting.values())) == 3 - taken
    assert not crawl.worker.ready


async def test_the_probe_of_the_circuit_breaker_is_a_page_though_a_feed_waits_before_it(
    mongo_uri: str, database: str
) -> None:
    async with await Frontier.open(mongo_uri, database, limits=Limits(rate=1, blocks=1)) as frontier:
        await frontier.add([Link(url="https://www.rfi.fr/cn/rss", kind=Kind.FEED, edition="cn"), article("probe")])
        await frontier.hosts.on_refusal("site", page=True)
        past = {"next_at": NOW, "blocked_until": NOW}
        await frontier._database["hosts"].update_many({}, {"$set": past})
        crawl = Crawl(frontier, in_flight=4)
        await crawl.worker.claim()
        crawl.worker.waiting["site"] = deque(
            sorted(crawl.worker.waiting["site"], key=lambda each: each.kind in PAGE_KINDS)
        )
        await crawl.fill()
        (probe,) = crawl.take()
    assert (probe.lease.kind, probe.held_off_s) == (Kind.ARTICLE, None)


async def test_while_the_host_refuses_pages_they_use_no_slot_count_no_failure_and_are_due_when_that_is_over(
    mongo_uri: str, database: str
) -> None:
    feed = Link(url="https://www.rfi.fr/cn/rss", kind=Kind.FEED, edition="cn")
    pages = [article(f"story-{number}") for number in range(5)]
    async with await Frontier.open(mongo_uri, database, limits=Limits(rate=1, blocks=1, cooldown_s=300)) as frontier:
        await frontier.add([*pages, feed])
        await frontier.hosts.on_refusal("site", page=True)
        await frontier._database["hosts"].update_many({}, {"$set": {"next_at": NOW}})
        crawl = Crawl(frontier, in_flight=6)
        await crawl.fill()
        turns = crawl.take()
        assert {ready_request.lease.url for ready_request in turns if ready_request.held_off_s is None} == {feed.url}
        crawl.let_go(turns, Outcome.BLOCKED)
        await crawl.worker.complete()
        for page in pages:
            left = await known(frontier, page)
            assert 250 < (left["due_at"] - left["last"]["at"]).total_seconds() < 330
            assert (left["state"], left.get("failures"), left["attempts"]) == (State.FAILED, None, 0)


async def test_the_probe_is_not_spent_while_there_is_no_page_to_be_fetched(mongo_uri: str, database: str) -> None:
    feed = Link(url="https://www.rfi.fr/cn/rss", kind=Kind.FEED, edition="cn")
    async with await Frontier.open(mongo_uri, database, limits=Limits(rate=0, blocks=1)) as frontier:
        await frontier.add([feed])
        await frontier.hosts.on_refusal("site", page=True)
        await frontier._database["hosts"].update_many({}, {"$set": {"next_at": NOW, "blocked_until": NOW}})
        crawl = Crawl(frontier, in_flight=4)
        await crawl.fill()
        assert [ready_request.lease.kind for ready_request in crawl.take()] == [Kind.FEED]
        assert (await frontier.hosts.reserve("site", 1)).breaker is Breaker.PROBING


async def test_the_archive_hears_of_a_tombstone_before_the_frontier_lets_go_of_it(frontier: Frontier) -> None:
    crawl, link = Crawl(frontier, in_flight=1), article("gone")
    await frontier.add([link])
    for _ in range(2):
        await frontier._urls.update_many({}, {"$set": {"due_at": NOW}})
        await crawl.fill()
        crawl.let_go(crawl.take(), Outcome.GONE)
        await crawl.worker.complete()
    assert crawl.marked_gone == [([urls.key(link.url)], State.LEASED)]
    assert (await known(frontier, link))["state"] == State.GONE


async def test_a_tombstone_is_of_the_time_when_it_was_asked_for(frontier: Frontier) -> None:
    """A worker that stood still in between does not undo what others saw meanwhile."""
    crawl, links = Crawl(frontier, in_flight=2), [article("first"), article("second")]
    await frontier.add(links)
    asked_at = {urls.key(link.url): NOW + timedelta(minutes=number) for number, link in enumerate(links)}
    for _ in range(2):
        await frontier._urls.update_many({}, {"$set": {"due_at": NOW}})
        await crawl.fill()
        requests = crawl.take()
        for request in requests:
            request.visit.asked_at = asked_at[request.lease.key]
        crawl.let_go(requests, Outcome.GONE)
        await crawl.worker.complete()
    assert crawl.gone_at == asked_at


async def test_what_the_archive_does_not_bury_is_not_settled(frontier: Frontier) -> None:
    crawl, link = Crawl(frontier, in_flight=1), article("gone")
    await frontier.add([link])
    await frontier._urls.update_many({}, {"$set": {"misses": 1}})
    await crawl.fill()
    crawl.let_go(crawl.take(), Outcome.GONE)
    crawl.broken = True
    with pytest.raises(DatabaseError, match="no archive"):
        await crawl.worker.complete()
    assert (await known(frontier, link))["state"] == State.LEASED
    crawl.broken = False
    await crawl.worker.hand_back()
    assert (await known(frontier, link))["state"] == State.GONE


async def test_links_that_come_in_while_the_frontier_is_asked_keep_the_crawl_alive(
    frontier: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl = Crawl(frontier, in_flight=1)
    pending = frontier.statistics.pending

    async def then_a_link_comes(*asked: Any) -> Any:
        told = await pending(*asked)
        crawl.worker.note_new_work()
        monkeypatch.undo()
        claim_and_pace.cancel()
        return told

    monkeypatch.setattr(frontier.statistics, "pending", then_a_link_comes)
    claim_and_pace = asyncio.ensure_future(crawl.worker.claim_and_pace())
    await asyncio.gather(claim_and_pace, return_exceptions=True)
    assert not crawl.worker.exhausted


async def test_a_page_at_the_depth_limit_is_marked_and_one_within_it_is_not(frontier: Frontier) -> None:
    crawl = Crawl(frontier, in_flight=2, depth=1)
    near, far = article("near"), article("far", depth=1)
    await frontier.add([near, far])
    await crawl.fill()
    crawl.let_go(crawl.take(), Outcome.NEW)
    await crawl.worker.complete()
    assert "unfollowed" not in await known(frontier, near)
    assert (await known(frontier, far))["unfollowed"] is True


async def test_a_request_counts_as_an_attempt_when_it_was_sent_and_no_answer_is_complete_yet(
    frontier: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MARK_S", 0.0)
    crawl = Crawl(frontier, in_flight=2)
    links = [article(f"story-{number}") for number in range(3)]
    await frontier.add(links)
    await crawl.fill()
    first, second = crawl.take()
    crawl.let_go([first], Outcome.NEW)
    await crawl.worker.complete()
    await crawl.worker.mark_sent()
    counted = [lease.key for lease in frontier.leases if (await known(frontier, link_of(lease)))["attempts"]]
    assert counted == [second.lease.key]


async def test_what_claims_something_is_asked_for_anew_and_whole(frontier: Frontier) -> None:
    claimed = Claim("not an article", NOW)
    crawl, link = Crawl(frontier, in_flight=1), article("claimed")
    await frontier.add([link])
    await frontier._urls.update_many({}, {"$set": {"etag": '"x"', "claim": {"evidence": claimed.evidence, "at": NOW}}})
    await crawl.fill()
    (ready,) = crawl.take()
    session: Any = SimpleNamespace(frontier=frontier)
    engine: Any = SimpleNamespace()
    request = FrontierScheduler(session, RfiSpider(), engine, in_flight=1).request(ready)
    assert "If-None-Match" not in request.headers
    assert request.meta["claim"] == claimed
