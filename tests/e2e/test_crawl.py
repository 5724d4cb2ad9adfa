"""Whole crawls: from a source to documents in MongoDB."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pymongo import MongoClient

from tests.support.crawling import (
    ROOT,
    Replica,
    claimed,
    crawl,
    let_claims_be_confirmed,
    rfispider,
    running,
    serving,
    serving_files,
    surroundings,
)

ALL = ("-a", "editions=cn,fr,en", "-a", "depth=-1", "-s", "RFI_FOLLOW_TOPICS=1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "cn,fr,en", "--articles", "40") as replica:
        yield replica


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


def last_run(archive: Any) -> dict[str, Any]:
    return archive.runs.find_one(sort=[("started_at", -1)])


def urls_of(articles: list[dict[str, Any]]) -> set[str]:
    return {url for article in articles for url in (article["url"], *article.get("aliases", []))}


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stderr.strip().splitlines()[-1]


# ---- the network -----------------------------------------------------------------------------------------


def test_every_reachable_article_is_stored_once_and_a_second_run_stores_none(
    site: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    first = crawl(mongo_uri, database, *ALL, RFI_BASE_URL=site.base)
    assert first.returncode == 0, first.stderr
    assert "ERROR" not in first.stderr
    assert "scrapy." not in first.stderr  # it has nothing to say of its own parts
    stored = list(archive.articles.find())
    assert {article["url"] for article in site.truth()} == urls_of(stored) | claimed(archive)
    assert sum(1 + len(article["aliases"]) for article in stored) == len(urls_of(stored))
    doubles = {article["url"] for article in site.truth() if article["duplicate_of"]}
    assert len(stored) == len(site.truth()) - len(doubles)

    second = crawl(mongo_uri, database, *ALL, RFI_BASE_URL=site.base)
    assert second.returncode == 0, second.stderr
    assert archive.articles.count_documents({}) == len(stored)
    assert last_run(archive)["outcomes"] == {}
    assert set(last_run(archive)["sources"]) <= {"unchanged", "failed"}
    assert archive.revisions.count_documents({}) == 0

    let_claims_be_confirmed(archive)
    assert crawl(mongo_uri, database, *ALL, RFI_BASE_URL=site.base).returncode == 0
    assert {article["url"] for article in site.truth()} == urls_of(list(archive.articles.find()))
    assert archive.articles.count_documents({}) == len(stored)


def test_depth_zero_stores_what_the_sources_list_and_no_more(
    site: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    assert crawl(mongo_uri, database, "-a", "depth=0", RFI_BASE_URL=site.base).returncode == 0
    hops = {article["url"]: article["hops"] for article in site.truth()}
    stored = [article["url"] for article in archive.articles.find()]
    assert stored
    assert {hops[url] for url in stored} == {0}
    assert {article["edition"] for article in archive.articles.find()} == {"cn"}


def test_the_site_sees_an_honest_user_agent_that_asks_for_robots_txt_first(
    mongo_uri: str, database: str, tmp_path: Path
) -> None:
    # A site of its own: the last lines of another crawl may reach a shared request log late.
    with serving(tmp_path, "--editions", "en", "--articles", "10") as site:
        options = ("-a", f"sources={site.base}/en/rss", "-a", "depth=0")
        crawl(mongo_uri, database, *options, RFI_BASE_URL=site.base, RFI_CONTACT="desk@news.example")
        requests = site.requests()
    assert requests[0][4] == "/robots.txt"
    assert all("rfispider/" in request[5] and "desk@news.example" in request[5] for request in requests)


class Crowd(BaseHTTPRequestHandler):
    """A site of many pages, each of which takes its time; it counts those who wait."""

    protocol_version = "HTTP/1.1"
    waiting: ClassVar[set[threading.Thread]] = set()
    most: ClassVar[int] = 0
    visitors: ClassVar[int] = 0

    def setup(self) -> None:
        Crowd.visitors += 1
        super().setup()

    def do_GET(self) -> None:
        self.waiting.add(threading.current_thread())
        Crowd.most = max(self.most, len(self.waiting))
        threading.Event().wait(0.05)
        self.waiting.remove(threading.current_thread())
        body = self.feed() if self.path == "/en/rss" else b"<html><body><h1>A boat</h1></body></html>"
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def feed(self) -> bytes:
        links = "".join(f"<item><link>/en/africa/20260301-boat-{n}</link></item>" for n in range(60))
        return f"<rss><channel>{links}</channel></rss>".encode()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_site_sees_no_more_requests_and_connections_at_a_time_than_were_allowed(
    mongo_uri: str, database: str
) -> None:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Crowd)) as base:
        options = ("-a", f"sources={base}/en/rss", "-s", "RFI_UNSETTLED=60")
        crawl(mongo_uri, database, *options, RFI_BASE_URL=base, RFI_RATE="0", RFI_CONCURRENCY="4")
    assert Crowd.most == 4
    assert Crowd.visitors <= 6


def test_a_site_that_refuses_pages_loses_no_news_and_a_later_run_completes_it(
    site: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    source = ("-a", f"sources={site.base}/fr/rss", "-a", "depth=0")
    site.control(block_pages=True)
    try:
        refused = crawl(mongo_uri, database, *source, RFI_BASE_URL=site.base)
    finally:
        site.control(block_pages=False)
    assert refused.returncode == 0, refused.stderr
    stubs = list(archive.articles.find())
    assert stubs
    assert {stub["status"] for stub in stubs} == {"stub"}
    assert last_run(archive)["outcomes"] == {"article/stub": len(stubs)}

    archive.hosts.delete_many({})  # the cooldown of the circuit breaker is over
    assert f"{len(stubs)} URLs are due again" in rfispider(mongo_uri, database, "frontier", "retry").stdout
    assert crawl(mongo_uri, database, *source, RFI_BASE_URL=site.base).returncode == 0
    outcomes = last_run(archive)["outcomes"]
    assert sum(outcomes.values()) == len(stubs)
    assert set(outcomes) <= {"article/changed", "page/claimed"}
    # The pages of two URLs may turn out to be one article.
    let_claims_be_confirmed(archive)
    assert crawl(mongo_uri, database, *source, RFI_BASE_URL=site.base).returncode == 0
    assert urls_of(list(archive.articles.find())) == urls_of(stubs)
    assert archive.articles.count_documents({"status": "stub"}) == 0


def test_a_full_text_mirror_fills_the_archive_while_the_site_refuses(
    site: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    site.control(block_pages=True)
    try:
        crawl(mongo_uri, database, "-a", f"sources={site.base}/mirror/cn.xml", RFI_BASE_URL=site.base)
    finally:
        site.control(block_pages=False)
    truth = {article["url"]: article for article in site.truth()}
    stored = [each for each in archive.articles.find({"status": {"$ne": "stub"}}) if each["origin"] == "feed"]
    assert len(stored) >= 10
    assert all(article["text"] == truth[article["url"]]["text"] for article in stored)


def test_scrapy_shell_works_in_the_project(site: Replica, mongo_uri: str, database: str) -> None:
    command = [sys.executable, "-m", "scrapy", "shell", f"{site.base}/en/rss", "-c", "response.status"]
    told = surroundings(MONGO_URI=mongo_uri, MONGO_DATABASE=database, RFI_BASE_URL=site.base)
    shell = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert shell.stdout.strip().endswith("200"), shell.stderr


def test_items_can_be_exported_as_in_any_scrapy_project(
    site: Replica, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    out = tmp_path / "articles.jsonl"
    options = ("-a", f"sources={site.base}/en/rss", "-a", "depth=0", "-O", str(out))
    assert crawl(mongo_uri, database, *options, RFI_BASE_URL=site.base).returncode == 0
    assert len(out.read_text("utf-8").splitlines()) == archive.articles.count_documents({})


def test_a_backfill_stores_what_the_archives_of_its_days_list(
    site: Replica, mongo_uri: str, database: str, archive: Any
) -> None:
    days = ("-a", "since=2025-10-01", "-a", "until=2025-12-31")
    run = crawl(mongo_uri, database, "-a", "editions=fr", "-a", "depth=0", *days, RFI_BASE_URL=site.base)
    assert run.returncode == 0, run.stderr
    wanted = {
        article["url"]
        for article in site.truth()
        if article["edition"] == "fr"
        and article["in_archive"]
        and "2025-10" <= article["published_at"][:7] <= "2025-12"
    }
    assert wanted
    assert wanted <= urls_of(list(archive.articles.find())) | claimed(archive)


# ---- archived entries ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("entries")
    command = [sys.executable, "-m", "replica", "archive", str(directory), "--editions", "cn", "--articles", "20"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


def test_an_archive_is_stored_without_the_network(entries: Path, mongo_uri: str, database: str, archive: Any) -> None:
    nowhere = "http://127.0.0.1:9"
    run = crawl(mongo_uri, database, "-a", f"archive={entries}", "-a", "depth=0", RFI_BASE_URL=nowhere)
    assert run.returncode == 0, run.stderr
    stored = list(archive.articles.find({"origin": "archive"}))
    assert len(urls_of(stored)) == len(list(entries.rglob("*.md")))
    assert set(last_run(archive)["outcomes"]) == {"article/new", "article/duplicate"}


def test_a_broken_archive_document_is_named_and_costs_only_itself(
    entries: Path, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    good = sorted(entries.rglob("*.md"))[:2]
    for number, path in enumerate(good):
        (tmp_path / f"{number}.md").write_bytes(path.read_bytes())
    (tmp_path / "broken.md").write_text("no header, no rule, no body")
    run = crawl(mongo_uri, database, "-a", f"archive={tmp_path}", "-a", "depth=0")
    assert run.returncode == 1
    assert [line for line in run.stderr.splitlines() if "broken.md" in line and "WARNING" in line]
    assert "1 of the given sources or documents could not be read" in last_line(run)
    assert archive.articles.count_documents({}) == len(good)


def test_the_seed_is_read_field_by_field(shared: Path, mongo_uri: str, database: str, archive: Any) -> None:
    seed = shared / "corpus" / "seed.txt"
    run = crawl(mongo_uri, database, "-a", f"archive={seed}", "-a", "depth=0")
    assert run.returncode == 0, run.stderr
    (article,) = archive.articles.find()
    document = seed.read_text("utf-8")
    assert article["title"] == document.partition("[")[2].partition("](")[0]
    assert article["published_at"] == datetime(2023, 11, 15, 10, 27, tzinfo=UTC)
    assert article["lead"] == document.partition("<strong>")[2].partition("</strong>")[0].strip()
    assert len(article["text"].split("\n\n")) == 9
    assert article["images"][0]["url"].startswith("https://s.rfi.fr/media/display/")
    assert [related["label"] for related in article["related"]] == ["美国/中国/国际", "拜习会", "法国世界报"]
    assert all(related["url"].startswith("https://www.rfi.fr/cn/") for related in article["related"])
    for noise in ("分享 :", "feedx", "获取更多RSS", *(related["title"] for related in article["related"])):
        assert noise not in article["text"]


# ---- what goes wrong -------------------------------------------------------------------------------------

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">%s]><rss><channel><title>&j;</title></channel></rss>'
    % (b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in range(ord("b"), ord("k"))))
)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("not-xml", b"this is no feed"),
        ("html", b"<!doctype html><html><body><h1>Sorry</h1></body></html>"),
        ("empty", b""),
        ("bomb", BOMB),
        ("binary", bytes(range(256)) * 64),
        ("huge", b"<rss><channel>" + b"<item><title>x</title></item>" * 2_000_000),
    ],
)
def test_a_source_that_cannot_be_read_is_named_in_one_line_and_fails_the_run(
    name: str, body: bytes, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    (tmp_path / f"{name}.xml").write_bytes(body)
    with serving_files(tmp_path) as base:
        run = crawl(mongo_uri, database, "-a", f"sources={base}/{name}.xml", "-a", "depth=0", RFI_RATE="0")
    assert run.returncode == 1, run.stderr
    assert len([line for line in run.stderr.splitlines() if f"{name}.xml cannot be read" in line]) == 1
    assert "Traceback" not in run.stderr
    assert archive.articles.count_documents({}) == 0


PAGE = "20240102-a-page-of-its-own-kind"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", "page/empty"),
        (bytes(range(256)) * 64, "page/claimed"),
        (b"<html><body>" + b"<div>" * 100_000 + b"deep", "page/claimed"),
        (b"<html><body><p>" + b"x" * 17 * 1024 * 1024, "page/failed"),
        (b"<html><body><h1>Portal</h1><p>Welcome.</p></body></html>", "page/claimed"),
    ],
    ids=["empty", "binary", "deep", "over-16-MB", "no-article"],
)
def test_a_page_that_is_no_article_is_counted_and_the_crawl_goes_on(
    body: bytes, outcome: str, mongo_uri: str, database: str, archive: Any, tmp_path: Path
) -> None:
    directory = tmp_path / "en" / "france"
    directory.mkdir(parents=True)
    (directory / PAGE).write_bytes(body)
    (tmp_path / "en" / "list").write_text(f"<rss><channel><item><link>/en/france/{PAGE}</link></item></channel></rss>")
    (tmp_path / "en" / "list").rename(tmp_path / "en" / "rss")
    with serving_files(tmp_path) as base:
        options = ("-a", f"sources={base}/en/rss", "-a", "depth=0")
        run = crawl(mongo_uri, database, *options, RFI_BASE_URL=base)
    assert "Traceback" not in run.stderr
    assert last_run(archive)["outcomes"] == {outcome: 1}, run.stderr


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        (["-a", "editions=cn,xx"], {}, "unknown edition 'xx': there are fr en"),
        (["-a", "edition=cn"], {}, "unknown argument 'edition': known are editions"),
        (["-a", "archive=no/such/place"], {}, "there is no file or directory no/such/place"),
        ([], {"RFI_RATE": "fast"}, "RFI_RATE: 'fast' is not a number"),
        ([], {"RFI_BASE_URL": "localhost"}, "RFI_BASE_URL: 'localhost' is not an http"),
    ],
)
def test_wrong_usage_is_told_in_one_line_with_exit_status_2(
    options: list[str], environment: dict[str, str], told: str, mongo_uri: str, database: str
) -> None:
    run = crawl(mongo_uri, database, *options, **environment)
    assert run.returncode == 2
    assert told in last_line(run)
    assert "Traceback" not in run.stderr


def test_an_unreachable_mongodb_is_told_in_one_line_and_nothing_is_fetched(site: Replica, database: str) -> None:
    before = len(site.requests())
    run = crawl("mongodb://ann:s3cret@127.0.0.1:9/", database, RFI_BASE_URL=site.base)
    assert run.returncode == 1
    assert "127.0.0.1:9" in run.stderr
    assert "s3cret" not in run.stderr
    assert "Traceback" not in run.stderr
    assert len(site.requests()) == before
