"""A site of article pages, rendered once and served from memory, with the truth about every page.

    python benchmarks/cached_site.py --truth FILE [--pages 2000] [--shared ../shared]

The pages are those of ../shared/tools/corpus_site.py where it is (real bodies in 340 KB of furniture),
else the replica's. Each has links to three others; `/cn/rss` lists all of them. `/__seen__` tells what was asked
for since the last time: {"requests", "first", "last"} (seconds since the epoch). Conditional requests are answered
with 304. One line is printed when it listens: the base URL. The truth is one JSON object a page.

A process for the benchmarks: whoever crawls it must be slower than it is, which `crawl.py` measures.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import stage

FEED: Final = "/cn/rss"
ROBOTS: Final = b"User-agent: *\nDisallow: /boutique/\n"
HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Truth:
    """What is right of one page; None where the page does not say."""

    url: str
    title: str
    text: str
    """Paragraphs, one a line."""
    lead: str | None
    published_at: str | None
    """ISO 8601, UTC, to the minute."""
    image: str | None


class Site:
    """Whole answers, by path."""

    def __init__(self) -> None:
        self.answers: dict[bytes, tuple[bytes, bytes]] = {}
        """Entity tag and the answer with its head."""
        self.seen: dict[str, float] = {}

    def put(self, path: str, body: bytes, content_type: str = HTML) -> None:
        """Serve a body."""
        tag = b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
        self.answers[path.encode()] = (tag, answer(b"200 OK", body, content_type, tag))

    def get(self, path: bytes, known: bytes) -> bytes:
        """The answer to a request; `known` is the entity tag that the client has."""
        if path == b"/__seen__":
            told, self.seen = json.dumps(self.seen).encode(), {}
            return answer(b"200 OK", told, "application/json")
        now = time.time()
        self.seen = {
            "requests": self.seen.get("requests", 0) + 1,
            "first": self.seen.get("first", now),
            "last": now,
        }
        tag, whole = self.answers.get(path, (b"", b""))
        if not whole:
            return answer(b"404 Not Found", b"<html><body><h1>404</h1></body></html>", HTML)
        return answer(b"304 Not Modified", b"", HTML, tag) if known == tag else whole


def answer(status: bytes, body: bytes, content_type: str, tag: bytes = b"") -> bytes:
    """A whole answer of HTTP/1.1."""
    told = {b"Content-Type": content_type.encode(), b"Content-Length": b"%d" % len(body), b"ETag": tag}
    head = b"".join(b"%s: %s\r\n" % pair for pair in told.items() if pair[1])
    return b"HTTP/1.1 %s\r\n%s\r\n%s" % (status, head, body)


class Connection(asyncio.Protocol):
    """Answers GET requests without a body, one after the other."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            first, *lines = head.split(b"\r\n")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
            }
            path = first.split(b" ")[1].partition(b"?")[0]
            self.transport.write(self.site.get(path, headers.get(b"if-none-match", b"")))
            if headers.get(b"connection", b"").lower() == b"close":
                self.transport.close()


# ---- what is served --------------------------------------------------------------------------------------


def real(site: Site, shared: Path, count: int) -> list[Truth]:
    """Put real bodies in the furniture of a real page."""
    corpus_site, _ = stage.tools(shared)
    chrome = str(shared / "corpus" / "france24-home-20211004.html.gz")
    pages, around, feed = corpus_site.build(stage.real_documents(shared, -1), chrome, count, 1.0)
    for path, (document, told, related) in pages.items():
        site.put(path, corpus_site.page(document, told, around, related))
    site.put(FEED, feed, "application/rss+xml; charset=utf-8")
    return [of_document(path, told, corpus_site) for path, (_, told, _) in pages.items()]


def of_document(path: str, told: Any, corpus_site: Any) -> Truth:
    """The truth about a page made of a real document."""
    return Truth(
        url=f"https://www.rfi.fr{path}",
        title=corpus_site.clean_title(told.title),
        text="\n".join(told.paragraphs),
        lead=told.lead or None,
        published_at=told.published.strftime("%Y-%m-%dT%H:%M") if told.published else None,
        image=told.image or None,
    )


def generated(site: Site, count: int) -> list[Truth]:
    """Put pages of the replica."""
    replica = stage.generated_site(("cn",), count)
    told = {record["url"]: record for record in map(json.loads, stage.generated.lines(replica.stories).splitlines())}
    stories = [story for story in replica.stories if story.url in told]
    for story in stories:
        found = replica.answer(story.path)
        if found is not None and not isinstance(found, stage.site.Redirect):
            site.put(urlsplit(story.url).path, found.raw())
    truths = [of_story(told[story.url]) for story in stories if urlsplit(story.url).path.encode() in site.answers]
    site.put(FEED, feed_of(truths), "application/rss+xml; charset=utf-8")
    return truths


def of_story(told: dict[str, Any]) -> Truth:
    """The truth about a page of the replica."""
    published = told.get("published_at")
    images = told.get("images") or [{}]
    return Truth(
        url=told["url"],
        title=told["title"],
        text=told["text"],
        lead=told.get("lead"),
        published_at=published[:16] if published else None,
        image=images[0].get("url"),
    )


def feed_of(truths: list[Truth]) -> bytes:
    """A feed that lists every page."""
    items = "".join(
        f"<item><title>{escape(each.title)}</title><link>{escape(each.url)}</link></item>" for each in truths
    )
    channel = f"<title>RFI</title><link>https://www.rfi.fr/cn/</link><description>RFI</description>{items}"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{channel}</channel></rss>'.encode()


async def serve(site: Site) -> None:
    """Answer on a free port until terminated."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(site), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Render, write the truth, serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    options = parser.parse_args()
    site = Site()
    site.put("/robots.txt", ROBOTS, "text/plain")
    has_corpus = stage.has_corpus(options.shared)
    truths = real(site, options.shared, options.pages) if has_corpus else generated(site, options.pages)
    lines = (json.dumps(asdict(each), ensure_ascii=False) for each in truths)
    options.truth.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    asyncio.run(serve(site))


if __name__ == "__main__":
    sys.exit(main())
