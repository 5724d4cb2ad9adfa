"""Health: red when the site publishes and nothing is stored, red when a source dies, quiet at night, green again."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from typer.testing import CliRunner

from rfispider.cli import app
from rfispider.frontier import Completion, Frontier, Lease
from rfispider.frontier.diagnostics import GivenUp, Host, SourceHealth, WaitingArticles
from rfispider.frontier.policy.politeness import Breaker
from rfispider.frontier.policy.revisit import Poll, State
from rfispider.items import SCHEMA, Article, Entry, Kind, Link, Outcome, Status
from rfispider.monitoring.gather import take_snapshot
from rfispider.monitoring.health import HealthFinding, Level, check_health, worst
from rfispider.monitoring.publication_rate import HOUR, IMPROBABLE, PublicationRate, hour_of_week, publication_rate
from rfispider.monitoring.snapshot import EditionFreshness, Snapshot
from rfispider.site import urls
from rfispider.storage import Store
from rfispider.storage.read.statistics import Disk
from tests.support.articles import article_at
from tests.support.crawling import rfispider

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OK, WARNING, CRITICAL = Level


# ---- Rhythm ----------------------------------------------------------------------------------------------


def by_day(hour: datetime) -> int:
    """Four articles an hour in the day of a weekday, none at night, one an hour at the weekend."""
    if not 6 <= hour.hour < 22:
        return 0
    return 1 if hour.weekday() >= 5 else 4


def history(until: datetime, weeks: float = 4, number: Any = by_day) -> dict[datetime, int]:
    hours = (until - n * HOUR for n in range(1, int(weeks * 168) + 1))
    return {hour: count for hour in hours if (count := number(hour))}


USUAL = publication_rate(history(NOW), NOW)
assert USUAL


@pytest.mark.parametrize(
    ("day", "since", "until", "least", "most"),
    [
        (16, 10, 12, 7.5, 8.5),  # Monday
        (16, 0, 5, 0, 0.2),
        (14, 10, 12, 1.5, 4),  # Saturday: a week tells less of it than four
        (16, 22, 30, 0, 2.5),  # a whole night
    ],
)
def test_a_silence_weighs_what_the_hours_of_it_usually_bring(
    day: int, since: int, until: int, least: float, most: float
) -> None:
    midnight = datetime(2026, 3, day, tzinfo=UTC)
    assert least <= USUAL.expected(midnight + since * HOUR, midnight + until * HOUR) <= most


def test_a_silence_of_many_weeks_is_added_up_and_none_is_nothing() -> None:
    week = sum(USUAL.rates)
    assert USUAL.expected(NOW - 10 * 7 * DAY, NOW) == pytest.approx(10 * week)
    assert USUAL.expected(NOW, NOW - HOUR) == 0


@pytest.mark.parametrize(
    ("hours", "known"),
    [
        ({}, False),
        (history(NOW, weeks=1 / 7), False),
        (history(NOW, weeks=1), True),
        ({NOW - 300 * HOUR: 19}, False),
        ({NOW - 300 * HOUR: 20}, True),
        ({NOW: 999}, False),
    ],
    ids=["empty", "a day", "a week", "19 articles", "20 articles", "an hour that is not over"],
)
def test_a_short_history_has_no_rhythm(hours: dict[datetime, int], known: bool) -> None:
    assert (publication_rate(hours, NOW) is not None) == known


def test_an_edition_that_used_to_be_silent_for_long_may_be_so_again() -> None:
    hours = history(NOW)
    gap = [NOW - 5 * DAY + n * HOUR for n in range(-4, 10)]
    burst = publication_rate({hour: number for hour, number in hours.items() if hour not in gap}, NOW)
    assert burst
    assert USUAL.limit == IMPROBABLE
    assert burst.limit > 2 * IMPROBABLE


def test_hours_of_the_week_begin_on_monday() -> None:
    assert hour_of_week(datetime(2026, 3, 16, 0, 59, tzinfo=UTC)) == 0
    assert hour_of_week(datetime(2026, 3, 15, 23, tzinfo=UTC)) == 167


# ---- Findings --------------------------------------------------------------------------------------------

FEED = SourceHealth(
    url="https://www.rfi.fr/cn/rss",
    kind=Kind.FEED,
    edition="cn",
    state=State.DONE,
    added_at=NOW - 9 * DAY,
    interval_s=900,
    last_at=NOW - 10 * MINUTE,
    last_outcome=Outcome.NOT_ARTICLE,
    listed_at=NOW - 10 * MINUTE,
)
NEWS = EditionFreshness(edition="cn", newest_at=NOW - 20 * MINUTE, stored_at=NOW - 19 * MINUTE, rate=USUAL)
RUN: dict[str, Any] = {
    "started_at": NOW - HOUR,
    "finished_at": NOW - 50 * MINUTE,
    "reason": "finished",
    "problem": None,
}
LIVE: dict[str, Any] = {"worker": "one:1", "started_at": NOW - DAY, "updated_at": NOW - MINUTE}
HEALTHY = Snapshot(now=NOW, editions=[NEWS], sources=[FEED], runs=[RUN])


def judged(check: str, **changed: Any) -> Level:
    found = [finding for finding in check_health(replace(HEALTHY, **changed)) if finding.check == check]
    return worst(found)


def test_a_healthy_crawl_is_green() -> None:
    assert {finding.level for finding in check_health(HEALTHY)} == {OK}


def at(hour: int, minute: int = 0, *, ago: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute) - ago * DAY


@pytest.mark.parametrize(
    ("now", "news", "level"),
    [
        (at(12), {"newest_at": at(11, 40)}, OK),
        (at(12), {"newest_at": at(9)}, WARNING),
        (at(12), {"newest_at": at(8)}, CRITICAL),
        (at(5), {"newest_at": at(21, 40, ago=1)}, OK),
        (at(12), {"newest_at": at(8), "rate": None}, OK),
        (at(12), {"newest_at": None, "rate": None}, OK),
    ],
    ids=["lately", "three hours of a day", "four hours", "a night", "no rhythm known", "no article"],
)
def test_a_silence_that_is_improbable_is_red(now: datetime, news: dict[str, Any], level: Level) -> None:
    assert judged("freshness", now=now, editions=[replace(NEWS, **news)]) is level


MANY = WaitingArticles(count=3, url="https://www.rfi.fr/cn/x", error="no title found")


@pytest.mark.parametrize(
    ("waiting", "stored", "expected", "level"),
    [
        (None, NOW - DAY, 1, OK),
        (MANY, None, 1, CRITICAL),
        (MANY, NOW - HOUR, 1, CRITICAL),
        (MANY, NOW - MINUTE, 1, OK),
        (replace(MANY, count=1), NOW - HOUR, 1, WARNING),
        (replace(MANY, count=1), NOW - HOUR, 4, CRITICAL),
    ],
    ids=["nothing waits", "never stored", "not lately", "others are stored", "one is odd", "one, and others expected"],
)
def test_what_is_listed_and_not_stored_is_red_within_an_interval(
    waiting: WaitingArticles | None, stored: datetime | None, expected: int, level: Level
) -> None:
    news = replace(NEWS, waiting=waiting, stored_at=stored, rate=PublicationRate((expected * 3.0,) * 168, 0))
    assert judged("freshness", editions=[news]) is level


def test_an_edition_that_is_only_imported_is_not_judged() -> None:
    assert judged("freshness", editions=[replace(NEWS, edition="fr", newest_at=NOW - 900 * DAY)]) is OK


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, OK),
        ({"last_outcome": Outcome.UNCHANGED, "listed_at": NOW - DAY}, OK),
        ({"state": State.FAILED, "failures": 1, "last_outcome": Outcome.FAILED}, OK),
        ({"state": State.FAILED, "failures": 2, "last_outcome": Outcome.FAILED}, CRITICAL),
        ({"state": State.FAILED, "misses": 1, "last_outcome": Outcome.GONE}, CRITICAL),
        ({"state": State.GONE, "last_outcome": Outcome.GONE}, CRITICAL),
        ({"listed_at": NOW - HOUR}, CRITICAL),
        ({"last_at": NOW - 31 * MINUTE, "listed_at": NOW - 31 * MINUTE}, OK),
        ({"last_at": NOW - 32 * MINUTE, "listed_at": NOW - 32 * MINUTE}, CRITICAL),
        ({"state": State.GONE, "listed_at": NOW - 8 * DAY}, CRITICAL),
        ({"state": State.GONE, "listed_at": NOW - 8 * DAY, "kind": Kind.SECTION}, CRITICAL),
        ({"state": State.GONE, "kind": Kind.TAG}, OK),
        ({"listed_at": None}, CRITICAL),
        ({"listed_at": None, "added_at": NOW - MINUTE}, OK),
    ],
    ids=[
        "lists", "unchanged", "failed once", "failed twice", "not found", "gone", "lists nothing",
        "one interval late", "two intervals late", "a feed gone for a week", "a section alone", "a tag",
        "none ever listed", "none was read yet",
    ],
)  # fmt: skip
def test_a_source_that_used_to_list_and_does_not_is_red(changed: dict[str, Any], level: Level) -> None:
    assert judged("sources", sources=[replace(FEED, **changed)]) is level


def test_a_section_that_was_closed_a_week_ago_is_forgiven_beside_sources_that_live() -> None:
    closed = replace(FEED, kind=Kind.SECTION, state=State.GONE, listed_at=NOW - 8 * DAY, url="https://x.example/")
    assert judged("sources", sources=[FEED, closed]) is OK
    assert judged("sources", sources=[FEED, replace(closed, listed_at=NOW - DAY)]) is CRITICAL


def runs_every(hours: int, count: int = 6, **changed: Any) -> list[dict[str, Any]]:
    return [
        RUN | {"started_at": NOW - (n + 0.5) * hours * HOUR, "finished_at": NOW - (n + 0.4) * hours * HOUR} | changed
        for n in range(count)
    ]


def test_sources_are_not_overdue_between_two_runs() -> None:
    waiting = replace(FEED, last_at=NOW - 7 * HOUR, listed_at=NOW - 7 * HOUR)
    assert judged("sources", sources=[waiting], runs=runs_every(6)) is OK
    assert judged("sources", sources=[waiting], runs=runs_every(1)) is CRITICAL


@pytest.mark.parametrize(
    ("runs", "level"),
    [
        ([], WARNING),
        ([RUN], OK),
        ([RUN | {"problem": "store-failed", "reason": "store-failed"}], CRITICAL),
        ([RUN | {"problem": "shutdown", "reason": "shutdown"}], OK),
        ([LIVE, RUN | {"problem": "store-failed", "reason": "store-failed"}], OK),
        ([LIVE | {"updated_at": NOW - 6 * MINUTE}], WARNING),
        ([LIVE, LIVE | {"updated_at": NOW - 6 * MINUTE}], WARNING),
        ([LIVE, LIVE | {"updated_at": NOW - 61 * MINUTE}], OK),
        ([RUN | {"started_at": NOW - 28 * HOUR, "finished_at": NOW - 27 * HOUR}], CRITICAL),
        (runs_every(6), OK),
        ([RUN | {"started_at": each["started_at"] - DAY, "finished_at": each["finished_at"] - DAY} for each in
          runs_every(6)], CRITICAL),
        ([RUN | {"started_at": each["started_at"] - DAY, "finished_at": each["finished_at"] - DAY} for each in
          runs_every(24)], OK),
    ],
    ids=[
        "none", "ended well", "failed", "stopped", "failed, and another is at work", "killed",
        "killed, and another is at work", "killed long ago", "over a day ago",
        "every six hours", "every six hours, until yesterday", "every day, one late",
    ],
)  # fmt: skip
def test_crawls_must_take_place_and_end_well(runs: list[dict[str, Any]], level: Level) -> None:
    assert judged("runs", runs=runs) is level


@pytest.mark.parametrize(
    ("expired", "since", "runs", "level"),
    [
        (0, None, [LIVE], OK),
        (3, NOW - 3 * MINUTE, [LIVE], WARNING),
        (3, NOW - HOUR, [LIVE], CRITICAL),
        (3, NOW - HOUR, [RUN], WARNING),
    ],
    ids=["none", "a moment ago", "long ago", "nobody works"],
)
def test_leases_that_nobody_takes_over_are_stuck(
    expired: int, since: datetime | None, runs: list[dict[str, Any]], level: Level
) -> None:
    assert judged("leases", expired_leases=expired, expired_since=since, runs=runs) is level


@pytest.mark.parametrize(
    ("outcomes", "failures", "refusals"),
    [
        ({"article/new": 100}, OK, OK),
        ({"page/failed": 10}, OK, OK),
        ({"article/new": 80, "page/failed": 15, "page/empty": 5}, CRITICAL, OK),
        ({"article/new": 88, "page/failed": 12}, WARNING, OK),
        ({"article/new": 40, "page/blocked": 30, "article/stub": 30}, OK, CRITICAL),
    ],
)
def test_a_share_of_failures_is_red_once_there_are_enough_pages(
    outcomes: dict[str, int], failures: Level, refusals: Level
) -> None:
    runs = [RUN | {"outcomes": outcomes}]
    assert (judged("failures", runs=runs), judged("refusals", runs=runs)) == (failures, refusals)


def test_a_long_run_is_judged_by_what_it_did_lately() -> None:
    bad, good = {"page/failed": 60}, {"article/same": 60}
    assert judged("failures", runs=[LIVE | {"outcomes": {"article/new": 9999}, "recent": bad}]) is CRITICAL
    assert judged("failures", runs=[LIVE | {"outcomes": bad, "recent": good}]) is OK


@pytest.mark.parametrize(
    ("host", "level"),
    [
        ({}, OK),
        ({"breaker": Breaker.OPEN, "blocked_until": NOW + MINUTE, "cooldown_s": 60}, WARNING),
        ({"breaker": Breaker.OPEN, "blocked_until": NOW + MINUTE, "cooldown_s": 960}, CRITICAL),
        ({"breaker": Breaker.OPEN, "blocked_until": NOW - HOUR, "cooldown_s": 60}, CRITICAL),
    ],
    ids=["closed", "first cooldown", "fifth cooldown", "nobody probes"],
)
def test_a_site_that_goes_on_refusing_pages_is_red(host: dict[str, Any], level: Level) -> None:
    assert judged("blocks", hosts=[Host(host="www.rfi.fr", **host)]) is level


@pytest.mark.parametrize(("used", "level"), [(50, OK), (91, WARNING), (96, CRITICAL)])
def test_a_disk_that_fills_up_is_red(used: int, level: Level) -> None:
    assert judged("disk", disk=Disk(used=used, total=100)) is level


@pytest.mark.parametrize(
    ("count", "articles", "level"),
    [
        (0, 0, OK),
        (1, 0, WARNING),
        (4, 100, WARNING),
        (5, 100, CRITICAL),
        (5, 100_000, WARNING),
        (100, 100_000, CRITICAL),
    ],
)
def test_pages_that_were_given_up_are_an_alarm(count: int, articles: int, level: Level) -> None:
    given_up = GivenUp(count=count, url="https://www.rfi.fr/cn/a", error="HTTP 500") if count else None
    assert judged("given-up", given_up=given_up, articles=articles) is level


def test_the_worst_comes_first() -> None:
    found = check_health(replace(HEALTHY, disk=Disk(used=96, total=100), expired_leases=1, expired_since=NOW))
    assert [finding.level for finding in found][:3] == [CRITICAL, WARNING, OK]
    assert worst([HealthFinding("", "", WARNING, ""), HealthFinding("", "", OK, "")]) is WARNING
    assert worst([]) is OK


# ---- On MongoDB ------------------------------------------------------------------------------------------

RSS = Link(url="https://www.rfi.fr/cn/rss", kind=Kind.FEED, edition="cn")


class Crawl:
    """A crawl of one feed in a real database, step by step, with a clock that can be wound."""

    def __init__(self, store: Store, frontier: Frontier, db: Any) -> None:
        self.store, self.frontier, self.db = store, frontier, db

    async def wind(self, **ago: float) -> None:
        """As if so much time had passed: every moment in the frontier is moved back."""
        back = int(timedelta(**ago) / timedelta(milliseconds=1))
        moments = ("added_at", "due_at", "published_at", "last.at", "poll.at", "lease.until")
        for name in moments:
            moved = [{"$set": {name: {"$subtract": [f"${name}", back]}}}]
            await self.db.frontier.update_many({name: {"$type": "date"}}, moved)
        await self.db.articles.update_many({}, [{"$set": {"changed_at": {"$subtract": ["$changed_at", back]}}}])

    async def leases(self, *kinds: Kind) -> list[Lease]:
        await self.db.frontier.update_many({"kind": {"$in": list(kinds)}}, {"$set": {"due_at": LONG_AGO}})
        return [lease for lease in await self.frontier.claim(50, ["cn"]) if lease.kind in kinds]

    async def poll(self, outcome: Outcome = Outcome.NOT_ARTICLE, listed: int = 9) -> None:
        poll = Poll(at=self.frontier.now(), keys=tuple(f"{n:032x}" for n in range(listed)))
        told = poll if outcome is Outcome.NOT_ARTICLE and listed else None
        done = [
            Completion(lease=lease, outcome=outcome, status=200, poll=told, error="HTTP 500")
            for lease in await self.leases(Kind.FEED)
        ]
        assert done
        await self.frontier.acknowledge(done)

    async def publish(self, count: int) -> None:
        now = datetime.now(UTC)
        made = [f"https://www.rfi.fr/cn/中国/20260318-{now.timestamp()}-{n}" for n in range(count)]
        entries = [Entry(url=url, title="t", published_at=now) for url in made]
        await self.frontier.add(
            Link(url=urls.canonical(entry.url), kind=Kind.ARTICLE, edition="cn", entry=entry) for entry in entries
        )

    async def visit(self, outcome: Outcome) -> None:
        leases = await self.leases(Kind.ARTICLE)
        made = [article(lease.url, datetime.now(UTC)) for lease in leases]
        if outcome is Outcome.NEW:
            await self.store.save(made)
        elif outcome is Outcome.STUB:
            await self.store.save([replace(each, status=Status.STUB, text="") for each in made])
        await self.frontier.acknowledge(
            [Completion(lease=lease, outcome=outcome, status=200, error="no title found") for lease in leases]
        )

    async def levels(self) -> dict[str, Level]:
        found = check_health(await take_snapshot(self.store, self.frontier))
        return {finding.check: finding.level for finding in reversed(found)}


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def article(url: str, published_at: datetime) -> Article:
    return article_at(url, edition="cn", language="zh", published_at=published_at, fetched_at=datetime.now(UTC))


@pytest.fixture
async def crawl(mongo_uri: str, database: str) -> AsyncIterator[Crawl]:
    async with (
        await Store.open(mongo_uri, database) as store,
        await Frontier.open(mongo_uri, database, worker="one") as frontier,
        AsyncMongoClient(mongo_uri) as client,
    ):
        crawl = Crawl(store, frontier, client[database])
        await frontier.add([RSS])
        await crawl.poll()
        await store.save([article("https://www.rfi.fr/cn/中国/20260318-old", datetime.now(UTC) - HOUR)])
        yield crawl


async def test_it_is_red_within_one_interval_when_the_site_publishes_and_nothing_is_stored(crawl: Crawl) -> None:
    assert (await crawl.levels())["freshness"] is OK
    await crawl.wind(minutes=20)
    await crawl.poll()
    await crawl.publish(3)
    assert (await crawl.levels())["freshness"] is OK
    await crawl.visit(Outcome.FAILED)
    await crawl.wind(minutes=25)
    assert (await crawl.levels())["freshness"] is CRITICAL
    await crawl.visit(Outcome.NEW)
    assert (await crawl.levels())["freshness"] is OK


async def test_it_is_red_when_of_all_that_the_site_publishes_only_stubs_are_stored(crawl: Crawl) -> None:
    await crawl.wind(minutes=20)
    await crawl.publish(3)
    await crawl.visit(Outcome.STUB)
    await crawl.wind(minutes=17)
    await crawl.publish(3)
    await crawl.visit(Outcome.STUB)
    assert (await crawl.levels())["freshness"] is CRITICAL


async def test_a_run_that_stays_is_told_of_however_many_began_after_it(crawl: Crawl) -> None:
    short = [RUN | {"started_at": NOW + n * MINUTE, "finished_at": NOW + n * MINUTE} for n in range(40)]
    made = [*short, LIVE | {"updated_at": datetime.now(UTC)}]
    known = {"schema": SCHEMA, "worker": "one:1"}
    await crawl.db.runs.insert_many(known | {"_id": str(n)} | run for n, run in enumerate(made))
    found = check_health(await take_snapshot(crawl.store, crawl.frontier))
    assert next(each.message for each in found if each.check == "runs").startswith("1 under way")


async def test_articles_that_were_given_up_are_still_missed(crawl: Crawl) -> None:
    await crawl.wind(minutes=20)
    await crawl.publish(3)
    for _ in range(6):
        await crawl.visit(Outcome.FAILED)
    assert await crawl.db.frontier.count_documents({"state": "failed", "due_at": None}) == 3
    await crawl.wind(minutes=17)
    levels = await crawl.levels()
    assert (levels["freshness"], levels["given-up"]) == (CRITICAL, WARNING)


@pytest.mark.parametrize(
    ("outcome", "polls"), [(Outcome.FAILED, 2), (Outcome.GONE, 1), (Outcome.BLOCKED, 2), (Outcome.NOT_ARTICLE, 1)]
)
async def test_it_is_red_within_one_interval_when_a_source_dies_and_green_when_it_lists_again(
    outcome: Outcome, polls: int, crawl: Crawl
) -> None:
    await crawl.wind(minutes=10)
    assert (await crawl.levels())["sources"] is OK
    for _ in range(polls):
        await crawl.poll(outcome, listed=0)
    assert (await crawl.levels())["sources"] is CRITICAL
    await crawl.poll()
    assert (await crawl.levels())["sources"] is OK


async def test_it_is_red_when_nobody_polls_and_when_nobody_takes_over(crawl: Crawl) -> None:
    await crawl.store.run_started({"worker": "w", "started_at": datetime.now(UTC)})
    await crawl.publish(2)
    await crawl.leases(Kind.ARTICLE)
    await crawl.wind(minutes=40)
    levels = await crawl.levels()
    assert (levels["sources"], levels["leases"], levels["runs"]) == (CRITICAL, CRITICAL, OK)


async def test_no_question_of_health_reads_a_whole_collection(crawl: Crawl) -> None:
    await crawl.publish(20)
    await crawl.visit(Outcome.NEW)
    await crawl.db.command("profile", 2)
    await crawl.levels()
    await crawl.db.command("profile", 0)
    asked = {"ns": {"$regex": r"\.(articles|frontier|runs)$"}, "planSummary": {"$exists": True}}
    plans = [each async for each in crawl.db.system.profile.find(asked)]
    assert len(plans) > 5
    assert [(each["ns"], each["command"]) for each in plans if "COLLSCAN" in each["planSummary"]] == []


# ---- The command -----------------------------------------------------------------------------------------


@pytest.fixture
def runs(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[database].runs


def test_the_command_says_so_by_its_exit_status_and_in_json(mongo_uri: str, database: str, runs: Any) -> None:
    now = datetime.now(UTC)
    run = {"_id": "1", "schema": SCHEMA, "worker": "w", "started_at": now, "finished_at": now, "reason": "finished"}
    runs.insert_one(run)
    good = rfispider(mongo_uri, database, "health")
    assert (good.returncode, good.stderr) == (0, "")
    runs.insert_one(run | {"_id": "2", "finished_at": now + HOUR, "problem": "oh", "reason": "oh"})
    bad = rfispider(mongo_uri, database, "health", "--json")
    assert bad.returncode == 1
    told = json.loads(bad.stdout)
    assert told["status"] == "critical"
    assert told["findings"][0] == {
        "check": "runs",
        "subject": "",
        "level": "critical",
        "message": "the last one failed: oh",
    }
    assert datetime.fromisoformat(told["checked_at"]).tzinfo


@pytest.mark.integration
def test_a_server_that_is_away_is_red_in_json_too_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rfispider.settings.MONGO_URI", "mongodb://ann:s3cret@127.0.0.1:9/")
    monkeypatch.setattr("rfispider.mongo.connection.CONNECT_S", 0.3)
    told = CliRunner().invoke(app, ["health", "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["findings"][0]["check"] == "database"
    assert "s3cret" not in told.output
