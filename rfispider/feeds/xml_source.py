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
_MAX_FALSE_OPENINGS: Final = 20
"""Openings of a CDATA section inside another that are passed over in search of its end."""
_PREFIX: Final = rb"(?:[\w.-]{1,100}:)?"
_KNOWN_ROOT: Final = re.compile(
    rb"<!--|<(" + _PREFIX + rb"(?:html|" + "|".join(_ENTRY_OF_ROOT).encode() + rb"))(?=[\s/>])[^<>]*>", re.IGNORECASE
)
_ANY_TAG: Final = re.compile(rb"<([A-Za-z_][\w.:-]{0,59})[^<>]*>?")
_OPENINGS: Final = rb"<!--|<!\[CDATA\[|<\?|"
_PROLOGUE: Final = re.compile(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_DECLARED_ENTITY: Final = re.compile(rb"<!ENTITY\b")
_COMMENT_END: Final = re.compile(rb"-->|<!--")
_CDATA_END: Final = re.compile(rb"\]\]>|<!\[CDATA\[")
_INSTRUCTION_END: Final = re.compile(rb"\?>")
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
        self._skip_to_entry()
        self.head = bytes(self._buffer[: self._at])
        """The root's start tag, and what stands between it and the first entry."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the source of each entry, its tags included, in the order of the document."""
        while (piece := self._next_entry()) is not None:
            yield piece

    # ---- The root ---------------------------------------------------------------------------------------------

    def _root_tag(self) -> re.Match[bytes] | None:
        at = 0
        while (tag := self._search(_KNOWN_ROOT, at, limit=_MAX_PREAMBLE)) and tag[1] is None:
            at = self._after_comment(tag.end())
        return tag or _ANY_TAG.search(_PROLOGUE.sub(_blanked, self._buffer))

    def _note_preamble(self, preamble: bytes) -> None:
        if _DECLARED_ENTITY.search(preamble):
            self._note("declares entities of its own, left unexpanded")
        elif _PROLOGUE.sub(b"", preamble).strip(_BLANK):
            self._note("text before the XML")

    # ---- Entries ----------------------------------------------------------------------------------------------

    def _next_entry(self) -> bytes | None:
        self._skip_to_entry()
        if self._over:
            return None
        del self._buffer[: self._at]
        self._at = 0
        start = self._next_tag(0)
        assert start is not None  # noqa: S101 - it was skipped to
        end = start.end() if start[0].endswith(b"/>") else self._end_of(start["name"], start.end())
        if end is None:
            self._over = True
            self._note("not well-formed: it breaks off in an entry")
            return None
        self._at = end
        return bytes(self._buffer[:end])

    def _skip_to_entry(self) -> None:
        """Go to the start tag of the next entry; where there is none the document is over, and should be closed."""
        closed = self._over
        while not self._over:
            tag = self._next_tag(self._at)
            if tag is None:
                self._over = True
            elif tag["name"] and not tag["end"]:
                self._at = tag.start()
                return
            else:
                closed = closed or tag["outer"] is not None
                self._at = tag.end()
        if not closed:
            self._note("not well-formed: it breaks off")

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
            at = self._after(token)
        return None

    def _after(self, opening: re.Match[bytes]) -> int:
        if opening[0] == b"<!--":
            return self._after_comment(opening.end())
        if opening[0] == b"<?":
            end = self._search(_INSTRUCTION_END, opening.end())
            return end.end() if end else opening.end()
        return self._after_cdata(opening.end())

    def _after_comment(self, at: int) -> int:
        """Where a comment that was opened ends; one that is opened again, or never closed, is none."""
        end = self._search(_COMMENT_END, at)
        return end.end() if end and end[0] == b"-->" else at

    def _after_cdata(self, at: int) -> int:
        """Where a CDATA section ends; one that is never closed, or after another entry has begun, is none."""
        looked_through = at
        for _ in range(_MAX_FALSE_OPENINGS):
            end = self._search(_CDATA_END, looked_through)
            if end and end[0] == b"]]>":
                return end.end()
            if end is None or self._tags.search(self._buffer, looked_through, end.start()):
                break
            looked_through = end.end()
        return at

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
        wanted = len(self._buffer) + max(_CHUNK, len(self._buffer))
        try:
            while len(self._buffer) < wanted and not self._ended:
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
