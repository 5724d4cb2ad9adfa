"""The part of a page that concerns its article, cut out of the bytes before they are parsed.

A page of the site weighs 100 to 350 KB, its article 5 to 40. What is needed besides the article's element is what
the page says of itself in its head and in JSON-LD, and the block of related articles. The cut is made only where
the bytes leave no doubt; everywhere else the whole page is parsed.

Marks are looked for by StringZilla, for half of what the cut cost was searching by Python's own `find`.
"""

from collections.abc import Iterator
from typing import Final

from stringzilla import find, rfind

from rfispider.site import selectors

MAX_ARTICLES: Final = 200
"""Elements of one page that are looked at: pages use the same element for the items of lists."""
_OPEN: Final = b"<article"
_CLOSE: Final = b"</article>"
_CLASS: Final = selectors.ARTICLE_CLASSES[-1].encode()
_HEADLINE: Final = b"<h1"
_HEAD_END: Final = b"</head>"
_JSON_LD: Final = b"application/ld+json"
_SCRIPT: Final = b"<script"
_SCRIPT_END: Final = b"</script>"
_RELATED: Final = selectors.RELATED_ATTRIBUTE.encode()
_RELATED_VALUE: Final = selectors.RELATED_VALUE.encode()
_TAG: Final = 2000
"""Bytes of the longest tag in which a class or type is looked for."""

Span = tuple[int, int]
"""Two offsets into the bytes."""


def of_article(body: bytes, words: frozenset[str]) -> bytes | None:
    """The head, the JSON-LD, the article and the related block of a page as a page of their own.

    None if the article cannot be told by its tags alone, or if one of the words that head a related block stands
    outside the article and no attribute marks the block.
    """
    head = find(body, _HEAD_END)
    span = _article(body, head) if head >= 0 else None
    if span is None or find(body, _HEADLINE, *span) < 0:
        return None
    related = list(_related(body, head, span))
    if not related and _has_words(body, span, words):
        return None
    scripts = _data(body, head + len(_HEAD_END), span)
    pieces = [_lean_head(body, head), b"</head><body>", *(body[a:b] for a, b in (*scripts, span, *related))]
    return b"".join((*pieces, b"</body></html>"))


def _article(body: bytes, start: int) -> Span | None:
    """Where the element of the article begins and ends; None if its tags do not match."""
    opened, closed = _positions(body, _OPEN, start), _positions(body, _CLOSE, start)
    if not opened or len(opened) != len(closed) or len(opened) > MAX_ARTICLES:
        return None
    for n, position in enumerate(opened):
        tag_end = find(body, b">", position, position + _TAG)
        if tag_end > 0 and _CLASS in body[position:tag_end]:
            end = _matching(opened[n:], closed)
            return (position, end + len(_CLOSE)) if end else None
    return None


def _matching(opened: list[int], closed: list[int]) -> int | None:
    """The end tag that belongs to the first start tag."""
    depth = 0
    marks = sorted([(at, 1) for at in opened] + [(at, -1) for at in closed if at > opened[0]])
    for at, step in marks:
        depth += step
        if depth == 0:
            return at
    return None


def _positions(body: bytes, mark: bytes, start: int) -> list[int]:
    """Where a mark stands: at most one time more than an article may."""
    found: list[int] = []
    while (start := find(body, mark, start)) >= 0 and len(found) <= MAX_ARTICLES:
        found.append(start)
        start += len(mark)
    return found


def _related(body: bytes, start: int, article: Span) -> Iterator[Span]:
    """Asides outside the article that an attribute marks as related."""
    for at in _positions(body, _RELATED, start):
        if article[0] <= at < article[1] or _RELATED_VALUE not in body[at : at + 80].split(b">")[0]:
            continue
        begin, end = rfind(body, b"<aside", 0, at), find(body, b"</aside>", at)
        if begin >= 0 and at - begin < _TAG and end >= 0:
            yield begin, end + len(b"</aside>")


def _has_words(body: bytes, article: Span, words: frozenset[str]) -> bool:
    """Whether the heading of a related block stands outside the article, and no link of such a block inside."""
    if find(body, selectors.ITEM_LINK_ATTRIBUTE.encode(), *article) >= 0:
        return False
    for word in words:
        heading = f">{word}".encode()
        if find(body, heading, article[1]) >= 0:
            return True
    return False


def _data(body: bytes, start: int, article: Span) -> list[Span]:
    """JSON-LD scripts below the head and outside the article."""
    found = []
    for at in _positions(body, _JSON_LD, start):
        begin, end = rfind(body, _SCRIPT, 0, at), find(body, _SCRIPT_END, at)
        if not article[0] <= at < article[1] and begin >= 0 and at - begin < _TAG and end >= 0:
            found.append((begin, end + len(_SCRIPT_END)))
    return found


def _lean_head(body: bytes, head: int) -> bytes:
    """The head without its style sheets, which may weigh more than all the rest."""
    pieces, start = [], 0
    while (begin := find(body, b"<style", start, head)) >= 0:
        end = find(body, b"</style>", begin, head)
        if end < 0:
            break
        pieces.append(body[start:begin])
        start = end + len(b"</style>")
    return b"".join((*pieces, body[start:head]))
