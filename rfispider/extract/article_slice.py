"""The part of a page up to the end of its article, cut from the bytes before they are parsed.

Most tags of a page stand below its article: lists of other articles, the footer. The parser reads from the top, so
what it makes of the part above does not depend on what follows: a page that ends with its article gives the same
article. Whether an end tag that was found in the bytes is one, and not a string in a script or a part of a comment,
the parser says itself: a marker element is put behind it, and has to come out as an element outside the article.

Of what stands below the article only a few elements concern it (metadata, JSON-LD, a related block): the cut reaches
to the last of them, which a second marker confirms. Where anything is unclear no cut is made, and the whole page is
parsed.

Bytes are searched by StringZilla, which is ten times as fast as `bytes.find`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stringzilla import find, rfind, translate

from rfispider.extract import layout, page_start
from rfispider.extract.html_document import Document, Element
from rfispider.site import selectors

MARKER: Final = "x-end-of-cut"
"""The element that is put behind the article and at the end of the cut; a custom one, so that it closes nothing."""
MAX_ELEMENTS: Final = 2_000
"""Elements of one name inside an article whose tags are matched; no article of the site has so many."""
_LOWER: Final = bytes(range(256)).lower()
_MARKER_TAGS: Final = f"<{MARKER}></{MARKER}>".encode()
_SURE_CLASS: Final = selectors.ARTICLE_CLASSES[0]
_CLASS: Final = selectors.ARTICLE_CLASSES[-1].encode()
_START_TAG: Final = re.compile(rb"<(article|main|section|div)\s[^>]*?" + re.escape(_CLASS))
_BODY_CLASS: Final = selectors.BODY_CLASS.encode()
_RIVAL: Final = re.compile(rb"(?:--article)?[\s\"'>]")
"""What follows the beginning of an article's class where it is the whole class."""
_METADATA: Final = ((b"<meta", b">"), (b"<link", b">"), (b"<base", b">"), (b"ld+json", b"</script>"))
"""What says something of the article wherever it stands, and what it ends with; in lower case."""
_ESCAPED_TYPE: Final = b"/ld&"
_RELATED: Final = selectors.RELATED_ATTRIBUTE.encode()
_RELATED_VALUE: Final = selectors.RELATED_VALUE.encode()
_ATTRIBUTE: Final = 200
"""Bytes behind the name of an attribute among which its value is looked for."""
_BETWEEN_LETTERS: Final = rb"(?:\s|<[^>]*>|&[^;\s]{1,8};)*"


@dataclass(frozen=True, slots=True)
class ArticleSlice:
    """The bytes of a cut page, and what has to be true of their parse for the cut to be right."""

    content: bytes
    markers: int
    """Markers in the content: behind the article, and at the end if the cut reaches further."""
    omits_title: bool
    """A title may stand in what was left out, so that there has to be one in the cut."""
    omits_related: bool
    """A block marked as related may stand there, so that there has to be one in the article."""
    omits_headed: bool
    """A related block with nothing but a heading may stand there, so that there has to be a marked one in the cut."""
    omits_rival: bool
    """An element of an article's class or a heading may stand there, so that this one has to be the surest."""
    omits_article: bool
    """Another article or body may stand there, so that this one has to be of an article's class."""


def of_article(body: bytes, headings: frozenset[str]) -> ArticleSlice | None:
    """The cut of a page that is UTF-8; None if the article is not found by its tags, or too much stands below it.

    `headings` are those of a related block that no attribute marks.
    """
    span = None if find(body, MARKER.encode()) >= 0 else _article(body)
    if span is None:
        return None
    start, end = span
    below = translate(body[end:], _LOWER)
    has_related = _last_related(translate(body[start:end], _LOWER)) >= 0
    has_headed = _has_heading(below, headings)
    if has_headed and not has_related:
        return None
    reach = _reach(below, related_too=not has_related)
    pieces = [page_start.thinned(body, start), body[start:end], _MARKER_TAGS]
    if reach:
        pieces += [body[end : end + reach], _MARKER_TAGS]
    return ArticleSlice(
        content=b"".join(pieces),
        markers=2 if reach else 1,
        omits_title=find(below, b"<title", reach) >= 0,
        omits_related=_last_related(below[reach:]) >= 0,
        omits_headed=has_headed,
        omits_rival=find(below, b"<h1", reach) >= 0 or _has_rival(below, reach),
        omits_article=find(below, b"<article", reach) >= 0 or find(below, _BODY_CLASS, reach) >= 0,
    )


def is_confirmed(cut: ArticleSlice, document: Document, article: Element | None) -> bool:
    """Whether the parse of a cut shows that the parse of the whole page holds the same article."""
    markers = list(document.root.iter(MARKER))
    if article is None or len(markers) != cut.markers or not any(map(layout.is_shown, article.iterdescendants("h1"))):
        return False
    open_elements = list(markers[-1].iterancestors())
    if article in open_elements or any(element.tag == "aside" for element in open_elements):
        return False
    if layout.obstacle(article) is not None:
        return False
    return _lacks_nothing(cut, document, article)


def _lacks_nothing(cut: ArticleSlice, document: Document, article: Element) -> bool:
    """Whether what was left out of a cut does not count, for the cut has better."""
    classes = (article.get("class") or "").split()
    related = list(filter(is_marked_related, document.all("aside")))
    lacks = (
        cut.omits_title and not document.all("title"),
        cut.omits_rival and (article.tag != "article" or _SURE_CLASS not in classes),
        cut.omits_article and set(classes).isdisjoint(selectors.ARTICLE_CLASSES),
        cut.omits_headed and not related,
        cut.omits_related and not any(article in aside.iterancestors() for aside in related),
    )
    return not any(lacks)


def is_marked_related(aside: Element) -> bool:
    """Whether an attribute says that an element is a related block."""
    return selectors.RELATED_VALUE in (aside.get(selectors.RELATED_ATTRIBUTE) or "")


# ---- the article -----------------------------------------------------------------------------------------


def _article(body: bytes) -> tuple[int, int] | None:
    """Where the element of the article seems to begin and to end."""
    for at in _positions(body, _SURE_CLASS.encode(), MAX_ELEMENTS):
        start = rfind(body, b"<", 0, at)
        tag = _START_TAG.match(body, start) if start >= 0 else None
        if tag and tag.end() > at and (end := _end(body, tag[1], start)):
            return start, end
    for start in _positions(body, b"<article", MAX_ELEMENTS):
        if _START_TAG.match(body, start) and (end := _end(body, b"article", start)):
            return start, end
    return None


def _end(body: bytes, name: bytes, start: int) -> int | None:
    """Where the end tag that belongs to a start tag ends, if the tags between are matched."""
    start_tag, end_tag = b"<" + name, b"</" + name + b">"
    opened, closed, depth = start, find(body, end_tag, start), 0
    for _ in range(MAX_ELEMENTS):
        if closed < 0:
            return None
        if 0 <= opened < closed:
            depth += 1
            opened = find(body, start_tag, opened + 1)
        elif depth == 1:
            return int(closed) + len(end_tag)
        else:
            depth -= 1
            closed = find(body, end_tag, closed + 1)
    return None


def _positions(body: bytes, mark: bytes, most: int) -> Iterator[int]:
    """Where a mark stands, for the first of them."""
    at = find(body, mark)
    for _ in range(most):
        if at < 0:
            return
        yield at
        at = find(body, mark, at + len(mark))


# ---- below the article -----------------------------------------------------------------------------------


def _reach(below: bytes, *, related_too: bool) -> int:
    """Bytes below the article up to the end of the last element that concerns it; 0 if there is none."""
    ends = [_end_of_last(below, mark, closing) for mark, closing in _METADATA]
    ends.append(len(below) if find(below, _ESCAPED_TYPE) >= 0 else 0)
    if related_too and (at := _last_related(below)) >= 0:
        ends.append(_end_behind(below, b"</aside>", at))
    return max(ends)


def _end_of_last(below: bytes, mark: bytes, closing: bytes) -> int:
    at = rfind(below, mark)
    return _end_behind(below, closing, at) if at >= 0 else 0


def _end_behind(below: bytes, closing: bytes, at: int) -> int:
    """Where the first closing tag behind a place ends; the end of all if there is none."""
    end = find(below, closing, at)
    return end + len(closing) if end >= 0 else len(below)


def _last_related(part: bytes) -> int:
    """Where the last attribute stands that marks a related block; -1 if there is none."""
    at = rfind(part, _RELATED)
    while at >= 0 and _RELATED_VALUE not in part[at : at + _ATTRIBUTE]:
        at = rfind(part, _RELATED, 0, at)
    return int(at)


def _has_rival(below: bytes, start: int) -> bool:
    """Whether something below the article may have the class of an article."""
    positions = _positions(below[start:], _CLASS, MAX_ELEMENTS)
    return any(_RIVAL.match(below, start + at + len(_CLASS)) for at in positions)


def _has_heading(below: bytes, headings: frozenset[str]) -> bool:
    """Whether one of the headings of a related block may stand below the article, however it is spaced."""
    if find(below, b"<aside") < 0:
        return False
    return any(_is_followed(below, first, rest) for first, rest in _spellings(headings))


def _is_followed(below: bytes, first: bytes, rest: re.Pattern[bytes]) -> bool:
    return any(rest.match(below, at + len(first)) for at in _positions(below, first, MAX_ELEMENTS))


@lru_cache(maxsize=64)
def _spellings(headings: frozenset[str]) -> list[tuple[bytes, re.Pattern[bytes]]]:
    """How each heading begins, in its cases, and a pattern of the rest with whatever markup; ASCII in lower case."""
    spellings = []
    for heading in headings:
        for variant in {heading, heading.lower(), heading.upper(), heading.title()}:
            first_word = variant.split()[0]
            beginning = first_word if first_word.isascii() else first_word[:1]
            letters = variant[len(beginning) :].replace(" ", "")
            pattern = b"".join(_BETWEEN_LETTERS + re.escape(letter.encode().lower()) for letter in letters)
            spellings.append((beginning.encode().lower(), re.compile(pattern)))
    return spellings
