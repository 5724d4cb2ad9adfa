"""A robots.txt that cannot be read allows nothing; its copy stands in for it for a day."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pymongo import MongoClient

from rfispider.crawl.robots import Access, access, retry_s
from tests.support.crawling import crawl, running
from tests.support.extract_pages import article_html

RULES = "User-agent: *\nDisallow: /en/africa/20260301-forbidden\n"
NAMES = ("open", "forbidden")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Access.RULES),
        (204, Access.RULES),
        (301, Access.EVERYTHING),
        (401, Access.EVERYTHING),
        (404, Access.EVERYTHING),
        (410, Access.EVERYTHING),
        (500, Access.NOTHING),
        (503, Access.NOTHING),
        (599, Access.NOTHING),
    ],
)
def test_a_status_means_what_rfc_9309_says(status: int, meaning: Access) -> None:
    assert access(status) is meaning


def test_attempts_become_rarer_up_to_one_an_hour() -> None:
    assert [retry_s(failures) for failures in (1, 2, 3, 7, 5000)] == [60, 120, 240, 3600, 3600]


class Site:
    """A feed, two articles, and a robots.txt that answers as it is told to."""

    def __init__(self) -> None:
        self.robots = "rules"
        self.names = list(NAMES)
        self.paths: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the site while the context lasts; gives its base URL."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.paths.append(self.path)
                if self.path == "/robots.txt":
                    site.answer_robots(self)
                elif self.path == "/en/rss":
                    items = "".join(f"<item><link>/en/africa/20260301-{name}</link></item>" for name in site.names)
                    send(self, 200, f"<rss><channel>{items}</channel></rss>", "text/xml")
                else:
                    send(self, 200, article_html(title=f"A harbour: {self.path}"))

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as base:
            yield base

    def answer_robots(self, handler: BaseHTTPRequestHandler) -> None:
        if self.robots == "closed":
            handler.close_connection = True
            handler.connection.close()
        elif self.robots == "silent":
            time.sleep(3)
        elif self.robots == "rules":
            send(handler, 200, RULES, "text/plain")
        else:
            send(handler, int(self.robots), "")

    def pages(self) -> set[str]:
        """The paths that were asked for, other than robots.txt; forgotten thereafter."""
        paths, self.paths = self.paths, []
        return set(paths) - {"/robots.txt"}


def send(handler: BaseHTTPRequestHandler, status: int, body: str, kind: str = "text/html") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body.encode())))
    handler.end_headers()
    handler.wfile.write(body.encode())


class Crawls:
    """Crawls of one site into one database."""

    def __init__(self, uri: str, database: str, base: str, archive: Any) -> None:
        self.uri, self.database, self.base, self.archive = uri, database, base, archive

    def run(self) -> Any:
        """Crawl what is due, as if all that waits had waited long enough."""
        self.archive.frontier.update_many({"due_at": {"$type": "date"}}, [{"$set": {"due_at": "$$NOW"}}])
        options = ("-a", f"sources={self.base}/en/rss", "-a", "depth=0", "-s", "RETRY_TIMES=0")
        settings = {"RFI_BASE_URL": self.base, "RFI_RATE": "0", "DOWNLOAD_TIMEOUT": "1"}
        return crawl(self.uri, self.database, *options, "-s", "DOWNLOAD_TIMEOUT=1", **settings)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def crawls(site: Site, mongo_uri: str, database: str) -> Iterator[Crawls]:
    with site.serving() as base, MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield Crawls(mongo_uri, database, base, client[database])


ALL = {"/en/rss", *(f"/en/africa/20260301-{name}" for name in NAMES)}
ALLOWED = ALL - {"/en/africa/20260301-forbidden"}


@pytest.mark.parametrize("robots", ["503", "closed", "silent"])
def test_while_robots_txt_cannot_be_read_nothing_is_requested_and_everything_waits(
    site: Site, crawls: Crawls, robots: str
) -> None:
    site.robots = robots
    run = crawls.run()
    assert site.pages() == set()
    assert "Traceback" not in run.stderr
    assert "cannot be read" in run.stderr
    (source,) = crawls.archive.frontier.find()
    assert source["due_at"]
    assert source.get("failures", 0) == 0
    site.robots = "rules"
    assert crawls.run().returncode == 0
    assert site.pages() == ALLOWED
    assert crawls.archive.articles.count_documents({"status": "full"}) == 1


def test_a_site_without_robots_txt_allows_everything(site: Site, crawls: Crawls) -> None:
    site.robots = "404"
    assert crawls.run().returncode == 0
    assert site.pages() == ALL


def test_a_copy_of_robots_txt_is_obeyed_for_a_day_while_it_cannot_be_read(site: Site, crawls: Crawls) -> None:
    crawls.run()
    assert site.pages() == ALLOWED
    site.robots = "503"
    site.names += ["later", "forbidden-later"]
    run = crawls.run()
    assert "its copy of" in run.stderr
    assert site.pages() == {"/en/rss", "/en/africa/20260301-later"}
    robots = crawls.archive.hosts.find_one()["robots"]
    assert robots["text"] == RULES
    crawls.archive.hosts.update_many({}, {"$set": {"robots.fetched_at": robots["fetched_at"] - timedelta(hours=25)}})
    crawls.run()
    assert site.pages() == set()
