"""Bytes to a parse tree, whatever the bytes are.

The parser (libxml2 2.14, as in the wheels of lxml 6) reads a `<` that no letter follows as text, as browsers do,
and ends a branch at 2,048 levels of nesting. What it does not bound itself is bounded here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lxml import etree, html

from rfispider.items import Outcome, Rejection, Related

if TYPE_CHECKING:
    from rfispider.extract.layout import ArticleLayout

Element: TypeAlias = Any
"""An element of lxml, which carries no types."""

MAX_TAGS: Final = 150_000
"""Documents with more `<` are not parsed: a page of the site has 3,000 to 10,000."""
MAX_PAIRS: Final = 250_000_000
"""Bound of the parser's work on attributes, each of which it compares with all others of its tag: 2 ns a pair."""
_LONG_PIECE: Final = 600
"""Bytes from one `<` to the next that may hold a tag with so many attributes that the comparisons count."""
_OPTIONS: Final = {"encoding": "utf-8", "huge_tree": True, "remove_comments": True, "remove_pis": True}
_PARSER: Final = etree.HTMLParser(**_OPTIONS)
_PARSER_OF_HTML: Final = html.HTMLParser(**_OPTIONS)
"""Makes elements that know what is special to HTML, which costs a call of Python for each that is looked at."""

_LANDMARKS: Final = ("body", "article", "h1", "meta", "script", "title", "link", "aside", "base", "template")


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
    """The few elements by which the parts of a page are found, by tag, in document order; none of templates."""
    metas: dict[str, list[str]]
    """Contents of the meta elements as printed, by property or name."""
    base_url: str = ""
    """The absolute URL against which the addresses on the page are resolved."""
    partial: bool = False
    """Whether the page was cut behind its article before it was parsed."""
    layout: "ArticleLayout | None" = None
    """The parts that concern the article once they were found."""
    related: list[Related] | None = None
    """The related links once they were read: the article and the crawl both ask for them."""

    def all(self, tag: str) -> list[Element]:
        """Elements of a tag among the landmarks."""
        return self.landmarks.get(tag, [])

    def meta(self, name: str) -> str:
        """Content of the first meta element of a property or name; empty if there is none."""
        return next(iter(self.metas.get(name, ())), "")


def parsed(body: bytes, *, fragment: bool) -> Document | Rejection:
    """The same as `parse`, or why it cannot be parsed in a reasonable time or at all."""
    if reason := _unparsable(body):
        return Rejection(outcome=Outcome.FAILED, reason=reason)
    try:
        return parse(body, fragment=fragment)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        reason = f"cannot be parsed: {' '.join(str(error).split())[:120]}"
        return Rejection(outcome=Outcome.FAILED, reason=reason)


def parse(body: bytes, *, fragment: bool) -> Document:
    """Parse UTF-8 bytes as a whole page, or as a fragment that gets an html and a body element around it.

    Raises ValueError or an error of lxml for what holds no element at all.
    """
    if fragment:
        body = b"<html><body>" + body + b"</body></html>"
    root = etree.fromstring(body, parser=_PARSER)
    if root is None:
        raise ValueError("no element")
    landmarks = landmarks_of(root)
    return Document(root, body, fragment, landmarks, _metas(landmarks.get("meta", [])))


def landmarks_of(root: Element) -> dict[str, list[Element]]:
    """The elements below a root by which the parts of a page are found; those inside of templates do not count."""
    landmarks: dict[str, list[Element]] = {}
    for element in root.iter(*_LANDMARKS):
        landmarks.setdefault(element.tag, []).append(element)
    if templates := landmarks.get("template"):
        inert = {element for template in templates for element in template.iterdescendants(*_LANDMARKS)}
        return {tag: [each for each in elements if each not in inert] for tag, elements in landmarks.items()}
    return landmarks


def as_html(document: Document) -> Element:
    """The root of a parsed page as an element of lxml.html, which trafilatura needs."""
    return html.document_fromstring(etree.tostring(document.root, encoding="utf-8"), parser=_PARSER_OF_HTML)


def _metas(elements: list[Element]) -> dict[str, list[str]]:
    contents: dict[str, list[str]] = {}
    for element in elements:
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if name and (content := (element.get("content") or "").strip()):
            contents.setdefault(name, []).append(content)
    return contents


def _unparsable(body: bytes) -> str | None:
    """Why the parser would take too long, if so."""
    if _most_pairs(body) <= MAX_PAIRS and len(body) <= MAX_TAGS:
        return None
    if (tags := body.count(b"<")) > MAX_TAGS:
        return f"too many tags: {tags}"
    long = [piece for piece in body.split(b"<")[1:] if len(piece) >= _LONG_PIECE]
    if sum(map(_most_pairs, long)) <= MAX_PAIRS:
        return None
    pairs = 0
    for piece in long:
        pairs += _attributes(piece) ** 2
        if pairs > MAX_PAIRS:
            return "tags with too many attributes"
    return None


def _most_pairs(piece: bytes) -> int:
    """The pairs of attributes for which there is room: one has two bytes at least."""
    return (len(piece) // 2) ** 2


def _attributes(piece: bytes) -> int:
    """Upper bound of the attributes of the tag behind a `<`; what follows a script's tag is not counted.

    A quote left open at the first `>` means that the tag goes on.
    """
    tag = piece[: piece.find(b">")]
    whole = not (tag.count(b'"') % 2 or tag.count(b"'") % 2)
    if whole and piece[:6].lower().startswith((b"script", b"style")):
        piece = tag
    return piece.count(b"=") + piece.count(b"/") + len(piece.split(None, 100_000))
