"""The XML dialects of feeds, interpreted by feedparser: each entry is parsed once, and on its own."""

import io
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias
from xml.sax.xmlreader import AttributesNSImpl

from feedparser.api import StrictFeedParser

from rfispider.feeds import plain_text, xml_parts, xml_repair
from rfispider.feeds.entry_builder import Media, article, audio, picture, with_times
from rfispider.feeds.result import MAX_FEED_ENTRIES, FeedError, ParsedFeed, left_out
from rfispider.feeds.xml_parts import Part
from rfispider.feeds.xml_source import FEED_ROOTS, XmlSource
from rfispider.items import Entry
from rfispider.site.dates import duration_s
from rfispider.site.web_address import web_address

Interpreted: TypeAlias = Any
"""An entry as feedparser understands it, which carries no types."""

_MAX_ELEMENTS: Final = 60_000
"""Elements of all entries of a feed; the feed parser takes 2-3 seconds for so many."""
_MAX_HEAD: Final = 256 * 1024
"""Bytes of the beginning of a feed that are parsed for its title and base address."""


def read(text: str, url: str) -> ParsedFeed:
    """Read an RSS, RDF or Atom feed that was fetched from `url`; raises FeedError when it is none."""
    source = XmlSource(io.BytesIO(text.encode("utf-8", "replace")))
    if source.root == "html":
        raise FeedError("an HTML page, not a feed")
    if source.root not in FEED_ROOTS:
        raise FeedError(f"no feed: its root element is <{source.root}>")
    head = source.head[:_MAX_HEAD].decode("utf-8", "replace")
    reader = _Reader(head, url)
    entries = list(reader.entries(source))
    unaddressed = "none of its entries has a web address" if reader.was_given_any and not entries else None
    lenient = f"{reader.fault}; read leniently" if reader.fault else None
    problems = (source.problem, lenient, unaddressed, left_out(reader.left_out))
    return ParsedFeed(entries=entries, title=reader.title, problem="; ".join(filter(None, problems)) or None)


class _Reader:
    """Reads the entries of one feed."""

    def __init__(self, head: str, url: str) -> None:
        self.fault: str | None = None
        """What was wrong with the first entry that had to be mended."""
        self.was_given_any = False
        """Whether there were entries at all."""
        self.left_out = 0
        """Entries for which there was no room."""
        self._url = url
        self._namespaces = xml_repair.namespaces(head)
        root, _ = xml_repair.element(head, self._namespaces)
        self.title = plain_text.title(xml_parts.title_of(root)) if root is not None else None
        self._attributes = xml_parts.attributes_of(root) if root is not None else {}

    def entries(self, source: Iterable[bytes]) -> Iterator[Entry]:
        room = _MAX_ELEMENTS
        for number, piece in enumerate(source):
            self.was_given_any = True
            if room <= 0 or number >= MAX_FEED_ENTRIES:
                self.left_out += 1
                continue
            element, fault = xml_repair.element(piece.decode("utf-8", "replace"), self._namespaces)
            self.fault = self.fault or fault
            if element is None:
                continue
            parts = xml_parts.parts_of(element)
            room -= 1 + len(parts)
            interpreted = _interpreted(parts, xml_parts.attributes_of(element), self._attributes)
            if interpreted and (entry := _entry(interpreted, self._url)):
                yield entry


def _interpreted(parts: list[Part], attributes: dict[str, str], outer: dict[str, str]) -> Interpreted | None:
    """Let feedparser interpret an entry; markup stays as printed, since extraction knows it by its classes.

    None if it cannot: whatever it trips over, an entry must not cost the feed.
    """
    handler = StrictFeedParser("", None, "utf-8")
    handler.sanitize_html = handler.resolve_relative_uris = False
    for prefix, uri in xml_repair.PREFIXES.items():
        handler.startPrefixMapping(prefix, uri)
    try:
        _start(handler, "feed", outer)
        _start(handler, "entry", attributes)
        for part in parts:
            _start(handler, part.name, part.attributes)
            handler.characters(part.text)
            handler.endElementNS((None, part.name), part.name)
        handler.endElementNS((None, "entry"), "entry")
    except Exception:  # noqa: BLE001 - feedparser names no errors of its own
        return None
    return handler.entries[0]


def _start(handler: Interpreted, name: str, attributes: dict[str, str]) -> None:
    values: dict[tuple[str | None, str], str] = {(None, key): value for key, value in attributes.items()}
    handler.startElementNS((None, name), name, AttributesNSImpl(values, {key: key[1] for key in values}))


def _entry(parsed: Interpreted, base: str) -> Entry | None:
    url = web_address(parsed.get("link"), base)
    if url is None:
        return None
    encoded = [part.get("value", "") for part in parsed.get("content", ())]
    content, summary, first_picture = article(encoded, parsed.get("summary"))
    media = _media(parsed, base)
    entry = Entry(
        url=url,
        title=plain_text.title(parsed.get("title")),
        summary=summary,
        content=content,
        image=picture(url, media, first_picture),
        audio=audio(url, media, duration_s(parsed.get("itunes_duration"))),
        keywords=plain_text.names(tag.get("term") or tag.get("label") for tag in parsed.get("tags", ())),
        authors=plain_text.names(author.get("name") for author in parsed.get("authors", ())),
    )
    # feedparser answers for a time that is not there with the other one
    published, modified = (parsed.get(name) if name in parsed else None for name in ("published", "updated"))
    return with_times(entry, published=published, modified=modified)


def _media(parsed: Interpreted, base: str) -> list[Media]:
    """The files of an entry, in the order in which they are preferred as its picture."""
    contents = [Media.of(part) for part in parsed.get("media_content", ())]
    contents.sort(key=lambda media: -media.width)
    thumbnails = [Media.of({"medium": "image", **part}) for part in parsed.get("media_thumbnail", ())]
    enclosed = (link for link in parsed.get("links", ()) if link.get("rel") == "enclosure")
    enclosures = [Media.of({**link, "href": web_address(link.get("href"), base)}) for link in enclosed]
    cover = parsed.get("image")
    covers = [Media.of({"medium": "image", **cover})] if isinstance(cover, dict) else []
    return contents + thumbnails + enclosures + covers
