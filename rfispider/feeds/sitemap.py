"""Sitemaps, news sitemaps and sitemap indexes, read as a stream (https://www.sitemaps.org/protocol.html)."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

from lxml import etree

from rfispider.feeds import encoding, plain_text, xml_repair
from rfispider.feeds.entry_builder import with_times
from rfispider.feeds.packing import Unpacked
from rfispider.feeds.result import FeedError
from rfispider.feeds.xml_repair import Element
from rfispider.feeds.xml_source import SITEMAP_ROOTS, XmlSource
from rfispider.items import Entry
from rfispider.site.web_address import web_address

MAX_SITEMAP_BYTES: Final = 50 * 1024 * 1024
"""Unpacked; the protocol allows no more."""
MAX_SITEMAP_ENTRIES: Final = 50_000
"""Entries of one sitemap that are read; the protocol allows no more."""
_MAX_ELEMENTS: Final = 2_000
"""Elements about one URL; the protocol's largest case, a thousand pictures, stays below."""
_MAX_TEXT: Final = 8192
"""Characters of one text, well over the longest address."""


class Sitemap:
    """A sitemap that is being read: iterate over it once for its entries.

    What is damaged is mended or left out, entry by entry; `problem` then says so when the iteration is over.
    """

    def __init__(self, source: XmlSource, charset: str | None) -> None:
        """Take an open document; raises FeedError when it is no sitemap."""
        if source.root not in SITEMAP_ROOTS:
            raise FeedError(f"no sitemap: its root element is <{source.root}>")
        self.is_index = source.root == "sitemapindex"
        """Whether the entries are further sitemaps, with the time of their last change, and not pages."""
        self._source = source
        self._charset = charset
        self._is_cut = False
        self._faults = 0
        self._first_fault: str | None = None

    @property
    def problem(self) -> str | None:
        """One line on what went wrong, or None."""
        mended = f"{self._faults:,} entries mended or left out ({self._first_fault})" if self._faults else None
        cut = f"more than {MAX_SITEMAP_ENTRIES:,} entries, the others are left out" if self._is_cut else None
        faults = "; ".join(filter(None, (self._source.problem, cut, mended)))
        return f"damaged: {faults}" if faults else None

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in the order of the document."""
        namespaces = xml_repair.namespaces(self._decoded(self._source.head))
        for number, piece in enumerate(self._source):
            if number >= MAX_SITEMAP_ENTRIES:
                self._is_cut = True
                return
            entry, fault = _read(self._decoded(piece), namespaces)
            if fault:
                self._faults += 1
                self._first_fault = self._first_fault or fault
            if entry:
                yield entry

    def _decoded(self, source: bytes) -> str:
        return encoding.utf8(source, self._charset).decode()


def sitemap(source: bytes | IO[bytes], charset: str | None = None) -> Sitemap:
    """Open a sitemap, a news sitemap or a sitemap index, plain or gzipped (known by its first bytes).

    `charset` is that of the HTTP header, if there was one. Memory stays flat: about one URL is held at a time. No
    entity is expanded and nothing is fetched.
    Raises FeedError when it is none; see `Sitemap` for one that is damaged further on.

    >>> [entry.url for entry in sitemap(b"<urlset><url><loc>https://www.rfi.fr/en/?a&b</loc></url></urlset>")]
    ['https://www.rfi.fr/en/?a&b']
    """
    return Sitemap(_opened(source), charset)


def is_sitemap(body: bytes) -> bool:
    """Whether a document is a sitemap of any kind by its root element, wherever it was fetched from.

    >>> is_sitemap(b" <!-- made by a machine --><urlset/>"), is_sitemap(b"<rss/>")
    (True, False)
    """
    try:
        return _opened(body).root in SITEMAP_ROOTS
    except FeedError:
        return False


def _opened(source: bytes | IO[bytes]) -> XmlSource:
    stream = Unpacked(source, MAX_SITEMAP_BYTES)
    wide, _ = encoding.wide_characters(stream.beginning(4))
    return XmlSource(io.BytesIO(encoding.utf8(stream.whole())) if wide else stream)


def _read(source: str, namespaces: str) -> tuple[Entry | None, str | None]:
    """The entry that a piece of a sitemap is the source of, and what is wrong with it."""
    element, fault = xml_repair.element(source, namespaces)
    if element is None:
        return None, fault or "no element"
    if _is_too_large(element):
        return None, f"more than {_MAX_ELEMENTS:,} elements about one URL"
    entry = _entry(element)
    return entry, fault if entry else fault or "no web address"


def _is_too_large(element: Element) -> bool:
    return next(islice(element.iter(etree.Element), _MAX_ELEMENTS, None), None) is not None


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _entry(element: Element) -> Entry | None:
    texts: dict[str, str] = {}
    for part in element.iterdescendants(etree.Element):
        if part.text and not part.text.isspace():
            about = "image:" if _name(part.getparent()) == "image" else ""
            texts.setdefault(about + _name(part), part.text[:_MAX_TEXT])
    url = web_address(texts.get("loc"))
    if url is None:
        return None
    entry = Entry(
        url=url,
        title=plain_text.title(texts.get("title")),
        image=web_address(texts.get("image:loc"), url),
        keywords=plain_text.names(texts.get("keywords", "").split(",")),
    )
    return with_times(entry, published=texts.get("publication_date"), modified=texts.get("lastmod"))
