"""Bytes to a parse tree, once for each page, whatever the bytes are.

The parser (libxml2 2.14, as in the wheels of lxml 6) reads a `<` that no letter follows as text, as browsers do,
and ends a branch at 2,048 levels of nesting. What it does not bound itself is bounded here.
"""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lxml import html
from lxml.etree import LxmlError, XMLSyntaxError

from rfispider.extract import article_slice
from rfispider.feeds import encoding
from rfispider.items import Origin, Outcome, Page, Rejection, Related
from rfispider.site import selectors, urls
from rfispider.site.editions import EDITIONS

Element: TypeAlias = Any
"""An element of lxml, which carries no types."""

MAX_BYTES: Final = 24 * 1024 * 1024
"""Larger documents are not parsed. The spider fetches at most 16 MB; an archived file may be larger."""
MAX_TAGS: Final = 150_000
"""Documents with more `<` are not parsed: a page of the site has 3,000 to 10,000."""
MAX_PAIRS: Final = 250_000_000
"""Bound of the parser's work on attributes, each of which it compares with all others of its tag: 2 ns a pair."""
_LONG_PIECE: Final = re.compile(rb"<[^<]{600,}")
"""What may hold a tag with so many attributes that the comparisons count."""
_BINARY: Final = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"ID3",
    b"RIFF",
    b"\x00\x00\x00",
)
_RUN_TOGETHER: Final = re.compile(selectors.RUN_TOGETHER.encode(), re.IGNORECASE)
_FOOTER: Final = re.compile(selectors.ARCHIVER_FOOTER.encode())
_PARSER: Final = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)

_LANDMARKS: Final = (
    "head",
    "body",
    "article",
    "h1",
    "meta",
    "script",
    "title",
    "link",
    "time",
    "aside",
    "main",
    "html",
)


@dataclass(slots=True)
class Document:
    """A parsed page."""

    root: Element
    """The html element."""
    body: bytes
    """The whole document as UTF-8."""
    fragment: bool
    """Whether it is the HTML of an entry and not a whole page."""
    landmarks: dict[str, list[Element]]
    """The few elements by which the parts of a page are found, by tag, in document order."""

    metas: dict[str, list[str]]
    """Contents of the meta elements as printed, by property or name."""
    partial: bool = False
    """Whether only the part that concerns the article was parsed."""
    related: list[Related] | None = None
    """The related links once they were read: the article and the crawl both ask for them."""

    def all(self, tag: str) -> list[Element]:
        """Elements of a tag among the landmarks."""
        return self.landmarks.get(tag, [])

    def meta(self, name: str) -> str:
        """Content of the first meta element of a property or name; empty if there is none."""
        return next(iter(self.metas.get(name, ())), "")


_BEGINNING: Final = 512


def of(page: Page) -> Document | Rejection:
    """The parsed page, or why there is nothing to parse; kept on `page.parsed`.

    Of an article's page it may be the part that concerns the article.
    """
    if not isinstance(page.parsed, Document | Rejection):
        page.parsed = _read(page, whole=not urls.is_article(urls.kind(page.url)))
    parsed: Document | Rejection = page.parsed
    return parsed


def whole(page: Page) -> Document | Rejection:
    """The whole page parsed, with everything around an article; kept as well."""
    parsed = of(page)
    if isinstance(parsed, Document) and parsed.partial:
        page.parsed = parsed = _read(page, whole=True)
    return parsed


def _read(page: Page, *, whole: bool) -> Document | Rejection:
    # Stripping copies: a beginning that is not blank says enough of a page of 300 KB.
    if not page.body[:_BEGINNING].removeprefix(BOM_UTF8).strip() and not page.body.removeprefix(BOM_UTF8).strip():
        return _rejected(Outcome.EMPTY, "no content")
    if _is_binary(page.body):
        return _rejected(Outcome.NOT_ARTICLE, "not HTML but binary data")
    if len(page.body) > MAX_BYTES:
        return _rejected(Outcome.FAILED, f"too large: {len(page.body)} bytes")
    fragment = page.origin in (Origin.FEED, Origin.ARCHIVE)
    body = encoding.utf8(page.body, page.encoding)
    part = None if fragment or whole else article_slice.of_article(body, related_words(page.url))
    parsed = _parsed(part or (_mended(body) if fragment else body), fragment=fragment)
    if isinstance(parsed, Document):
        parsed.body, parsed.partial = body, part is not None
    return parsed


def related_words(url: str) -> frozenset[str]:
    """Headings of the related block in the edition of a URL."""
    edition = EDITIONS.get(urls.edition(url) or "")
    return frozenset(edition.related_words) if edition else frozenset()


def _parsed(body: bytes, *, fragment: bool) -> Document | Rejection:
    if reason := _unparsable(body):
        return _rejected(Outcome.FAILED, reason)
    try:
        return parse(body, fragment=fragment)
    except (LxmlError, XMLSyntaxError, ValueError, AssertionError) as error:
        return _rejected(Outcome.FAILED, f"cannot be parsed: {' '.join(str(error).split())[:120]}")


def parse(body: bytes, *, fragment: bool) -> Document:
    """Parse UTF-8 bytes as a whole page, or as a fragment that gets an html and a body element around it.

    Raises lxml's errors for what holds no element at all.
    """
    if fragment:
        body = b"<html><body>" + body + b"</body></html>"
    root = html.document_fromstring(body, parser=_PARSER)
    landmarks: dict[str, list[Element]] = {}
    for element in root.iter(*_LANDMARKS):
        landmarks.setdefault(element.tag, []).append(element)
    return Document(root, body, fragment, landmarks, _metas(landmarks.get("meta", [])))


def _metas(elements: list[Element]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in elements:
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if name and (content := (element.get("content") or "").strip()):
            found.setdefault(name, []).append(content)
    return found


def _mended(body: bytes) -> bytes:
    """A fragment without the archiver's footer, its tags and attributes set apart again."""
    if footer := _FOOTER.search(body):
        body = body[: footer.start()]
    return _RUN_TOGETHER.sub(rb"<\1 \2", body)


def _is_binary(body: bytes) -> bool:
    return body.startswith(_BINARY) or encoding.is_binary(body)


def _unparsable(body: bytes) -> str | None:
    """Why the parser would take too long, if so."""
    if (tags := body.count(b"<")) > MAX_TAGS:
        return f"too many tags: {tags}"
    pairs = 0
    for found in _LONG_PIECE.finditer(body):
        pairs += _attributes(found[0]) ** 2
        if pairs > MAX_PAIRS:
            return "tags with too many attributes"
    return None


def _attributes(piece: bytes) -> int:
    """Upper bound of the attributes of the tag that a piece begins with; what follows a script's tag is not counted.

    A quote left open at the first `>` means that the tag goes on.
    """
    tag = piece[: piece.find(b">")]
    whole = not (tag.count(b'"') % 2 or tag.count(b"'") % 2)
    if whole and piece[1:7].lower().startswith((b"script", b"style")):
        piece = tag
    return piece.count(b"=") + piece.count(b"/") + len(piece.split(None, 100_000))


def _rejected(outcome: Outcome, reason: str) -> Rejection:
    return Rejection(outcome=outcome, reason=reason)
