"""Responses that did not arrive whole: failed downloads, of which nothing is kept."""

import gzip
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import pytest
from backports import zstd
from pymongo import MongoClient

from tests.support.crawling import claimed, crawl, running
from tests.support.extract_pages import article_html

PAGE = article_html(title="A harbour opens").encode() + b"<!-- " + b"x" * 100_000 + b" -->"
HALF = len(PAGE) // 2


def cut(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "gzip-cut": (200, {"Content-Encoding": "gzip"}, cut(gzip.compress(PAGE))),
    "gzip-behind": (200, {"Content-Encoding": "gzip"}, gzip.compress(PAGE) + b"proxy error"),
    "gzip-checksum": (200, {"Content-Encoding": "gzip"}, gzip.compress(PAGE)[:-8] + b"12345678"),
    "br-cut": (200, {"Content-Encoding": "br"}, cut(brotli.compress(PAGE))),
    "deflate-cut": (200, {"Content-Encoding": "deflate"}, cut(zlib.compress(PAGE))),
    "raw-cut": (200, {"Content-Encoding": "deflate"}, cut(zlib.compress(PAGE, wbits=-15))),
    "zstd-cut": (200, {"Content-Encoding": "zstd"}, cut(zstd.compress(PAGE))),
    "partial": (206, {"Content-Range": f"bytes 0-{HALF - 1}/{len(PAGE)}"}, PAGE[:HALF]),
    "partial-all": (206, {"Content-Range": f"bytes 0-{len(PAGE) - 1}/{len(PAGE)}"}, PAGE),
    "short": (200, {"Content-Length": str(len(PAGE))}, PAGE[:HALF]),
    "whole-gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(PAGE[:HALF]) + gzip.compress(PAGE[HALF:])),
    "whole-br": (200, {"Content-Encoding": "br"}, brotli.compress(PAGE)),
    "whole-deflate": (200, {"Content-Encoding": "deflate"}, zlib.compress(PAGE)),
    "whole-raw": (200, {"Content-Encoding": "deflate"}, zlib.compress(PAGE, wbits=-15)),
    "whole-zstd": (200, {"Content-Encoding": "zstd"}, zstd.compress(PAGE)),
    "whole": (200, {}, PAGE),
}
"""Name of a page -> status, headers and body of the response."""
REASONS = {
    "the response did not arrive whole: gzip content breaks off",
    "the response did not arrive whole: br content breaks off",
    "the response is a part of the content (206) that nobody asked for",
}


class Site(BaseHTTPRequestHandler):
    """The site: a feed and the pages."""

    def do_GET(self) -> None:
        name = self.path.rpartition("20260301-")[2]
        if self.path == "/en/rss":
            items = "".join(f"<item><link>/en/africa/20260301-{name}</link></item>" for name in ANSWERS)
            self.answer(200, {"Content-Type": "text/xml"}, f"<rss><channel>{items}</channel></rss>".encode())
        elif name in ANSWERS:
            status, headers, body = ANSWERS[name]
            named = body.replace(b"A harbour opens", f"A harbour opens: {name}".encode())
            self.answer(status, {"Content-Type": "text/html", "ETag": '"1"', **headers}, named)
        else:
            self.answer(404, {}, b"")

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


def test_only_responses_that_arrived_whole_are_stored_and_the_others_are_asked_for_again(
    mongo_uri: str, database: str, archive: Any
) -> None:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Site)) as base:
        options = ("-a", f"sources={base}/en/rss", "-a", "depth=0", "-s", "RETRY_TIMES=0")
        run = crawl(mongo_uri, database, *options, RFI_BASE_URL=base, RFI_RATE="0")
    assert "Traceback" not in run.stderr
    visits = {document["url"].rpartition("20260301-")[2]: document for document in archive.frontier.find()}
    broken = {name for name in ANSWERS if not name.startswith("whole")}
    full = {name for document in archive.articles.find({"status": "full"}) for name in names(document)}
    same_text = {url.rpartition("20260301-")[2] for url in claimed(archive)}
    assert full | same_text == set(ANSWERS) - broken
    for name in broken:
        visit = visits[name]
        assert (visit["state"], visit["last"]["outcome"]) == ("failed", "page/failed"), name
        assert visit["due_at"], name
        assert not {"etag", "last_modified", "body_hash"} & visit.keys(), name
    assert {visits[name]["last"]["error"] for name in broken} >= REASONS


def names(document: dict[str, Any]) -> list[str]:
    """The pages that an article was read from."""
    return [url.rpartition("20260301-")[2] for url in (document["url"], *document.get("aliases", []))]
