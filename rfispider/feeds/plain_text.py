"""Plain text from the titles, summaries and HTML fragments of feeds."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from lxml.html import defs

from rfispider.text import line, printable, unescaped

_NAMES = "|".join(sorted(defs.tags))
_TAG = re.compile(rf"</?(?:{_NAMES})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_NO_TAG = re.compile(rf"<(?!/?(?:{_NAMES})(?=[\s/>])|!--)", re.IGNORECASE)
_SILENT = ("script", "style", "noscript", "template")
_BLOCKS = ("p", "div", "br", "li", "ul", "ol", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr")


def title(printed: object) -> str | None:
    """A title as readers see it: references decoded (even when escaped twice), HTML tags gone, on one line.

    Angle brackets that hold no HTML tag are quotation marks, and stay. None when `printed` is no text.
    """
    if not isinstance(printed, str):
        return None
    return line(_TAG.sub("", unescaped(printed))) or None


def text(markup: str) -> tuple[str | None, str | None]:
    """The text of a piece of HTML on one line, and the address of its first picture as printed.

    Blocks are parted by a space, scripts and styles left out; angle brackets that hold no HTML tag are text.
    Either is None when there is none.
    """
    if "<" not in markup:
        return line(unescaped(markup)) or None, None
    tree = _tree(markup)
    pictures = (picture.get("src") for picture in tree.iter("img"))
    return line(unescaped("".join(_pieces(tree)))) or None, next(filter(None, pictures), None)


def names(printed: Iterable[object]) -> list[str]:
    """Keywords or authors as a list of distinct plain names in the order given."""
    return list(dict.fromkeys(name for one in printed if (name := title(one))))


def _tree(markup: str) -> Any:
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    return etree.fromstring(f"<html><body><div>{_NO_TAG.sub('&lt;', printable(markup))}</div></body></html>", parser)


def _pieces(tree: Any) -> Iterator[str]:
    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        silent += (name in _SILENT) * (1 if event == "start" else -1)
        if name in _BLOCKS:
            yield " "
        words = element.text if event == "start" else element.tail
        if words and not silent:
            yield words
