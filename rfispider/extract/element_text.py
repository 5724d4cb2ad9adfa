"""The text of an element as a reader sees it."""

from collections.abc import Container, Iterable, Iterator
from itertools import islice

from lxml.etree import iterwalk

from rfispider import text
from rfispider.extract.html_document import Element


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
    """A printed string in one line, its entities decoded however often they were escaped; empty if it is no string.

    >>> decoded("Goats &amp;amp; lamps ")
    'Goats & lamps'
    """
    if not isinstance(printed, str):
        return ""
    return text.line(text.unescaped(printed))


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
