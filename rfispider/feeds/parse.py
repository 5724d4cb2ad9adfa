"""RSS 0.9 to 2.0, RDF, Atom and JSON feeds: bytes in, entries out."""

import re

from rfispider.feeds import json_feed, xml_feed
from rfispider.feeds.encoding import decoded
from rfispider.feeds.packing import unpacked
from rfispider.feeds.result import FeedError, ParsedFeed

MAX_FEED_BYTES = 16 * 1024 * 1024
"""The largest feed that is read, in bytes."""

_FLOODS = {("<",): 300_000, ("&",): 1_600_000, ("{", "["): 300_000}
"""Characters -> how often they may occur: one parse tree of so many tags or objects takes about 100 MB, and so
many references a second or two. The fullest feed of real life has a tenth of it."""


_BEGINNING = re.compile(r"^[{\[]|<[A-Za-z_!?]")


def entries(body: bytes, url: str, content_type: str | None = None) -> ParsedFeed:
    """Read a feed of any dialect.

    `url` is where it was fetched from, and makes relative addresses absolute; `content_type` is the HTTP
    header, read for its character set alone. Nothing is fetched and no entity is expanded.
    Raises FeedError when nothing can be read: empty, over `MAX_FEED_BYTES`, neither XML nor JSON, not a feed,
    or a flood of markup.

    >>> entries(b"<rss><item><title>Fish & chips</title><link>/en/a</link></rss>", "https://a.fr").entries[0].title
    'Fish & chips'
    """
    body = unpacked(body, MAX_FEED_BYTES)
    if len(body) > MAX_FEED_BYTES:
        raise FeedError(f"{len(body):,} bytes, over the limit of {MAX_FEED_BYTES:,}")
    text, problem = decoded(body, content_type)
    start = text.lstrip("\ufeff \t\r\n\x00")
    if not start:
        raise FeedError("empty")
    if not _BEGINNING.search(start):
        raise FeedError("neither XML nor JSON")
    _refuse_floods(start)
    feed = json_feed.read(start, url) if start[0] in "{[" else xml_feed.read(start, url)
    if problem:
        _drop_unreadable(feed)
        feed.problem = "; ".join(filter(None, (problem, feed.problem)))
    return feed


def _refuse_floods(text: str) -> None:
    is_json = text[0] in "{["
    for characters, limit in _FLOODS.items():
        if ("{" in characters) <= is_json and sum(map(text.count, characters)) > limit:
            raise FeedError(f"more than {limit:,} of {' and '.join(characters)}: no honest feed")


def _drop_unreadable(feed: ParsedFeed) -> None:
    """Take out the texts that could not be decoded: the page of the article will tell them."""
    feed.title = _readable(feed.title)
    for entry in feed.entries:
        entry.title, entry.summary, entry.content = map(_readable, (entry.title, entry.summary, entry.content))
        entry.keywords = [keyword for keyword in entry.keywords if _readable(keyword)]
        entry.authors = [author for author in entry.authors if _readable(author)]


def _readable(text: str | None) -> str | None:
    return None if text is None or "\ufffd" in text else text
