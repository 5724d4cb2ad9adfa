"""What later visits bring: a worker that stays sees what comes due, a deeper crawl goes on where another ended."""

import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.crawling import Replica, crawl, crawling, path, serving, stored, wait_until

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SOURCES = {"kind": {"$in": ["feed", "sitemap", "front", "section"]}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "en", "--articles", "20") as replica:
        yield replica


def near(site: Replica, hops: int) -> list[str]:
    return sorted(path(article["url"]) for article in site.truth() if article["hops"] <= hops)


@dataclass
class Staying:
    """A worker that stays for what comes due, and what it works on."""

    archive: Any
    log: Path

    def make_due(self, **those: Any) -> None:
        """As if the time for these URLs had come; what is under way is left alone."""
        settled = {"state": {"$in": ["done", "failed"]}, **those}
        self.archive.frontier.update_many(settled, {"$set": {"due_at": LONG_AGO}})

    def states(self) -> set[str]:
        return set(self.archive.frontier.distinct("state"))


@pytest.fixture(scope="module")
def staying(site: Replica, mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staying]:
    database, log = f"test_{uuid.uuid4().hex[:16]}", tmp_path_factory.mktemp("worker") / "worker.log"
    options = ("-a", "editions=en", "-a", "depth=0", "-a", "follow=1")
    with ExitStack() as stack:
        client = stack.enter_context(MongoClient[dict[str, Any]](mongo_uri, tz_aware=True))
        stack.callback(client.drop_database, database)
        worker = stack.enter_context(crawling(mongo_uri, database, log, *options, RFI_BASE_URL=site.base))
        here = Staying(client[database], log)
        wait_until(lambda: stored(here.archive) == near(site, 0), "all that is listed is stored")
        yield here
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, log.read_text("utf-8")


def test_a_worker_that_stays_stores_what_is_published_when_its_source_comes_due(
    site: Replica, staying: Staying
) -> None:
    before = {article["url"] for article in site.truth()}
    site.control(publish={"n": 1, "edition": "en"})
    (published,) = [path(article["url"]) for article in site.truth() if article["url"] not in before]
    assert published not in stored(staying.archive)
    staying.make_due(**SOURCES)
    wait_until(lambda: published in stored(staying.archive), "what was published is stored")


def test_an_article_that_the_site_has_removed_becomes_a_tombstone_at_the_second_visit(
    site: Replica, staying: Staying
) -> None:
    article = staying.archive.articles.find_one({"status": "full"})
    site.control(gone=[article["url"]])

    def visit() -> dict[str, Any]:
        return staying.archive.frontier.find_one({"_id": article["_id"]})

    staying.make_due(_id=article["_id"])
    wait_until(lambda: visit().get("misses") == 1, "it is missed once")
    assert staying.archive.articles.find_one({"_id": article["_id"]})["status"] == "full"

    staying.make_due(_id=article["_id"])
    wait_until(lambda: visit()["state"] == "gone", "it is gone")
    # The archive hears of it first, so that a crash between the two loses nothing.
    marked_gone = staying.archive.articles.find_one({"_id": article["_id"]})
    assert (marked_gone["status"], marked_gone["text"]) == ("gone", article["text"])


def test_a_deeper_crawl_follows_the_links_of_pages_that_were_read_before(
    site: Replica, mongo_uri: str, database: str
) -> None:
    def crawled(depth: int) -> list[str]:
        run = crawl(mongo_uri, database, "-a", "editions=en", "-a", f"depth={depth}", RFI_BASE_URL=site.base)
        assert run.returncode == 0, run.stderr
        return stored(client[database])

    site.control(reset=True)
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        assert crawled(0) == near(site, 0)
        assert set(near(site, 1)) > set(near(site, 0))
        assert crawled(1) == near(site, 1)
        requests = len(site.requests())
        assert crawled(1) == near(site, 1)
        asked = {path(request[4]) for request in site.requests()[requests:]}
        assert not asked & set(near(site, 1))
