"""The text of an element as a reader sees it."""

import re
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from typing import Final

from lxml.etree import iterwalk

from rfispider import text
from rfispider.extract.html_document import Element

_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|time"
    r"|tt|u|var|wbr)(?:\s[^<>]*)?/?>|<!--[^<>]*-->",
    re.IGNORECASE,
)
_BLOCK_TAG: Final = re.compile(
    r"</?(?:blockquote|br|dd|div|dl|dt|figure|h[1-6]|hr|img|li|ol|p|section|table|td|th|tr|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
"""A tag that stands between words."""


def of(element: Element) -> str:
    """The text inside an element, in one line."""
    if element is None:
        return ""
    return text.line("".join(element.itertext()))


def without(element: Element, tags: Container[str]) -> str:
    """The text inside an element in one line, without that of some elements, which may be the element itself."""
    pieces: list[str] = []
    walker = walk(element)
    for event, each in walker:
        if event == "end":
            pieces.append((each.tail or "") if each is not element else "")
        elif each.tag in tags:
            walker.skip_subtree()
        else:
            pieces.append(each.text or "")
    return text.line("".join(pieces))


def decoded(printed: object) -> str:
    """A printed string in one line, without tags, its entities decoded however often they were escaped.

    Empty if it is no string. Only the tags of HTML go: the site prints `<` and `>` as quotation marks as well.

    >>> decoded("Goats &amp;amp; <em>lamps</em> "), decoded("<灯塔日报>灯塔走了")
    ('Goats & lamps', '<灯塔日报>灯塔走了')
    """
    if not isinstance(printed, str):
        return ""
    unescaped = text.unescaped(printed)
    if "<" in unescaped:
        unescaped = _INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", unescaped))
    return text.line(unescaped)


def classed(elements: Iterable[Element], names: tuple[str, ...]) -> Iterator[Element]:
    """The elements that have one of the classes, in order."""
    for element in elements:
        classes = element.get("class")
        if not classes:
            continue
        looks_alike = any(name in classes for name in names)  # far cheaper than splitting, and false nearly always
        if looks_alike and not set(names).isdisjoint(classes.split()):
            yield element


def inside(root: Element, names: tuple[str, ...], at_most: int | None = None) -> Iterator[Element]:
    """Elements below a root that have one of the classes, in document order, among the first `at_most` elements."""
    return classed(islice(root.iterdescendants("*"), at_most), names)


def walk(root: Element) -> iterwalk:
    """Start and end events of all elements below a root, itself included, without recursion."""
    return iterwalk(root, events=("start", "end"))
