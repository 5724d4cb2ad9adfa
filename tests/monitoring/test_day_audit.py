"""Whether the archive holds all that is known of a day, and why not."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from rfispider.frontier import Completion, Frontier
from rfispider.frontier.policy.revisit import Gap
from rfispider.items import Kind, Link, Outcome
from rfispider.monitoring.day_audit import Audit, AuditFinding, CoverageGap, Fate, fate
from rfispider.site import urls
from rfispider.site.urls import days
from tests.support.crawling import Replica, command, crawl, serving

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATABASE = "test_audit"


# ---- What becomes of an article --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "published", "expected"),
    [
        ("https://www.rfi.fr/cn/a/20260301-x", [], ["2026-03-01"]),
        ("https://www.rfi.fr/cn/a/20260301-x", [AT], ["2026-03-01"]),
        ("https://www.rfi.fr/cn/a/20260301-x", [AT + timedelta(days=1)], ["2026-03-01", "2026-03-02"]),
        ("https://www.rfi.fr/cn/a/20261399-x", [None], []),
        ("https://www.rfi.fr/cn/a/x", [None, AT], ["2026-03-01"]),
        ("https://www.rfi.fr/cn/a/x", [datetime.fromisoformat("2026-03-01T00:30+01:00")], ["2026-02-28"]),
    ],
)
def test_an_article_belongs_to_the_days_that_its_url_and_its_sources_tell(
    url: str, published: list[datetime | None], expected: list[str]
) -> None:
    assert days(url, *published) == expected


def visit(state: str, outcome: str | None = None, **last: Any) -> dict[str, Any]:
    told = {"last": {"at": AT, "outcome": outcome, **last}} if outcome else {}
    return {"state": state, "due_at": AT, "lease": {"worker": "w"}, **told}


@pytest.mark.parametrize(
    ("status", "visited", "expected"),
    [
        ("full", None, (Fate.STORED, "")),
        ("short", visit("failed", "page/failed", error="timeout"), (Fate.STORED, "")),
        ("stub", visit("failed", "article/stub", status=403, error=None), (Fate.STUB, "answered 403")),
        ("stub", None, (Fate.STUB, "the page was not fetched")),
        ("gone", visit("gone", "page/gone", status=404), (Fate.GONE, "")),
        (None, visit("due"), (Fate.WAITING, "due since 2026-03-01 12:00 UTC")),
        (None, visit("leased"), (Fate.WAITING, "is being fetched by w")),
        (None, visit("due", "page/failed", error="x"), (Fate.WAITING, "due since 2026-03-01 12:00 UTC; last: x")),
        (None, visit("failed", "page/failed", error="timeout"), (Fate.FAILED, "timeout")),
        (None, visit("failed", "page/blocked", status=403, error="a wall"), (Fate.BLOCKED, "a wall")),
        (None, visit("failed", "article/stub", status=429), (Fate.BLOCKED, "answered 429")),
        (None, visit("done", "page/empty", error="no text"), (Fate.FAILED, "no text")),
        (None, visit("failed", "page/gone", status=404), (Fate.FAILED, "answered 404 once; will be fetched again")),
        (None, visit("gone", "page/gone", status=410), (Fate.GONE, "answered 410")),
        (None, visit("done", "page/not-article"), None),
        (
            None,
            visit("done", "article/new"),
            (Fate.FAILED, "article/new at 2026-03-01 12:00 UTC, yet the archive does not hold it"),
        ),
    ],
)
def test_every_article_has_one_fate_and_a_reason(status: str | None, visited: Any, expected: Any) -> None:
    assert fate(status, visited) == expected


def finding(told: Fate) -> AuditFinding:
    return AuditFinding(edition="cn", url="u", fate=told)


HOLE = CoverageGap(edition="cn", url="u", gap=Gap(since=AT, until=AT))


@pytest.mark.parametrize(
    ("findings", "gaps", "complete"),
    [
        ([finding(Fate.STORED), finding(Fate.GONE)], [], True),
        ([finding(Fate.STORED)], [HOLE], False),
        ([], [], False),
        *(([finding(Fate.STORED), finding(each)], [], False) for each in (Fate.STUB, Fate.BLOCKED, Fate.FAILED)),
        ([finding(Fate.WAITING)], [], False),
    ],
)
def test_a_day_is_complete_when_all_that_was_seen_is_stored_or_gone(
    findings: list[AuditFinding], gaps: list[CoverageGap], complete: bool
) -> None:
    audit = Audit(day=AT.date(), editions=("cn",), findings=findings, gaps=gaps)
    assert audit.is_complete is complete


# ---- A crawl ---------------------------------------------------------------------------------------------


class Crawled:
    """A site that was crawled twice, and what it hid on its fullest day."""

    def __init__(self, site: Replica, uri: str, archive: Any) -> None:
        self.site, self.uri, self.archive = site, uri, archive
        listed = [article for article in site.truth() if article["hops"] == 0 and not article["duplicate_of"]]
        by_day = Counter(article["published_at"][:10] for article in listed)
        self.day = by_day.most_common(1)[0][0]
        self.truth = sorted(article["url"] for article in listed if article["published_at"].startswith(self.day))
        self.gone, self.refused, self.broken, self.walled = self.truth[:4]
        self.unread = f"https://www.rfi.fr/en/africa/{self.day.replace('-', '')}-a-story-that-is-only-linked"

    def crawl(self) -> None:
        faults = [self.gone, {"url": self.refused, "status": 403}, {"url": self.broken, "status": 500}]
        self.site.control(gone=faults, consent=[self.walled])
        options = ("-a", "editions=en", "-a", "depth=0", "-s", "RETRY_TIMES=0")
        run = crawl(self.uri, DATABASE, *options, RFI_BASE_URL=self.site.base)
        assert run.returncode == 0, run.stderr
        asyncio.run(self.afterwards())

    async def afterwards(self) -> None:
        """The page that is gone is looked at for the second time, and a link is found that nobody follows yet."""
        due = {"due_at": datetime.now(UTC) - timedelta(seconds=1)}
        self.archive.frontier.update_one({"_id": urls.key(self.gone)}, {"$set": due})
        async with await Frontier.open(self.uri, DATABASE) as frontier:
            leases = {lease.url: lease for lease in await frontier.claim(100, ["en"])}
            await frontier.acknowledge([Completion(lease=leases.pop(self.gone), outcome=Outcome.GONE, status=410)])
            await frontier.release(leases.values())
            await frontier.add([Link(url=self.unread, kind=Kind.ARTICLE, edition="en", depth=1)])

    def audit(self, *options: str) -> Any:
        return command(self.uri, DATABASE, "audit", "--day", self.day, *options)


@pytest.fixture(scope="module")
def crawled(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory: Path = tmp_path_factory.mktemp("site")
    with (
        serving(directory, "--editions", "en", "--articles", "40") as site,
        MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client,
    ):
        told = Crawled(site, mongo_uri, client[DATABASE])
        told.crawl()
        yield told
        client.drop_database(DATABASE)


def test_an_audit_finds_every_article_of_the_day_and_says_what_is_missing_and_why(crawled: Crawled) -> None:
    run = crawled.audit("--edition", "en", "--json")
    assert run.returncode == 1, run.stderr
    told = json.loads(run.stdout)
    assert (told["day"], told["complete"], told["editions"]) == (crawled.day, False, ["en"])
    missing = {each["url"]: (each["fate"], each["why"]) for each in told["missing"]}
    assert missing.keys() == {crawled.refused, crawled.broken, crawled.walled, crawled.unread}
    assert {missing[url][0] for url in (crawled.refused, crawled.walled)} <= {"stub", "blocked"}
    assert "403" in missing[crawled.refused][1]
    assert missing[crawled.walled][1]
    assert missing[crawled.unread][0] == "waiting"
    assert "500" in missing[crawled.broken][1]
    assert [each["url"] for each in told["gone"]] == [crawled.gone]
    counts = told["counts"]["en"]
    assert counts["seen"] == told["seen"] == len(crawled.truth) + 1 == sum(counts[each] for each in Fate)
    assert counts["stored"] == len(crawled.truth) - 4
    assert told["gaps"] == []


def test_a_person_reads_the_same(crawled: Crawled) -> None:
    run = crawled.audit()
    assert run.returncode == 1
    for url in (crawled.refused, crawled.broken, crawled.walled, crawled.unread):
        assert url in run.stdout
    assert f"Articles of {crawled.day}" in run.stdout


def test_a_day_of_which_all_is_stored_is_complete(crawled: Crawled) -> None:
    stored = crawled.archive.articles.distinct("published_at", {"status": "full"})
    others = {at.date() for at in stored} - {date.fromisoformat(crawled.day)}
    run = command(crawled.uri, DATABASE, "audit", "--day", max(others).isoformat(), "--edition", "en")
    assert (run.returncode, "Complete" in run.stdout) == (0, True), run.stdout


def test_a_day_of_which_nothing_is_known_is_not_complete(crawled: Crawled) -> None:
    run = command(crawled.uri, DATABASE, "audit", "--day", "2001-01-01")
    assert (run.returncode, "Nothing is known" in run.stdout) == (1, True)


def test_a_gap_of_a_source_and_a_source_that_fails_are_told_with_their_time(crawled: Crawled) -> None:
    stored = crawled.archive.articles.find_one({"status": "full"}, sort=[("published_at", -1)])
    day, at = stored["published_at"].date().isoformat(), stored["published_at"].replace(hour=3)
    frontier = crawled.archive.frontier
    feeds = list(frontier.find({"state": "done", "edition": "en", "poll": {"$exists": True}}).limit(2))
    gap = {"at": at, "since": at, "until": at + timedelta(hours=2)}
    poll: dict[str, Any] = {"at": at - timedelta(days=9), "keys": []}
    frontier.update_one({"_id": feeds[0]["_id"]}, {"$set": {"gaps": [gap]}})
    frontier.update_one({"_id": feeds[1]["_id"]}, {"$set": {"state": "failed", "poll": poll}})
    try:
        run = command(crawled.uri, DATABASE, "audit", "--day", day, "--json")
        gaps = {each["url"]: each for each in json.loads(run.stdout)["gaps"]}
        assert run.returncode == 1
        assert gaps.keys() == {feed["url"] for feed in feeds}
        assert datetime.fromisoformat(gaps[feeds[0]["url"]]["until"]) == gap["until"]
        assert (gaps[feeds[0]["url"]]["open"], gaps[feeds[1]["url"]]["open"]) == (False, True)
        assert "and not since" in command(crawled.uri, DATABASE, "audit", "--day", day).stdout
        assert command(crawled.uri, DATABASE, "audit", "--day", day, "--edition", "cn").stdout.count("gap  ") == 0
    finally:
        for feed in feeds:
            frontier.replace_one({"_id": feed["_id"]}, feed)


@pytest.mark.parametrize(
    "options", [["--day", "yesterday"], ["--day", "2026-02-30"], ["--day", "2026-03-01", "--edition", "xx"], []]
)
def test_a_day_or_edition_that_there_is_not_is_wrong_usage(mongo_uri: str, options: list[str]) -> None:
    assert command(mongo_uri, DATABASE, "audit", *options).returncode == 2


def test_every_question_of_an_audit_is_answered_by_an_index(crawled: Crawled) -> None:
    archive = crawled.archive
    archive.command("profile", 2)
    crawled.audit()
    archive.command("profile", 0)
    asked = list(archive.system.profile.find({"op": "query", "ns": {"$in": [f"{DATABASE}.{n}" for n in NAMES]}}))
    plans = [each["planSummary"] for each in asked if each["command"].get("filter") not in ({}, {"_id": "schema"})]
    assert len(plans) >= 3
    assert all("IXSCAN" in each or "IDHACK" in each for each in plans), plans


NAMES = ("articles", "frontier")
