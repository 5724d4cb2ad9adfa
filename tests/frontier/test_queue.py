"""The frontier, against a real MongoDB: nothing is lost, nobody holds what another holds, everybody gets a share."""

import asyncio
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import AutoReconnect, WriteError

from rfispider.frontier import (
    Completion,
    Frontier,
    Lease,
    Validators,
    discovery,
    schema,
    transitions,
    worker_id,
)
from rfispider.frontier.diagnostics import GivenUp
from rfispider.frontier.leasing import fronts
from rfispider.frontier.policy import fair_share
from rfispider.frontier.policy.fair_share import Band, Lane, Turns
from rfispider.frontier.policy.priorities import PRIORITIES, priority
from rfispider.frontier.policy.revisit import FAILURE_BACKOFF, HOUR_S, LOOKS_S, Gap, Poll, State
from rfispider.frontier.queue import ATTEMPTS
from rfispider.items import FEED_KINDS, FETCHABLE_KINDS, Audio, Entry, Kind, Link, Outcome
from rfispider.mongo.errors import DatabaseError
from rfispider.site import urls

CN = ["cn"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def article(name: str, *, edition: str = "cn", depth: int = 0) -> Link:
    url = f"https://www.rfi.fr/{edition}/politics/20260301-{name}"
    return Link(url=url, kind=Kind.ARTICLE, edition=edition, depth=depth)


def articles(n: int, *, edition: str = "cn") -> list[Link]:
    return [article(f"story-{number}", edition=edition) for number in range(n)]


def feed(edition: str = "cn") -> Link:
    return Link(url=f"https://www.rfi.fr/{edition}/rss", kind=Kind.FEED, edition=edition)


def said(
    link: Link, *, title: str | None = None, published: datetime | None = None, modified: datetime | None = None
) -> Link:
    entry = Entry(url=link.url, title=title, published_at=published, modified_at=modified)
    return replace(link, entry=entry)


def done(
    leases: Sequence[Lease],
    outcome: Outcome = Outcome.NEW,
    *,
    validators: Validators | None = None,
    poll: Poll | None = None,
) -> list[Completion]:
    return [Completion(lease=each, outcome=outcome, status=200, validators=validators, poll=poll) for each in leases]


def names(leases: Sequence[Lease]) -> list[str]:
    return [lease.url.rpartition("20260301-")[2] for lease in leases]


@pytest.fixture
async def frontier(mongo_uri: str, database: str) -> AsyncIterator[Frontier]:
    async with await Frontier.open(mongo_uri, database, worker="one") as opened:
        yield opened


@pytest.fixture
async def other(mongo_uri: str, database: str, frontier: Frontier) -> AsyncIterator[Frontier]:
    async with await Frontier.open(mongo_uri, database, worker="two") as opened:
        yield opened


async def stored(frontier: Frontier, link: Link) -> dict[str, Any]:
    found = await frontier.statistics.find(link.url)
    assert found is not None
    return found


async def expire(frontier: Frontier) -> None:
    """As if every lease had run out, and every due time had come."""
    await frontier._urls.update_many({"due_at": {"$ne": None}}, {"$set": {"due_at": LONG_AGO}})
    await frontier._urls.update_many({"state": "leased"}, {"$set": {"lease.until": LONG_AGO}})


# ---- Finding ------------------------------------------------------------------------------------------------


async def test_a_link_that_was_not_known_is_told_and_due(frontier: Frontier) -> None:
    assert len(await frontier.add(articles(3))) == 3
    assert await frontier.add(articles(4)) == {urls.key(article("story-3").url)}
    assert sorted(names(await frontier.claim(10, CN))) == ["story-0", "story-1", "story-2", "story-3"]


async def test_every_spelling_of_a_url_is_one_url(frontier: Frontier) -> None:
    link = article("same")
    spellings = [
        link,
        replace(link, url=link.url + "/"),
        replace(link, url=link.url.replace("https://www.", "http://")),
    ]
    assert len(await frontier.add(spellings)) == 1
    assert len(await frontier.claim(5, CN)) == 1


async def test_nothing_to_add_asks_nobody(frontier: Frontier) -> None:
    assert await frontier.add([]) == set()


async def test_a_source_gives_what_it_said_back_with_the_lease(frontier: Frontier) -> None:
    entry = Entry(
        url=article("told").url,
        title="A title",
        summary="A summary",
        content="<p>" + "long " * 1000 + "</p>",
        published_at=T0,
        image="https://example.org/i.jpg",
        audio=Audio(url="https://example.org/a.mp3", duration_s=12),
        keywords=["one", "two"],
        authors=["Somebody"],
        label="Topic",
    )
    await frontier.add([replace(article("told"), entry=entry, found_on="https://www.rfi.fr/cn/rss", depth=2)])
    (lease,) = await frontier.claim(1, CN)
    assert lease.entry == replace(entry, content=None)
    assert (lease.found_on, lease.depth, lease.published_at) == ("https://www.rfi.fr/cn/rss", 2, T0)


async def test_what_a_source_says_later_is_kept_until_the_article_is_stored(frontier: Frontier) -> None:
    link = article("told")
    await frontier.add([link])
    await frontier.add([said(link, title="A title")])
    leases = await frontier.claim(1, CN)
    assert leases[0].entry == Entry(url=link.url, title="A title")
    await frontier.acknowledge(done(leases, Outcome.BLOCKED))
    assert (await stored(frontier, link))["entry"] == {"title": "A title"}
    await expire(frontier)
    await frontier.acknowledge(done(await frontier.claim(1, CN)))
    assert "entry" not in await stored(frontier, link)


def test_a_waiting_url_that_is_listed_again_with_the_same_words_is_not_written() -> None:
    link = said(article("x"), title="T", published=T0)
    about = discovery.DiscoveryContext(now=T0)
    known = discovery.document(link, about)
    assert discovery.update(known, link, about) is None
    assert discovery.update({**known, "entry": {}}, link, about) is None


async def test_the_news_raise_what_a_backfill_had_found(frontier: Frontier) -> None:
    link = article("old")
    await frontier.add([link], backfill=True)
    assert (await stored(frontier, link))["priority"] < 0
    await frontier.add([link])
    assert (await stored(frontier, link))["priority"] == priority(link, backfill=False)
    await frontier.add([link], backfill=True)
    assert (await stored(frontier, link))["priority"] == priority(link, backfill=False)


async def test_a_link_nearer_to_its_source_lowers_the_depth_and_a_farther_one_does_not(frontier: Frontier) -> None:
    await frontier.add([article("x", depth=2)])
    await frontier.add([article("x", depth=1)])
    await frontier.add([article("x", depth=5)])
    assert (await stored(frontier, article("x")))["depth"] == 1


async def test_a_read_article_is_not_fetched_again_because_it_is_listed_again(frontier: Frontier) -> None:
    links = [said(link, title="T", published=T0) for link in articles(5)]
    await frontier.add(links)
    await frontier.acknowledge(done(await frontier.claim(5, CN)))
    assert await frontier.add(links) == set()
    assert await frontier.claim(5, CN) == []


async def test_a_read_article_is_due_at_once_when_a_source_says_that_it_changed(frontier: Frontier) -> None:
    link = said(article("x"), modified=T0)
    await frontier.add([link])
    await frontier.acknowledge(done(await frontier.claim(1, CN), validators=Validators(etag='"e"')))
    changed = said(article("x"), modified=T0 + timedelta(minutes=1))
    assert await frontier.add([changed]) == set()
    (lease,) = await frontier.claim(1, CN)
    assert lease.validators.etag == '"e"'
    await frontier.acknowledge(done([lease], Outcome.CHANGED))
    await frontier.add([changed])
    assert await frontier.claim(1, CN) == []


async def test_a_change_that_is_told_while_the_url_is_leased_leaves_the_lease_alone(
    frontier: Frontier, other: Frontier
) -> None:
    link = said(article("x"), modified=T0)
    await frontier.add([link])
    (lease,) = await frontier.claim(1, CN)
    await other.add([said(link, modified=T0 + timedelta(days=4000))], stale_s=0)
    assert await other.claim(1, CN) == []
    assert await frontier.acknowledge(done([lease])) == []


async def test_a_change_that_meets_a_claim_leaves_the_lease_alone(
    frontier: Frontier, other: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = said(article("x"), modified=T0)
    await frontier.add([link])
    await frontier.acknowledge(done(await frontier.claim(1, CN)))
    read = await other._present([urls.key(link.url)])
    await expire(frontier)
    leases = await frontier.claim(1, CN)

    async def as_read_before_the_claim(keys: object) -> dict[str, dict[str, Any]]:
        return read

    monkeypatch.setattr(other, "_present", as_read_before_the_claim)
    await other.add([said(link, modified=T0 + timedelta(hours=1))])
    assert await other.claim(1, CN) == []
    assert await frontier.acknowledge(done(leases)) == []


async def test_a_page_beyond_the_depth_limit_is_read_again_when_it_turns_out_to_be_nearer(frontier: Frontier) -> None:
    await frontier.add([article("x", depth=2)], max_depth=2)
    await frontier.acknowledge(done(await frontier.claim(1, CN), validators=Validators(etag='"e"', body_hash="b")))
    await frontier.add([article("x", depth=2)], max_depth=2)
    assert await frontier.claim(1, CN) == []
    await frontier.add([article("x", depth=1)], max_depth=2)
    (lease,) = await frontier.claim(1, CN)
    assert (lease.depth, lease.validators) == (1, Validators())


async def test_pages_whose_links_were_left_alone_are_due_when_the_depth_rises_and_only_then(frontier: Frontier) -> None:
    links = [article(f"hop-{depth}", depth=depth) for depth in range(4)]
    await frontier.add(links)
    await frontier.acknowledge([replace(each, followed=False) for each in done(await frontier.claim(4, CN))])
    assert await frontier.requeue_for_depth(CN, 0) == 0
    assert await frontier.requeue_for_depth(["fr"], None) == 0
    assert await frontier.requeue_for_depth(CN, 2) == 2
    leases = await frontier.claim(4, CN)
    assert sorted(names(leases)) == ["hop-0", "hop-1"]
    assert all(lease.unfollowed for lease in leases)
    await frontier.acknowledge([replace(each, followed=True) for each in done(leases)])
    assert await frontier.requeue_for_depth(CN, 2) == 0
    assert await frontier.requeue_for_depth(CN, None) == 2


async def test_a_page_that_turns_out_to_be_nearer_while_it_is_leased_is_read_again_for_its_links(
    frontier: Frontier, other: Frontier
) -> None:
    await frontier.add([article("nearer", depth=2), article("far", depth=2)])
    leases = await frontier.claim(2, CN)
    await other.add([article("nearer", depth=1)], max_depth=2)
    await frontier.acknowledge([replace(each, followed=False, max_depth=2) for each in done(leases)])
    (again,) = await frontier.claim(2, CN)
    assert (names([again]), again.depth, again.unfollowed) == (["nearer"], 1, True)


async def test_a_page_that_was_not_read_keeps_its_mark_for_the_crawl_that_goes_deeper(frontier: Frontier) -> None:
    await frontier.add([article("x")])
    await frontier.acknowledge([replace(each, followed=False) for each in done(await frontier.claim(1, CN))])
    for outcome in (Outcome.UNCHANGED, Outcome.FAILED):
        await expire(frontier)
        await frontier.acknowledge(done(await frontier.claim(1, CN), outcome))
        assert (await stored(frontier, article("x")))["unfollowed"] is True


async def test_a_source_is_polled_at_the_start_of_a_run_unless_it_was_lately(frontier: Frontier) -> None:
    await frontier.add([feed()])
    await frontier.acknowledge(done(await frontier.claim(1, CN), Outcome.NOT_ARTICLE))
    await frontier.add([feed()], stale_s=300)
    assert await frontier.claim(1, CN) == []
    await frontier._urls.update_one({}, {"$set": {"last.at": LONG_AGO}})
    await frontier.add([feed()], stale_s=300)
    assert len(await frontier.claim(1, CN)) == 1


async def test_a_tombstone_stays_unless_a_source_tells_of_a_change(frontier: Frontier) -> None:
    link = said(article("x"), modified=T0)
    await frontier.add([link])
    for _ in range(2):
        await expire(frontier)
        await frontier.acknowledge(done(await frontier.claim(1, CN), Outcome.GONE))
    assert (await stored(frontier, link))["state"] == "gone"
    await frontier.add([link], stale_s=0)
    assert await frontier.claim(1, CN) == []
    await frontier.add([said(link, modified=T0 + timedelta(hours=1))])
    assert len(await frontier.claim(1, CN)) == 1


async def test_a_change_told_for_the_future_does_not_hide_one_before_it(frontier: Frontier) -> None:
    wrong, right = (timedelta(days=1), timedelta(minutes=-1))
    now = frontier.now()
    await frontier.add([said(article("x"), modified=now + wrong)])
    await frontier.acknowledge(done(await frontier.claim(1, CN)))
    visited = {"last.at": now - timedelta(hours=1)}
    await frontier._urls.update_many({}, {"$set": visited})
    await frontier.add([said(article("x"), modified=now + wrong)])
    assert await frontier.claim(1, CN) == []
    await frontier.add([said(article("x"), modified=now + right)])
    assert len(await frontier.claim(1, CN)) == 1


moments = st.none() | st.integers(0, 10_000).map(lambda days: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=days))


known_urls = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state.value for state in State]),
        "due_at": moments,
        "priority": st.sampled_from(sorted(PRIORITIES)),
        "depth": st.just(3),
        "added_at": st.just(T0),
        "told_at": moments,
    }
)


@given(known_urls, moments, st.integers(0, 9))
def test_finding_a_url_again_never_delays_nor_demotes_it(
    known: dict[str, Any], told: datetime | None, depth: int
) -> None:
    link = said(article("x", depth=depth), title="T", modified=told)
    about = discovery.DiscoveryContext(now=T0, stale_s=60, max_depth=3)
    update = discovery.update(known, link, about) or {}
    assert update.get("$max", {}).get("priority", known["priority"]) >= known["priority"]
    assert update.get("$min", {}).get("depth", 0) <= 3
    new_due = update.get("$set", {}).get("due_at")
    assert new_due is None or (known["state"] != "leased" and new_due <= T0)


def test_every_priority_that_is_given_is_a_known_one() -> None:
    given_ = {
        priority(Link(url="", kind=kind, edition=None, depth=depth), backfill=backfill)
        for kind in Kind
        for depth in (0, 1, 9, 10, 11, 1000)
        for backfill in (True, False)
    }
    assert given_ < PRIORITIES


async def test_what_was_found_since_a_time_is_told_from_what_was_known_before(frontier: Frontier) -> None:
    await frontier.add([article("old")])
    since = (await stored(frontier, article("old")))["added_at"]
    assert not await frontier.found_since([article("old"), article("unheard")], since)
    await frontier._urls.update_one({"url": article("old").url}, {"$set": {"added_at": LONG_AGO}})
    await frontier.add([article("old"), article("new")])
    assert await frontier.found_since([article("old"), article("new")], LONG_AGO)
    assert not await frontier.found_since([article("old")], LONG_AGO)


# ---- Claiming -----------------------------------------------------------------------------------------------


async def test_the_more_important_goes_first_then_the_older(frontier: Frontier) -> None:
    await frontier.add([article("far", depth=3), article("near", depth=1)])
    await frontier.add([article("late", depth=1)])
    await frontier._urls.update_one({"_id": urls.key(article("late").url)}, {"$set": {"due_at": LONG_AGO}})
    assert names(await frontier.claim(2, CN)) == ["late", "near"]
    assert names(await frontier.claim(2, CN)) == ["far"]


async def test_nothing_is_claimed_of_other_editions_or_kinds(frontier: Frontier) -> None:
    await frontier.add([article("a"), article("b", edition="fr"), feed()])
    assert [lease.kind for lease in await frontier.claim(9, CN, FEED_KINDS)] == [Kind.FEED]
    assert names(await frontier.claim(9, CN)) == ["a"]
    assert await frontier.claim(9, ["es"]) == []
    assert await frontier.claim(9, []) == []
    assert await frontier.claim(9, ["fr"], []) == []
    assert await frontier.claim(0, ["fr"]) == []


async def test_a_claim_that_was_not_filled_makes_the_next_one_look_everywhere(frontier: Frontier) -> None:
    await frontier.add([article("a"), article("b")])
    await frontier.claim(1, CN)
    await frontier.add([feed()])
    assert names(await frontier.claim(2, CN)) == ["b"]
    await frontier.add([article("c")])
    assert {lease.kind for lease in await frontier.claim(2, CN)} == {Kind.ARTICLE, Kind.FEED}


async def test_a_url_of_no_edition_is_claimed_when_asked_for(frontier: Frontier) -> None:
    await frontier.add([Link(url="https://mirror.example.org/rfi.xml", kind=Kind.FEED, edition=None)])
    assert len(await frontier.claim(1, [None])) == 1


async def test_what_is_due_later_is_left_alone(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    await frontier.acknowledge(done(await frontier.claim(1, CN)))
    document = await stored(frontier, article("story-0"))
    assert document["state"] == "done"
    assert (document["due_at"] - document["last"]["at"]).total_seconds() == pytest.approx(LOOKS_S[0], abs=5)
    assert await frontier.claim(1, CN) == []


async def test_eight_workers_never_hold_the_same_url_and_leave_none(mongo_uri: str, database: str) -> None:
    workers_ = [await Frontier.open(mongo_uri, database, worker=f"w{i}") for i in range(8)]
    await workers_[0].add(articles(600))
    taken: list[str] = []

    async def work(worker: Frontier) -> None:
        while leases := await worker.claim(7, CN):
            taken.extend(lease.key for lease in leases)

    # A claim that lost every race may come back empty; a second round shows that nothing was left behind.
    for _ in range(2):
        await asyncio.gather(*(work(worker) for worker in workers_))
    for worker in workers_:
        await worker.close()
    assert len(taken) == len(set(taken)) == 600


async def test_a_backfill_does_not_starve_the_news_nor_the_other_way_round(frontier: Frontier) -> None:
    await frontier.add(articles(200), backfill=True)
    await frontier.add([article(f"news-{i}") for i in range(100)])
    claimed = [lease for _ in range(10) for lease in await frontier.claim(7, CN)]
    counted = Counter(lease.priority < 0 for lease in claimed)
    assert counted == {False: 60, True: 10}


async def test_sources_are_polled_while_articles_wait(frontier: Frontier) -> None:
    sources = [Link(url=f"https://www.rfi.fr/cn/tag/t{i}/", kind=Kind.TAG, edition="cn") for i in range(30)]
    await frontier.add([*articles(60), *sources])
    claimed = [lease for _ in range(9) for lease in await frontier.claim(1, CN)]
    assert Counter(lease.kind for lease in claimed) == {Kind.ARTICLE: 6, Kind.TAG: 3}


async def test_a_large_edition_does_not_starve_a_small_one(frontier: Frontier) -> None:
    await frontier.add(articles(300))
    await frontier.add(articles(20, edition="fr"))
    claimed = await frontier.claim(30, ["cn", "fr"])
    assert Counter(lease.edition for lease in claimed) == {"cn": 15, "fr": 15}
    rest = [lease for _ in range(4) for lease in await frontier.claim(30, ["cn", "fr"])]
    assert Counter(lease.edition for lease in rest) == {"cn": 115, "fr": 5}


lanes = st.builds(Lane, st.sampled_from(["cn", "fr", "en"]), st.sampled_from(list(Band)))


@given(st.dictionaries(lanes, st.integers(0, 40)), st.integers(0, 60))
def test_turns_waste_nothing_and_keep_the_order_of_each_lane(sizes: dict[Lane, int], n: int) -> None:
    waiting = {lane: [f"{lane.edition}.{lane.band}.{i:03}" for i in range(size)] for lane, size in sizes.items()}
    picked = Turns({}).deal(waiting, n)
    assert len(picked) == min(n, sum(sizes.values()))
    for keys in waiting.values():
        mine = [key for key in picked if key in set(keys)]
        assert mine == keys[: len(mine)]


@given(st.sets(lanes, min_size=2, max_size=9))
def test_lanes_with_enough_work_get_turns_by_their_weight(busy: set[Lane]) -> None:
    turns = Turns({})
    total = sum(fair_share.BAND_WEIGHTS[lane.band] for lane in busy)
    waiting = {lane: [f"{lane.edition}.{lane.band}"] * 10 * total for lane in busy}
    picked = [key for _ in range(2 * total) for key in turns.deal(waiting, 1)]
    expected = {f"{lane.edition}.{lane.band}": 2 * fair_share.BAND_WEIGHTS[lane.band] for lane in busy}
    assert Counter(picked) == expected


# ---- Leases -------------------------------------------------------------------------------------------------


async def test_an_expired_lease_is_taken_over_and_its_late_acknowledgement_changes_nothing(
    frontier: Frontier, other: Frontier
) -> None:
    await frontier.add(articles(1))
    (late,) = await frontier.claim(1, CN)
    await frontier.mark_sent([late])
    assert await other.claim(1, CN) == []
    await expire(frontier)
    (new,) = await other.claim(1, CN)
    assert (new.key, new.attempts) == (late.key, 1)
    assert await frontier.acknowledge(done([late], Outcome.CHANGED)) == [late]
    document = await stored(frontier, article("story-0"))
    assert (document["state"], document["lease"]["worker"]) == ("leased", "two")
    assert "last" not in document
    assert await other.acknowledge(done([new])) == []
    assert (await stored(frontier, article("story-0")))["last"]["outcome"] == "article/new"


async def test_a_worker_cannot_acknowledge_its_own_earlier_lease(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    (first,) = await frontier.claim(1, CN)
    await expire(frontier)
    (second,) = await frontier.claim(1, CN)
    assert await frontier.acknowledge(done([first])) == [first]
    assert frontier.leases == [second]


async def test_an_acknowledgement_may_be_repeated(frontier: Frontier) -> None:
    await frontier.add(articles(2))
    finished = done(await frontier.claim(2, CN))
    assert await frontier.acknowledge(finished) == []
    assert await frontier.acknowledge(finished) == []


async def test_only_the_lost_ones_of_many_are_returned(frontier: Frontier, other: Frontier) -> None:
    await frontier.add(articles(6))
    leases = await frontier.claim(6, CN)
    await frontier._urls.update_many({"_id": {"$in": [leases[1].key, leases[4].key]}}, {"$set": {"due_at": LONG_AGO}})
    assert len(await other.claim(6, CN)) == 2
    assert await frontier.acknowledge(done(leases)) == [leases[1], leases[4]]


async def test_a_heartbeat_renews_what_is_held_and_tells_what_is_lost(frontier: Frontier, other: Frontier) -> None:
    await frontier.add(articles(4))
    leases = await frontier.claim(4, CN)
    await expire(frontier)
    taken = await other.claim(1, CN)
    lost = await frontier.heartbeat()
    assert [lease.key for lease in lost] == [lease.key for lease in taken]
    assert await other.claim(4, CN) == []
    assert {lease.key for lease in frontier.leases} == {lease.key for lease in leases} - {taken[0].key}
    assert await frontier.heartbeat() == []


async def test_a_heartbeat_moves_the_end_of_the_lease(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    await frontier.claim(1, CN)
    await expire(frontier)
    await frontier.heartbeat()
    document = await stored(frontier, article("story-0"))
    assert document["lease"]["until"] == document["due_at"]
    assert document["due_at"] - frontier.now() > timedelta(seconds=50)


async def test_a_heartbeat_does_not_bring_back_what_was_acknowledged(frontier: Frontier) -> None:
    await frontier.add(articles(50))
    leases = await frontier.claim(50, CN)
    lost, _ = await asyncio.gather(frontier.heartbeat(), frontier.acknowledge(done(leases)))
    assert lost == []
    assert {count.state for count in await frontier.statistics.counts()} == {State.DONE}


async def test_released_leases_are_due_as_they_were_and_count_no_attempt(frontier: Frontier, other: Frontier) -> None:
    await frontier.add(articles(2))
    before = await stored(frontier, article("story-0"))
    leases = await frontier.claim(2, CN)
    await frontier.mark_sent(leases[:1])
    assert await frontier.release(leases) == 2
    assert await stored(frontier, article("story-0")) == before
    assert frontier.leases == []
    assert [lease.attempts for lease in await other.claim(2, CN)] == [0, 0]


async def test_what_was_taken_over_is_given_back_as_it_was_before_the_first_lease(
    frontier: Frontier, other: Frontier
) -> None:
    await frontier.add(articles(1))
    before = await stored(frontier, article("story-0"))
    await frontier.mark_sent(await frontier.claim(1, CN))
    await expire(frontier)
    leases = await other.claim(1, CN)
    await other.mark_sent(leases)
    await other.release(leases)
    assert await stored(frontier, article("story-0")) == {**before, "attempts": 1}


async def test_a_lease_that_was_taken_over_cannot_be_released(frontier: Frontier, other: Frontier) -> None:
    await frontier.add(articles(1))
    leases = await frontier.claim(1, CN)
    await expire(frontier)
    await other.claim(1, CN)
    assert await frontier.release(leases) == 0
    assert (await stored(frontier, article("story-0")))["lease"]["worker"] == "two"


async def test_a_failure_is_kept_with_its_reason_and_tried_again_later(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    (lease,) = await frontier.claim(1, CN)
    assert await frontier.fail(lease, "$timeout " + "x" * 5000, status=500)
    document = await stored(frontier, article("story-0"))
    assert (document["state"], document["failures"], document["attempts"]) == ("failed", 1, 0)
    assert document["last"] | {"at": None, "token": None} == {
        "at": None, "token": None, "status": 500, "outcome": "page/failed", "error": ("$timeout " + "x" * 5000)[:500],
    }  # fmt: skip
    assert 25 <= (document["due_at"] - document["last"]["at"]).total_seconds() <= 60
    assert await frontier.claim(1, CN) == []


async def test_after_too_many_failures_a_url_waits_for_a_person(frontier: Frontier) -> None:
    await frontier.add(articles(2))
    for _ in range(FAILURE_BACKOFF.limit):
        await expire(frontier)
        for lease in await frontier.claim(2, CN):
            await frontier.fail(lease, "no answer")
    assert [document["due_at"] for document in await frontier.statistics.failed(CN)] == [None, None]
    assert await frontier.statistics.retry(CN, article("story-0").url + "/?utm_source=x") == 1
    assert names(leases := await frontier.claim(2, CN)) == ["story-0"]
    assert (leases[0].attempts, leases[0].failures) == (0, 0)
    assert await frontier.statistics.retry(["fr"]) == 0
    assert await frontier.statistics.retry(CN) == 1


async def test_a_visit_that_succeeds_starts_the_count_of_failures_anew(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    await frontier.fail((await frontier.claim(1, CN))[0], "no answer")
    await expire(frontier)
    (lease,) = await frontier.claim(1, CN)
    assert (lease.failures, lease.attempts) == (1, 0)
    await frontier.acknowledge(done([lease]))
    document = await stored(frontier, article("story-0"))
    assert document["attempts"] == 0
    assert "failures" not in document


async def test_a_source_that_fails_for_days_is_fetched_all_the_same(frontier: Frontier) -> None:
    await frontier.add([feed()])
    for _ in range(2 * ATTEMPTS):
        await expire(frontier)
        (lease,) = await frontier.claim(1, CN)
        await frontier.fail(lease, "no answer")


async def die_of(frontier: Frontier, leases: Sequence[Lease]) -> None:
    """As if the worker had been killed while these requests were under way, and were started again."""
    await frontier.mark_sent(leases)
    frontier._leases.clear()
    await frontier.recover()


async def test_only_requests_that_were_sent_count_as_attempts(frontier: Frontier) -> None:
    await frontier.add(articles(2))
    for _ in range(2 * ATTEMPTS):
        leases = await frontier.claim(2, CN)
        assert names(leases) == ["story-0", "story-1"]
        await die_of(frontier, [])
    await die_of(frontier, (await frontier.claim(2, CN))[1:])
    assert [lease.attempts for lease in await frontier.claim(2, CN)] == [0, 1]


async def test_a_request_counts_once_however_often_it_is_marked_as_sent(
    frontier: Frontier, other: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frontier.add(articles(1))
    (lease,) = await frontier.claim(1, CN)
    _lose_answers(monkeypatch, frontier, "update_many", times=1)
    await frontier.mark_sent([lease])
    await frontier.mark_sent([lease])
    assert (await stored(frontier, article("story-0")))["attempts"] == 1
    await expire(frontier)
    (taken,) = await other.claim(1, CN)
    await frontier.mark_sent([lease])
    await other.mark_sent([taken])
    assert (await stored(frontier, article("story-0")))["attempts"] == 2


async def test_a_url_that_takes_its_workers_down_waits_like_one_that_fails_and_is_given_up_at_last(
    frontier: Frontier,
) -> None:
    await frontier.add(articles(2))
    assert await frontier.diagnostics.given_up() is None
    for failures in range(1, FAILURE_BACKOFF.limit + 1):
        for _ in range(ATTEMPTS):
            leases = await frontier.claim(2, CN)
            assert names(leases) == ["story-0", "story-1"]
            await die_of(frontier, leases[:1])
        assert names(await frontier.claim(2, CN)) == names(frontier.leases) == ["story-1"]
        await frontier.release(frontier.leases)
        document = await stored(frontier, article("story-0"))
        assert (document["state"], document["failures"], document["attempts"]) == ("failed", failures, 0)
        assert "never settled" in document["last"]["error"]
        assert (document["due_at"] is None) == (failures == FAILURE_BACKOFF.limit)
        await expire(frontier)
    given_up = await frontier.diagnostics.given_up()
    assert given_up == GivenUp(count=1, url=article("story-0").url, error=document["last"]["error"])


async def test_thirteen_kills_in_a_row_give_up_no_healthy_page(frontier: Frontier) -> None:
    await frontier.add(articles(30))
    for _ in range(13):
        await die_of(frontier, (await frontier.claim(16, CN))[:8])
    assert await frontier.diagnostics.given_up() is None
    await expire(frontier)
    assert len(await frontier.claim(30, CN)) == 30


async def test_validators_are_kept_replaced_and_cleared(frontier: Frontier) -> None:
    async def visit(outcome: Outcome, validators: Validators | None) -> Validators:
        await expire(frontier)
        await frontier.acknowledge(done(await frontier.claim(1, CN), outcome, validators=validators))
        await expire(frontier)
        (lease,) = await frontier.claim(1, CN)
        await frontier.release([lease])
        return lease.validators

    await frontier.add(articles(1))
    first = Validators(etag='"1"', last_modified="Sun, 01 Mar 2026 12:00:00 GMT", body_hash="h")
    assert await visit(Outcome.NEW, first) == first
    assert await visit(Outcome.UNCHANGED, None) == first
    assert await visit(Outcome.CHANGED, Validators(body_hash="i")) == Validators(body_hash="i")
    # What comes back as it was has to be read: the answer that it is unchanged would leave a tombstone.
    assert await visit(Outcome.GONE, None) == Validators()
    # An alias is what its article is: whether it still is, only its page can tell.
    assert await visit(Outcome.DUPLICATE, first) == Validators()


async def test_a_read_article_waits_behind_those_that_are_not(frontier: Frontier) -> None:
    await frontier.add([article("read")])
    await frontier.acknowledge(done(await frontier.claim(1, CN)))
    await frontier.add([article("new", depth=9)])
    await expire(frontier)
    assert names(await frontier.claim(2, CN)) == ["new", "read"]


async def test_a_source_remembers_its_interval_and_poll_and_tells_its_gaps(frontier: Frontier) -> None:
    async def look(poll: Poll) -> None:
        await expire(frontier)
        await frontier.acknowledge(done(await frontier.claim(1, CN), Outcome.NOT_ARTICLE, poll=poll))

    await frontier.add([feed()])
    before = Poll(at=T0, keys=("a", "b"), oldest_at=T0 - timedelta(hours=2), newest_at=T0 - timedelta(hours=1))
    await look(before)
    after = Poll(at=T0 + timedelta(hours=5), keys=("x", "y"), oldest_at=T0 + timedelta(hours=3))
    await look(after)
    await expire(frontier)
    (lease,) = await frontier.claim(1, CN)
    assert lease.poll == after
    assert lease.interval_s == HOUR_S / 8
    (gap,) = await frontier.statistics.gaps(T0, T0 + timedelta(days=1))
    assert (gap.url, gap.gap) == (feed().url, Gap(since=T0 - timedelta(hours=1), until=T0 + timedelta(hours=3)))
    assert await frontier.statistics.gaps(T0 + timedelta(days=1), T0 + timedelta(days=2)) == []


# ---- Recovery -----------------------------------------------------------------------------------------------

_HOLDER = """
import asyncio, sys
from rfispider.frontier import Frontier
async def main(uri, database):
    frontier = await Frontier.open(uri, database)
    leases = await frontier.claim(5, ["cn"])
    await frontier.mark_sent(leases)
    print(len(leases), frontier.worker, flush=True)
    await asyncio.Event().wait()
asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_a_killed_process_of_this_machine_held_is_taken_back_at_once(
    mongo_uri: str, database: str, frontier: Frontier
) -> None:
    await frontier.add(articles(8))
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, mongo_uri, database, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    held, name = (await holder.stdout.readline()).decode().split(maxsplit=1)
    assert held == "5"
    assert not worker_id.is_dead(name.strip())
    assert await frontier.recover() == 0
    assert len(await frontier.claim(9, CN)) == 3
    holder.kill()
    await holder.wait()
    assert await frontier.recover() == 5
    again = await frontier.claim(9, CN)
    assert [lease.attempts for lease in again] == [1] * 5


async def test_a_named_worker_takes_back_what_it_held_in_an_earlier_life(mongo_uri: str, database: str) -> None:
    async with await Frontier.open(mongo_uri, database, worker="rack-7") as earlier:
        await earlier.add(articles(3))
        await earlier.claim(3, CN)
    async with await Frontier.open(mongo_uri, database, worker="rack-8") as stranger:
        assert await stranger.recover() == 0
    async with await Frontier.open(mongo_uri, database, worker="rack-7") as later:
        assert await later.recover() == 3
        assert len(await later.claim(3, CN)) == 3


@pytest.mark.integration
@pytest.mark.parametrize("part", range(4))
def test_a_worker_of_another_machine_is_not_known_to_be_dead(part: int) -> None:
    host, namespace, _, _ = worker_id.identity().split("/")
    gone = [host, namespace, str(_unused_pid()), "1"]
    assert worker_id.is_dead("/".join(gone))
    gone[part] = "elsewhere"
    assert worker_id.is_dead("/".join(gone)) is (part == 3)


def test_this_process_is_alive_and_a_later_one_with_its_pid_is_not_it() -> None:
    name = worker_id.identity()
    assert name.startswith(socket.gethostname())
    assert not worker_id.is_dead(name)
    assert worker_id.is_dead(name.rpartition("/")[0] + "/1")


@pytest.mark.parametrize("name", ["", "rack-7", "/", "///", "a/b/c/d"])
def test_a_name_of_any_form_is_accepted(name: str) -> None:
    assert not worker_id.is_dead(name)


@pytest.mark.integration
def test_a_process_that_ended_and_waits_for_its_parent_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = worker_id._started(process.pid)
        name = f"{worker_id._place()}/{process.pid}/{started}"
        assert not worker_id.is_dead(name)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert worker_id.is_dead(name)


def _unused_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _lose_answers(monkeypatch: pytest.MonkeyPatch, frontier: Frontier, method: str, *, times: int) -> None:
    """The server does what it is asked, and the connection breaks before it can say so."""
    really, losses = getattr(frontier._urls, method), iter(range(times))

    async def lossy(*given: object, **options: object) -> object:
        answer: object = await really(*given, **options)
        if next(losses, None) is not None:
            raise AutoReconnect("connection closed")
        return answer

    monkeypatch.setattr(frontier._urls, method, lossy)


async def test_a_claim_whose_answer_was_lost_is_not_lost(frontier: Frontier, monkeypatch: pytest.MonkeyPatch) -> None:
    await frontier.add(articles(3))
    _lose_answers(monkeypatch, frontier, "update_many", times=1)
    assert len(await frontier.claim(3, CN)) == 3


async def test_an_acknowledgement_whose_answer_was_lost_is_repeated(
    frontier: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frontier.add(articles(3))
    leases = await frontier.claim(3, CN)
    _lose_answers(monkeypatch, frontier, "bulk_write", times=1)
    assert await frontier.acknowledge(done(leases)) == []


async def test_leases_stay_held_when_they_cannot_be_acknowledged(
    frontier: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frontier.add(articles(3))
    leases = await frontier.claim(3, CN)
    _lose_answers(monkeypatch, frontier, "bulk_write", times=100)
    with pytest.raises(DatabaseError, match=r"^acknowledging visits failed on MongoDB at .*connection closed"):
        await frontier.acknowledge(done(leases))
    assert frontier.leases == leases


@pytest.mark.integration
async def test_a_server_that_is_not_there_is_reported() -> None:
    with pytest.raises(DatabaseError, match=r"^connecting failed on MongoDB at 127.0.0.1:9: the server cannot be"):
        await Frontier.open("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "nowhere")


async def test_workers_that_start_at_once_prepare_one_frontier(mongo_uri: str, database: str) -> None:
    opened = await asyncio.gather(*(Frontier.open(mongo_uri, database, worker=f"w{i}") for i in range(5)))
    assert len(await opened[0].add(articles(1))) == 1
    for frontier in opened:
        await frontier.close()


async def test_the_validator_refuses_what_is_no_frontier_document(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    with pytest.raises(WriteError):
        await frontier._urls.update_one({}, {"$set": {"state": "lost"}})


# ---- Census -------------------------------------------------------------------------------------------------


async def test_the_census_counts_by_state_edition_and_kind(frontier: Frontier) -> None:
    await frontier.add([*articles(3), *articles(2, edition="fr"), feed()])
    await frontier.acknowledge(done(await frontier.claim(9, ["fr"])))
    await frontier.claim(1, CN, FEED_KINDS)
    counted = {(c.state.value, c.edition, c.kind.value): c.urls for c in await frontier.statistics.counts()}
    assert counted == {("done", "fr", "article"): 2, ("due", "cn", "article"): 3, ("leased", "cn", "feed"): 1}


async def test_the_census_tells_who_holds_how_much(frontier: Frontier, other: Frontier) -> None:
    await frontier.add(articles(5))
    await frontier.claim(2, CN)
    await other.claim(3, CN)
    holders = await frontier.statistics.holders()
    assert [(holder.worker, holder.urls) for holder in holders] == [("two", 3), ("one", 2)]
    assert all(holder.until > frontier.now() for holder in holders)


async def test_the_oldest_due_is_found_whatever_its_priority(frontier: Frontier) -> None:
    assert await frontier.statistics.oldest_due(CN) is None
    await frontier.add([feed(), *articles(3), article("old", depth=3), article("far", depth=6)])
    await frontier.add([article("past")], backfill=True)
    await frontier._urls.update_one({"_id": urls.key(article("old").url)}, {"$set": {"due_at": LONG_AGO}})
    oldest = await frontier.statistics.oldest_due(CN)
    assert oldest is not None
    assert oldest["url"] == article("old").url
    assert await frontier.statistics.oldest_due(["fr"]) is None


async def test_an_idle_worker_learns_whether_to_wait_and_how_long(frontier: Frontier, other: Frontier) -> None:
    empty = await frontier.statistics.pending(CN, FETCHABLE_KINDS)
    assert (empty.due, empty.leased_elsewhere, empty.next_in_s) == (False, 0, None)
    await frontier.add([feed(), *articles(1)])
    assert (await frontier.statistics.pending(CN, FETCHABLE_KINDS)).due
    leases = await other.claim(2, CN)
    waiting = await frontier.statistics.pending(CN, FETCHABLE_KINDS)
    assert (waiting.due, waiting.leased_elsewhere) == (False, 2)
    assert waiting.next_in_s == pytest.approx(60, abs=10)
    assert (await other.statistics.pending(CN, FETCHABLE_KINDS)).leased_elsewhere == 0
    await other.acknowledge(done(leases, Outcome.NOT_ARTICLE))
    later = await frontier.statistics.pending(CN, FETCHABLE_KINDS)
    assert (later.due, later.leased_elsewhere) == (False, 0)
    assert later.next_in_s == pytest.approx(900, abs=10)
    assert (await frontier.statistics.pending(["fr"], FETCHABLE_KINDS)).next_in_s is None
    assert not (await frontier.statistics.pending(CN, [])).due


async def test_why_answers_for_any_spelling_and_for_the_unknown(frontier: Frontier) -> None:
    await frontier.add(articles(1))
    found = await frontier.statistics.find(article("story-0").url + "/#top")
    assert found is not None
    assert found["state"] == "due"
    assert await frontier.statistics.find("https://www.rfi.fr/cn/nothing") is None


# ---- Indexes ------------------------------------------------------------------------------------------------


def stages(plan: object) -> list[dict[str, Any]]:
    """Every stage of a plan, wherever it hangs."""
    if isinstance(plan, list):
        return [stage for each in plan for stage in stages(each)]
    if not isinstance(plan, dict):
        return []
    return ([plan] if "stage" in plan else []) + [stage for each in plan.values() for stage in stages(each)]


async def translating_errors(frontier: Frontier, command: dict[str, Any]) -> list[dict[str, Any]]:
    explain = {"explain": command, "verbosity": "queryPlanner"}
    found = stages(await frontier._database.command(explain))
    return [stage for stage in found if stage["stage"]]


@pytest.fixture
async def grown(frontier: Frontier) -> Frontier:
    """A frontier in which a wrong plan would be chosen if there were one: most is done, little is due."""
    await frontier.add([*articles(300), *articles(50, edition="fr"), feed()])
    await frontier.acknowledge(done(await frontier.claim(200, ["cn", "fr"]), Outcome.NOT_ARTICLE))
    return frontier


@pytest.mark.parametrize("band", list(Band))
async def test_a_claim_reads_its_lane_in_order_through_its_index(grown: Frontier, band: Band) -> None:
    query = fair_share.by_priority(["cn", "fr"], FETCHABLE_KINDS)[Lane("cn", band)]
    command = {"aggregate": schema.FRONTIER, "pipeline": fronts([query], 0, 50), "cursor": {}}
    found = await translating_errors(grown, command)
    assert {stage["indexName"] for stage in found if stage["stage"] == "IXSCAN"} == {schema.CLAIM_INDEX}
    assert not {"COLLSCAN", "SORT"} & {stage["stage"] for stage in found}


@pytest.mark.parametrize("band", list(Band))
@pytest.mark.parametrize("comparison", ["$lte", "$gt"])
async def test_the_next_due_time_is_read_in_order_through_an_index(
    grown: Frontier, band: Band, comparison: str
) -> None:
    query = fair_share.by_due_time(CN, list(Kind))[Lane("cn", band)] | transitions.due(comparison)
    pipeline = [{"$match": query}, {"$sort": {"due_at": 1}}, {"$limit": 1}]
    found = await translating_errors(
        grown, {"aggregate": schema.FRONTIER, "pipeline": pipeline, "cursor": {}, "hint": schema.CLAIM_INDEX}
    )
    assert not {"COLLSCAN", "SORT"} & {stage["stage"] for stage in found}


@pytest.mark.parametrize(
    "query",
    [
        {"_id": {"$in": ["a", "b"]}},
        {"_id": "a", "lease.token": ObjectId()},
        {"state": "leased", "edition": {"$in": CN}, "lease.worker": {"$ne": "one"}},
        {"state": "leased", "lease.worker": {"$in": ["one"]}},
        {"state": "failed", "edition": {"$in": CN}},
        {"gaps.until": {"$gt": T0}},
        {"unfollowed": True, "edition": {"$in": CN}, "depth": {"$lt": 3}, "state": "done"},
        {"unfollowed": True, "edition": {"$in": CN}, "state": "done"},
    ],
)
async def test_no_question_reads_the_whole_frontier(grown: Frontier, query: dict[str, Any]) -> None:
    found = await translating_errors(grown, {"find": schema.FRONTIER, "filter": query})
    assert not {stage["stage"] for stage in found} & {"COLLSCAN"}


async def test_every_command_of_a_busy_worker_uses_an_index(grown: Frontier, other: Frontier) -> None:
    """The server itself says so: its profiler sees everything that is really asked."""
    database = grown._database
    await database.command("profile", 2)
    await grown.add([*articles(5), article("new")])
    leases = await grown.claim(20, ["cn", "fr"])
    await grown.heartbeat()
    await grown.acknowledge(done(leases[:5]))
    await grown.fail(leases[5], "no answer")
    await grown.release(leases[6:])
    await grown.recover()
    await grown.requeue_for_depth(CN, 3)
    statistics = other.statistics
    await asyncio.gather(
        statistics.counts(), statistics.holders(), statistics.oldest_due(CN), statistics.pending(CN, FETCHABLE_KINDS)
    )
    await asyncio.gather(
        statistics.failed(CN), statistics.retry(CN), statistics.gaps(LONG_AGO, T0), statistics.find(feed().url)
    )
    await database.command("profile", 0)
    namespace = f"{database.name}.{schema.FRONTIER}"
    seen = await database["system.profile"].find({"ns": namespace}, {"planSummary": 1, "command": 1}).to_list()
    assert len(seen) > 15
    assert [each for each in seen if "COLLSCAN" in each.get("planSummary", "")] == []


async def test_what_is_never_due_again_does_not_stand_in_the_index_of_claims(grown: Frontier) -> None:
    checked = await grown._database.command("validate", schema.FRONTIER)
    due = await grown._urls.count_documents({"due_at": {"$ne": None}})
    assert checked["keysPerIndex"][schema.CLAIM_INDEX] == due < checked["keysPerIndex"]["_id_"]


async def test_what_is_never_due_again_is_not_read_by_a_claim(grown: Frontier) -> None:
    pipeline = fronts([fair_share.by_priority(CN, FETCHABLE_KINDS)[Lane("cn", Band.NEWS)]], 0, 10)
    explain = {"aggregate": schema.FRONTIER, "pipeline": pipeline, "cursor": {}}
    result = await grown._database.command({"explain": explain, "verbosity": "executionStats"})
    statistics = result.get("executionStats") or result["stages"][0]["$cursor"]["executionStats"]
    assert statistics["totalKeysExamined"] <= 10 + 2 * len(FETCHABLE_KINDS)
