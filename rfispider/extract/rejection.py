"""Why a page gives no article: not served, gone, a consent or bot wall, or a page of another kind."""

import re
from itertools import islice
from typing import Final

from rfispider.extract import element_text, html_document, json_ld
from rfispider.extract.html_document import Document
from rfispider.extract.layout import ArticleLayout
from rfispider.items import Kind, Origin, Outcome, Page, Rejection
from rfispider.site import selectors, urls

_MARKS: Final = re.compile("|".join(selectors.BLOCK_MARKS), re.IGNORECASE)
_WALL_TEXT: Final = 4_000
"""Characters of the longest page that stands in the way of another; list pages hold more, and more links."""
_WALL_LINKS: Final = 25
_DOUBTFUL: Final = frozenset({Kind.SECTION, Kind.PROGRAMME, Kind.LIVE_FEED, Kind.LIVE})
"""Kinds whose URLs may be of an article after all, if the page says so."""
_ERROR: Final = 400


def by_status(page: Page) -> Rejection | None:
    """Why a page was not served, judged by the status alone; None if it was."""
    if 0 < page.status < _ERROR and not page.error:
        return None
    return rejection(outcome_of(page.status), page.error or (f"HTTP {page.status}" if page.status else "no answer"))


def outcome_of(status: int) -> Outcome:
    """What an HTTP status that is no success means for a URL; 0 stands for no answer.

    >>> str(outcome_of(404)), str(outcome_of(500))
    ('page/gone', 'page/failed')
    """
    if status in selectors.BLOCK_STATUSES:
        return Outcome.BLOCKED
    return Outcome.GONE if status in selectors.GONE_STATUSES else Outcome.FAILED


def by_address(page: Page, *, says_article: bool) -> Rejection | None:
    """Why a URL is not an article's; None if it is, or if it may be and the page says so."""
    kind = urls.kind(page.url)
    if urls.is_article(kind) or (kind in _DOUBTFUL and says_article):
        return None
    return rejection(Outcome.NOT_ARTICLE, f"the URL is of kind {kind}")


def by_content(document: Document, layout: ArticleLayout, node: json_ld.Node) -> Rejection | None:
    """Why a whole page holds no article: a wall with status 200, a list, something else; None if it holds one."""
    has_article = layout.article is not None or layout.bodies
    if has_article or node.get("headline") or node.get("articleBody") or document.meta("og:type") == "article":
        return None
    if _is_wall(document):
        return rejection(Outcome.BLOCKED, "a page that asks for consent or shuts out, instead of the article")
    return rejection(Outcome.NOT_ARTICLE, "no article on the page")


def _is_wall(document: Document) -> bool:
    """Whether a page is short, has few links and speaks of consent, of robots or of a refusal."""
    if len(list(islice(document.root.iter("a"), _WALL_LINKS + 1))) > _WALL_LINKS:
        return False
    titles = [title.text or "" for title in document.all("title")]
    text = " ".join([*titles, *map(_visible, document.all("body")[:1])])
    return len(text) <= _WALL_TEXT and (bool(_MARKS.search(text)) or _loads_wall(document, text))


def _loads_wall(document: Document, text: str) -> bool:
    """Whether a page shows next to nothing and its scripts are those of a wall."""
    scripts = " ".join(map(_beginning, document.all("script")))
    return len(text) < _WALL_TEXT // 10 and bool(_MARKS.search(scripts))


def _beginning(script: html_document.Element) -> str:
    """The address of a script and what it begins with."""
    return f"{script.get('src') or ''} {(script.text or '')[:2000]}"


def _visible(body: html_document.Element) -> str:
    """The text of a short page without its scripts; of a long one just enough to see that it is long."""
    pieces: list[str] = []
    for element in body.iter("*"):
        inner = "" if element.tag in ("script", "style", "template") else element.text
        pieces.extend(filter(None, (inner, element.tail)))
        if len(pieces) > _WALL_TEXT:
            break
    return element_text.decoded(" ".join(pieces))


def is_whole_page(page: Page) -> bool:
    """Whether a page is a whole page of the site and not the HTML of an entry."""
    return page.origin in (Origin.PAGE, Origin.RENDERED)


def rejection(outcome: Outcome, reason: str) -> Rejection:
    """A rejection that names no URL: the caller knows it."""
    return Rejection(outcome=outcome, reason=reason)
