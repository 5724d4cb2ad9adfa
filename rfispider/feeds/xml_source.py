"""An XML document as its root and the source text of each of its entries, read as a stream.

Feeds and sitemaps are lists of entries, and often damaged. Cut into entries, damage of one is damage of that one:
each is parsed, and mended, on its own. Where a document is well-formed the cuts are exact: in XML a `<` is a tag but
in comments, CDATA sections and processing instructions, which are passed over.
"""

import re
from collections.abc import Iterator
from typing import Final, Protocol

from rfispider.feeds.packing import DAMAGE
from rfispider.feeds.result import FeedError

_ENTRY_OF_ROOT: Final = {
    "rss": "item",
    "rdf": "item",
    "channel": "item",
    "feed": "entry",
    "urlset": "url",
    "sitemapindex": "sitemap",
}
"""Name of the root element -> that of its entries."""
SITEMAP_ROOTS: Final = frozenset({"urlset", "sitemapindex"})
FEED_ROOTS: Final = frozenset(_ENTRY_OF_ROOT) - SITEMAP_ROOTS

_CHUNK: Final = 64 * 1024
_MAX_PREAMBLE: Final = 1024 * 1024
"""Bytes before the root element that are looked through for it."""
_MAX_OPENINGS: Final = 20
"""How often a section may seem to be opened inside itself."""
_MAX_STRAYS: Final = 10_000
"""Sections that are opened and not closed in one document; more are a flood."""
_PREFIX: Final = rb"(?:[\w.-]{1,100}:)?"
_KNOWN_ROOT: Final = re.compile(
    rb"<!--|<(" + _PREFIX + rb"(?:html|" + "|".join(_ENTRY_OF_ROOT).encode() + rb"))(?=[\s/>])[^<>]*>", re.IGNORECASE
)
_ANY_TAG: Final = re.compile(rb"<([A-Za-z_][\w.:-]{0,59})[^<>]*>?")
_OPENINGS: Final = rb"<!--|<!\[CDATA\[|<\?|"
_PROLOGUE: Final = re.compile(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_DECLARED_ENTITY: Final = re.compile(rb"<!ENTITY\b")
_SECTIONS: Final = {
    b"<!--": re.compile(rb"-->|(?P<opening><!--)"),
    b"<![CDATA[": re.compile(rb"\]\]>|(?P<opening><!\[CDATA\[)"),
    b"<?": re.compile(rb"\?>|(?P<opening><\?)"),
}
"""Opening mark of what holds no tags -> how it ends."""
_BLANK: Final = b"\xef\xbb\xbf \t\r\n\x00"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class XmlSource:
    """A document that is being read: iterate over it once for the source of its entries."""

    def __init__(self, stream: Readable) -> None:
        """Open a document at its root element: the first that is known, else the first.

        Raises:
            FeedError: there is no element in it.

        """
        self.problem: str | None = None
        """One line on what is wrong with the document outside of its entries."""
        self._stream = stream
        self._buffer = bytearray()
        self._ended = False
        self._strays = 0
        self._tags = _ANY_TAG
        self._no_more: set[re.Pattern[bytes]] = set()
        """What was looked for up to the end of the document, and is not there."""
        root = self._root_tag()
        if root is None:
            raise FeedError(f"not XML{': ' * bool(self.problem)}{self.problem or ''}")
        tag, name = bytes(root[0]), bytes(root[1])
        self.root = name.rpartition(b":")[2].decode("ascii", "replace").lower()
        """Local name of the root element in small letters."""
        self._note_preamble(bytes(self._buffer[: root.start()]))
        del self._buffer[: root.start()]
        self._tags = _tags(name, _ENTRY_OF_ROOT.get(self.root, self.root).encode())
        self._tokens = re.compile(_OPENINGS + self._tags.pattern, re.IGNORECASE)
        self._over = self.root not in _ENTRY_OF_ROOT or tag.endswith(b"/>")
        self._at = len(tag)
        first = self._next_start()
        self.head = bytes(self._buffer[: first.start() if first else self._at])
        """The root's start tag, and what stands between it and the first entry."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the source of each entry, its tags included, in the order of the document."""
        while (piece := self._next_entry()) is not None:
            yield piece

    # ---- The root ---------------------------------------------------------------------------------------------

    def _root_tag(self) -> re.Match[bytes] | None:
        at = 0
        while (tag := self._search(_KNOWN_ROOT, at, limit=_MAX_PREAMBLE)) and tag[1] is None:
            at = self._after(b"<!--", tag.end())
        return tag or _ANY_TAG.search(_PROLOGUE.sub(_blanked, self._buffer))

    def _note_preamble(self, preamble: bytes) -> None:
        if _DECLARED_ENTITY.search(preamble):
            self._note("declares entities of its own, left unexpanded")
        elif _PROLOGUE.sub(b"", preamble).strip(_BLANK):
            self._note("text before the XML")

    # ---- Entries ----------------------------------------------------------------------------------------------

    def _next_entry(self) -> bytes | None:
        start = self._next_start()
        if start is None:
            return None
        at, empty = start.start(), start[0].endswith(b"/>")
        end = start.end() if empty else self._end_of(start["name"], start.end())
        if end is None:
            self._over = True
            self._note("not well-formed: it breaks off in an entry")
            return None
        piece = bytes(self._buffer[at:end])
        del self._buffer[:end]
        self._at = 0
        return piece

    def _next_start(self) -> re.Match[bytes] | None:
        """The start tag of the next entry; where there is none the document is over, and should be closed."""
        is_closed = self._over
        while not self._over:
            tag = self._next_tag(self._at)
            if tag is None:
                self._over = True
            elif tag["name"] and not tag["end"]:
                return tag
            else:
                is_closed = is_closed or tag["outer"] is not None
                self._at = tag.end()
        if not is_closed:
            self._note("not well-formed: it breaks off")
        return None

    def _end_of(self, name: bytes, at: int) -> int | None:
        """Where an entry ends: after its end tag, or before the next entry or the end of the list; None if nowhere."""
        while token := self._next_tag(at):
            if token["outer"]:
                return token.start()
            if token["name"] == name:
                return token.end() if token["end"] else token.start()
            at = token.end()
        return None

    def _next_tag(self, at: int) -> re.Match[bytes] | None:
        """The next tag of an entry or of the list that stands in no comment, CDATA section or instruction."""
        while token := self._search(self._tokens, at):
            if token["name"] or token["outer"]:
                return token
            at = self._after(bytes(token[0]), token.end())
        return None

    def _after(self, opening: bytes, at: int) -> int:
        """Where a comment, CDATA section or instruction ends whose opening mark ends at `at`.

        One that is never closed is none, nor is one that is opened again after the tag of an entry: it was to end
        before, with the entry that it stands in. What is none is passed over as far as no such tag stands in it.
        """
        passed = at
        for _ in range(_MAX_OPENINGS):
            mark = self._search(_SECTIONS[opening], passed)
            if mark and not mark["opening"]:
                return mark.end()
            if mark is None or self._tags.search(self._buffer, passed, mark.start()):
                break
            passed = mark.end()
        self._strays += 1
        if self._strays > _MAX_STRAYS:
            self._note(f"damaged: more than {_MAX_STRAYS:,} sections that are opened and not closed")
            self._ended = True
            self._buffer.clear()
        return passed

    # ---- The stream -------------------------------------------------------------------------------------------

    def _search(self, pattern: re.Pattern[bytes], at: int, limit: int | None = None) -> re.Match[bytes] | None:
        """The next match that the end of the document, so far as it was read, does not cut short."""
        if pattern in self._no_more:
            return None
        while True:
            match = pattern.search(self._buffer, at)
            if self._ended or (match and match.end() < len(self._buffer)):
                break
            if limit and len(self._buffer) > limit:
                return match
            self._fill()
        if match is None:
            self._no_more.add(pattern)
        return match

    def _fill(self) -> None:
        """Read as much again as there is, so that nothing is looked through more than a few times."""
        target = len(self._buffer) + max(_CHUNK, len(self._buffer))
        try:
            while len(self._buffer) < target and not self._ended:
                piece = self._stream.read(_CHUNK)
                self._ended = not piece
                self._buffer += piece
        except DAMAGE as error:
            self._ended = True
            self._note(f"damaged, read up to there ({' '.join(str(error).split()):.200})")

    def _note(self, problem: str) -> None:
        self.problem = self.problem or problem


def _tags(root: bytes, entry: bytes) -> re.Pattern[bytes]:
    """The tags of entries, and the end tags of what holds them; entries have the prefix of the root but in RDF."""
    prefix = _PREFIX if root.lower().endswith(b"rdf") else re.escape(root[: root.rfind(b":") + 1])
    return re.compile(
        rb"<(?P<end>/?)(?P<name>" + prefix + entry + rb")(?=[\s/>])[^<>]*>"
        rb"|</(?P<outer>" + re.escape(root) + rb"|channel)\s*>",
        re.IGNORECASE,
    )


def _blanked(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])
