"""Where on a page the article is: its element, its body, its lead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from rfispider import text
from rfispider.extract import boilerplate, element_text, text_blocks
from rfispider.extract.html_document import Document, Element
from rfispider.extract.text_blocks import Block
from rfispider.site import selectors

_SHARE: Final = re.compile(selectors.SHARE_LINK, re.IGNORECASE)
_TIME: Final = re.compile(selectors.DISPLAYED_TIME)
_BODY: Final = (selectors.BODY_CLASS,)
_CONTAINERS: Final = ("div", "section", "article", "main", "td", "body")
_MAX_LINKS: Final = 500
_ABOVE: Final = 16
"""Ancestors of a link that its block may have."""
_UNSEEN: Final = ("template", "noscript", "dialog")
_WHOLE_PAGE: Final = ("body", "html")
_LEAST_COPY: Final = 100
"""Characters of a body that may be a part of another one; shorter lines are repeated by chance."""
_LONGEST_TIME: Final = 60
"""Characters of an element that shows a time and nothing else."""


@dataclass(slots=True)
class ArticleLayout:
    """The parts of one document that concern the article."""

    article: Element | None = None
    """The element that holds the whole article with its header; of a fragment, its root."""
    text: Element | None = None
    """The element in which the text is looked for when there is no body."""
    bodies: list[Element] = field(default_factory=list)
    """Elements that hold the text and next to nothing else; some pages have the same one twice."""
    lead: Element | None = None
    time: Element | None = None
    """Of a fragment: the element with the displayed time."""
    aside: set[Element] = field(default_factory=set)
    """Elements that are not text though no class says so: share block, related block, time."""

    def blocks(self) -> list[Block]:
        """The blocks of the body; empty if no body was found."""
        excluded = {self.lead, *self.aside}
        if self.bodies:
            of_bodies = [
                text_blocks.blocks(body, lambda each: each in excluded or boilerplate.is_noise(each))
                for body in self.bodies
            ]
            return list(chain.from_iterable(_without_copies(of_bodies)))
        if self.text is None:
            return []
        return text_blocks.blocks(self.text, lambda each: each in excluded or boilerplate.is_furniture(each))


def find(document: Document) -> ArticleLayout:
    """The parts of a document, kept with it; those that it does not have stay empty."""
    if document.layout is None:
        document.layout = _of_fragment(document.all("body")[0]) if document.fragment else _of_page(document)
    return document.layout


def _of_page(document: Document) -> ArticleLayout:
    text = article = _article(document)
    if article is not None and not _has_title(article) and _has_title(document.root):
        article = next(iter(document.all("body")), document.root)  # the header stands outside the article's element
    if article is None:
        return ArticleLayout(bodies=_bodies(document.root))
    lead = next(filter(is_shown, element_text.inside(article, selectors.LEAD_CLASSES)), None)
    return ArticleLayout(article=article, text=text, bodies=_bodies(article), lead=lead)


def _bodies(root: Element) -> list[Element]:
    """Elements of the class of bodies that are shown; of those that are hidden none is better than another."""
    bodies = _outermost(element_text.classed(root.iterdescendants("div", "section"), _BODY))
    return list(filter(is_shown, bodies))


def is_shown(element: Element) -> bool:
    """Whether nothing hides an element from readers, or from screen readers alone."""
    return obstacle(element) in (None, "aria-hidden")


def _without_copies(bodies: list[list[Block]]) -> Iterator[list[Block]]:
    """The bodies without those that another one repeats: the first of equals, the longer of two."""
    texts = ["\n".join(text.without_spaces(block.line) for block in body) for body in bodies]
    for number, body in enumerate(bodies):
        longer = (other for other in texts if len(other) > len(texts[number]))
        is_part = len(texts[number]) > _LEAST_COPY and any(texts[number] in other for other in longer)
        if not is_part and texts[number] not in texts[:number]:
            yield body


def _article(document: Document) -> Element | None:
    """The first candidate that is shown; failing that, the first that is hidden from screen readers only."""
    screened: Element | None = None
    for candidate in _candidates(document):
        hidden_by = obstacle(candidate)
        if hidden_by is None:
            return candidate
        if hidden_by == "aria-hidden" and screened is None:
            screened = candidate
    return screened


def obstacle(element: Element) -> str | None:
    """What keeps readers from an element: the tag or attribute of it or of an element around it; None if nothing.

    The body does not count: some pages hide all of it until a script has run.
    """
    screened = None
    for each in (element, *element.iterancestors()):
        if each.tag in _UNSEEN:
            return str(each.tag)
        if each.tag in _WHOLE_PAGE:
            break
        if boilerplate.is_hidden(each):
            return "hidden"
        if (each.get("aria-hidden") or "").strip().lower() == "true":
            screened = "aria-hidden"
    return screened


def _candidates(document: Document) -> Iterator[Element]:
    """Elements that may hold the article, the surest first: by class, by the body in them, by being alone."""
    articles = document.all("article")
    for name in selectors.ARTICLE_CLASSES:
        yield from element_text.classed(articles, (name,))
        yield from filter(_has_own_title, element_text.classed(document.root.iter("main", "div", "section"), (name,)))
    yield from filter(_has_body, articles)
    if len(articles) == 1:
        yield from filter(_has_title, articles)


def _has_body(element: Element) -> bool:
    return next(element_text.classed(element.iterdescendants("div", "section"), _BODY), None) is not None


def _has_own_title(element: Element) -> bool:
    """Whether an element holds the title of an article; lists have titles of another class."""
    return next(element_text.classed(element.iterdescendants("h1"), selectors.TITLE_CLASSES), None) is not None


def _has_title(element: Element) -> bool:
    return next(element.iterdescendants("h1"), None) is not None


def _outermost(elements: Iterator[Element]) -> list[Element]:
    """The elements that stand in none of the others."""
    kept: list[Element] = []
    for element in elements:
        if not any(ancestor in kept for ancestor in element.iterancestors()):
            kept.append(element)
    return kept


# ---- the fragment of an entry ----------------------------------------------------------------------------


def _of_fragment(root: Element) -> ArticleLayout:
    layout = ArticleLayout(article=root, time=_time(root))
    layout.bodies = _outermost(element_text.classed(root.iterdescendants("div", "section"), _BODY))
    if not layout.bodies:
        layout.aside = set(_asides(root))
        layout.bodies = [_densest(root, layout.aside)]
    if layout.time is not None:
        layout.aside.add(layout.time)
    layout.lead = _fragment_lead(root, layout.bodies)
    return layout


def _time(root: Element) -> Element | None:
    """The first element that shows a time and nothing else."""
    for element in root.iterdescendants("div", "p", "span", "time"):
        printed = element.text or ""
        if len(element) == 0 and len(printed) < _LONGEST_TIME and _TIME.search(printed):
            return element
    return None


def _asides(root: Element) -> Iterator[Element]:
    """Blocks of links that share the article or lead to related ones, as large as they get without a paragraph."""
    for link in islice(root.iterdescendants("a"), _MAX_LINKS):
        if link.get(selectors.ITEM_LINK_ATTRIBUTE) is not None or _SHARE.search(link.get("href") or ""):
            yield _block_around(link, root)


def _block_around(link: Element, root: Element) -> Element:
    block = link
    for parent in islice(link.iterancestors(), _ABOVE):
        if parent is root or parent.find("p") is not None:
            break
        block = parent
    return block


def _densest(root: Element, aside: set[Element]) -> Element:
    """The element with the most text in paragraphs of its own."""
    densest, most = root, 0
    for element in (root, *root.iterdescendants(*_CONTAINERS)):
        size = _paragraph_size(element)
        if size > most and element not in aside and not boilerplate.is_noise(element):
            densest, most = element, size
    return densest


def _paragraph_size(element: Element) -> int:
    """Characters of the paragraphs directly below an element, the lead apart."""
    paragraphs = (child for child in element if child.tag == "p" and not _is_lead(child))
    return sum(len(element_text.of(paragraph)) for paragraph in paragraphs)


def _is_lead(paragraph: Element) -> bool:
    """Whether a paragraph is a strong element and nothing else."""
    strong = paragraph.find("strong")
    return strong is not None and element_text.of(strong) == element_text.of(paragraph)


def _fragment_lead(root: Element, bodies: list[Element]) -> Element | None:
    """The first strong paragraph outside the body, or at the beginning of a body that is the whole fragment."""
    for paragraph in root.iterdescendants("p"):
        within = any(ancestor in bodies for ancestor in paragraph.iterancestors())
        if within and paragraph.getparent() is not root:
            return None
        if _is_lead(paragraph) if within else paragraph.find("strong") is not None:
            return paragraph
        if within:
            return None
    return None
