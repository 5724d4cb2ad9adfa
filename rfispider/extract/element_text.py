"""The words of an element as a reader sees them."""

from collections.abc import Iterable, Iterator
from html import unescape
from itertools import islice
from typing import Final

from lxml.etree import iterwalk

from rfispider import text
from rfispider.extract.html_document import Element

_MAX_ESCAPES: Final = 3
"""How often an entity may have been escaped; twice is seen."""


def of(element: Element) -> str:
    """The text inside an element, in one line."""
    if element is None:
        return ""
    return text.line("".join(element.itertext()))


def decoded(printed: object) -> str:
    """A printed string in one line, its entities decoded however often they were escaped; empty for what is none."""
    if not isinstance(printed, str):
        return ""
    for _ in range(_MAX_ESCAPES):
        if "&" not in printed or (once := unescape(printed)) == printed:
            break
        printed = once
    return text.line(printed)


def classed(elements: Iterable[Element], names: tuple[str, ...]) -> Iterator[Element]:
    """The elements that have one of the classes, in order."""
    for element in elements:
        classes = element.get("class")
        if classes and any(name in classes for name in names) and not set(names).isdisjoint(classes.split()):
            yield element


def inside(root: Element, names: tuple[str, ...], at_most: int | None = None) -> Iterator[Element]:
    """Elements below a root that have one of the classes, in document order; looks at so many elements at most."""
    return classed(islice(root.iterdescendants("*"), at_most), names)


def walk(root: Element) -> iterwalk:
    """Start and end events of all elements below a root, itself included, without recursion."""
    return iterwalk(root, events=("start", "end"))
