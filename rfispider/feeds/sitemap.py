"""Sitemaps, news sitemaps and sitemap indexes, read as a stream (https://www.sitemaps.org/protocol.html)."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import IO, Any, Protocol, cast

from lxml import etree

from rfispider.feeds import plain_text
from rfispider.feeds.entry_builder import with_times
from rfispider.feeds.result import FeedError
from rfispider.items import Entry
from rfispider.site.web_address import web_address

MAX_BYTES = 50 * 1024 * 1024
"""Unpacked; the protocol allows no more."""
_MAX_ELEMENTS = 2_000
"""Elements about one URL; the protocol's largest case, a thousand pictures, stays below."""
_MAX_TEXT = 8192
"""Characters of one text, well over the longest address."""
_GZIP = b"\x1f\x8b"
_WHOLE = {"urlset": "url", "sitemapindex": "sitemap"}
_DAMAGE = (StopIteration, etree.XMLSyntaxError, EOFError, zlib.error, OSError, ValueError)


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Unpacked(Protocol):
    def read1(self, size: int = -1, /) -> bytes: ...


class Sitemap:
    """A sitemap that is being read: iterate over it once for its entries.

    What is damaged or too large is read as far as it goes; `problem` then says so when the iteration is over.
    """

    def __init__(self, source: _Readable) -> None:
        """Open a sitemap; raises FeedError when it is none."""
        self.problem: str | None = None
        """One line on what went wrong, or None."""
        self._events = etree.iterparse(
            source,
            events=("start", "end"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            recover=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )
        self._root = self._opened()
        self.is_index = _name(self._root) == "sitemapindex"
        """Whether the entries are further sitemaps, with the time of their last change, and not pages."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in the order of the document."""
        try:
            yield from self._read()
        except _DAMAGE as error:
            self.problem = f"damaged, read up to there ({' '.join(str(error).split()):.200})"

    def _opened(self) -> Any:  # noqa: ANN401 - lxml carries no types
        try:
            _, root = next(self._events)
        except _DAMAGE as error:
            raise FeedError(f"not XML: {error}") from error
        if _name(root) not in _WHOLE:
            raise FeedError(f"no sitemap: its root element is <{_name(root):.60}>")
        return root

    def _read(self) -> Iterator[Entry]:
        wanted, elements = _WHOLE[_name(self._root)], 0
        for event, element in self._events:
            elements += event == "start"
            if elements > _MAX_ELEMENTS:
                raise ValueError(f"more than {_MAX_ELEMENTS:,} elements about one URL")
            if event == "end" and element.getparent() is self._root:
                if _name(element) == wanted and (entry := _entry(element)):
                    yield entry
                element.clear()
                while element.getprevious() is not None:  # those after it are being built already
                    del self._root[0]
                elements = 0


class _Capped:
    """A stream that fails after `MAX_BYTES`, so that a small file cannot unpack without end."""

    def __init__(self, stream: _Unpacked) -> None:
        self._stream = stream
        self._left = MAX_BYTES

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read1(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError(f"over {MAX_BYTES:,} bytes unpacked")
        return piece


def sitemap(source: bytes | IO[bytes]) -> Sitemap:
    """Open a sitemap, a news sitemap or a sitemap index, plain or gzipped (told by its first bytes).

    Memory stays flat: about one URL is held at a time. No entity is expanded and nothing is fetched. A stream is
    closed at the end.
    Raises FeedError when it is none; see `Sitemap` for one that is damaged further on.
    """
    raw = io.BytesIO(source) if isinstance(source, bytes) else source
    stream = io.BufferedReader(cast("io.RawIOBase", raw))
    if not stream.peek(1):
        raise FeedError("empty")
    unpacked: _Unpacked = gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP else stream
    return Sitemap(_Capped(unpacked))


def _name(element: Any) -> str:  # noqa: ANN401 - lxml carries no types
    return str(element.tag).rpartition("}")[2].lower()


def _entry(element: Any) -> Entry | None:  # noqa: ANN401 - lxml carries no types
    told: dict[str, str] = {}
    for part in element.iter(etree.Element):
        if part.text and part.text.strip():
            about = "image:" if _name(part.getparent()) == "image" else ""
            told.setdefault(about + _name(part), part.text[:_MAX_TEXT])
    url = web_address(told.get("loc"))
    if url is None:
        return None
    entry = Entry(
        url=url,
        title=plain_text.title(told.get("title")),
        image=web_address(told.get("image:loc"), url),
        keywords=plain_text.names(told.get("keywords", "").split(",")),
    )
    return with_times(entry, published=told.get("publication_date"), modified=told.get("lastmod"))
