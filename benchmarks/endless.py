"""A site without an end: every page leads to three others. Pages are the replica's with other words, made on demand.

Most are articles. One in a hundred each is gone, moved, broken, no article, or slow to come: leaks show there too.
"""

import asyncio
from dataclasses import dataclass, field
from email.utils import format_datetime
from html import escape
from random import Random
from urllib.parse import quote

import stage  # noqa: F401 - puts the checkout on the path

# isort: split
from replica import markup, metadata
from replica.language import LANGUAGES, Writer
from replica.site import Site
from replica.story import Block, RelatedLink, canonical

EDITION = "en"
FEED = f"/{EDITION}/rss"
PLACE = f"/{EDITION}/world/20260301-"
BRANCHES = 3
PARAGRAPHS, WORDS = 4, 40
GONE, MOVED, BROKEN, NO_ARTICLE, SLOW = 17, 37, 57, 77, 97
"""Pages whose number ends in these two digits are so."""
SLOW_S = 0.5
REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found", 410: "Gone"}


@dataclass
class Endless:
    """The pages, and how many of them were asked for."""

    served: int = 0
    """Pages; the feed and robots.txt are none."""
    vocabulary: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        writer = Writer(LANGUAGES[EDITION], Random(0))
        self.vocabulary = [writer.word() for _ in range(5000)]
        site = Site(editions=[EDITION], articles_per_edition=40)
        self.edition = site.desks[EDITION].edition
        story = next(each for each in site.stories if each.status == "full" and each.look.linked_data == "object")
        story.title, story.lead, story.path, story.short_code = "title0", "lead0", f"{PLACE}slug0", "code0"
        story.blocks = [Block(kind="p", rows=[[f"text{n}"]]) for n in range(PARAGRAPHS)]
        story.related = [
            RelatedLink(url=canonical(f"{PLACE}next{n}"), title=f"link{n}", label=None) for n in range(BRANCHES)
        ]
        head = metadata.head(story, self.edition)
        article = markup.article(story, self.edition, markup.Edits())
        self.template = f"<!DOCTYPE html><html><head>{head}</head><body>{article}</body></html>"
        self.feed = self._feed(format_datetime(story.published_at))

    def _feed(self, published: str) -> str:
        items = "".join(
            f"<item><title>{self.title(n)}</title><link>{escape(canonical(self.path(n)))}</link>"
            f"<pubDate>{published}</pubDate></item>"
            for n in range(BRANCHES)
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>RFI</title>{items}</channel></rss>'

    def title(self, number: int) -> str:
        """The title of a page; no two have the same."""
        return f"{self.words(Random(f'title/{number}'), 6)} {number}"

    def path(self, number: int) -> str:
        """The decoded path of a page."""
        return f"{PLACE}story-{number}"

    def words(self, random: Random, count: int) -> str:
        """So many words of no meaning."""
        return " ".join(random.choices(self.vocabulary, k=count)).capitalize()

    def page(self, number: int) -> str:
        """An article."""
        random = Random(number)
        near = [BRANCHES * (number + 1) + n for n in range(BRANCHES)]
        marks = {"title0": self.title(number), "lead0": self.words(random, 12)}
        marks |= {"slug0": f"story-{number}", "code0": f"{number:x}"}
        marks |= {f"text{n}": self.words(random, WORDS) + "." for n in range(PARAGRAPHS)}
        marks |= {f"link{n}": self.title(other) for n, other in enumerate(near)}
        marks |= {f"next{n}": f"story-{other}" for n, other in enumerate(near)}
        text = self.template
        for mark, put in marks.items():
            text = text.replace(mark, put)
        return text

    # ---- answers --------------------------------------------------------------------------------------------

    async def answer(self, path: str) -> bytes:
        """The whole answer to a request for a path."""
        if path == FEED:
            return whole(200, self.feed, "application/rss+xml")
        name = path.removeprefix(f"{PLACE}story-")
        if not name.isdecimal():
            return whole(200, "User-agent: *\n", "text/plain") if path == "/robots.txt" else whole(404, "")
        self.served += 1
        number = int(name)
        kind = number % 100
        if kind == GONE:
            return whole(410, "")
        if kind == MOVED:
            return whole(301, "", location=quote(self.path(number + 1)))
        if kind == SLOW:
            await asyncio.sleep(SLOW_S)
        page = self.page(number)
        if kind == BROKEN:
            return whole(200, page[: len(page) // 2])
        return whole(200, f"<html><body>{self.title(number)}</body></html>" if kind == NO_ARTICLE else page)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self.answer(request.split(b" ", 2)[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def whole(status: int, text: str, content_type: str = "text/html", *, location: str = "") -> bytes:
    """A whole answer of HTTP/1.1."""
    body = text.encode()
    moved = f"Location: {location}\r\n" if location else ""
    head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {content_type}; charset=utf-8\r\n{moved}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
