"""Plain text from the titles, summaries and HTML fragments of feeds."""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from lxml.html import defs

_NAMES = "|".join(sorted(defs.tags))
_TAG = re.compile(rf"</?(?:{_NAMES})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_NO_TAG = re.compile(rf"<(?!/?(?:{_NAMES})(?=[\s/>])|!--)", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = 2
"""How often a character may have been escaped: once by rights, once more by a careless publisher."""
_SILENT = ("script", "style", "noscript", "template")
_BLOCKS = ("p", "div", "br", "li", "ul", "ol", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr")


def printable(text: str) -> str:
    """The text without the characters that neither XML nor UTF-8 can carry."""
    return _UNPRINTABLE.sub("", text)


def squeezed(text: str) -> str | None:
    """The text with every run of white space as one space; None when nothing is left."""
    return " ".join(text.split()) or None


def title(printed: object) -> str | None:
    """A title as readers see it: references decoded (even when escaped twice), HTML tags gone, on one line.

    Angle brackets that hold no HTML tag are quotation marks, and stay. None when `printed` is no text.
    """
    if not isinstance(printed, str):
        return None
    text = _TAG.sub("", _decoded(printed))
    return squeezed(printable(text))


def text(markup: str) -> tuple[str | None, str | None]:
    """The text of a piece of HTML on one line, and the address of its first picture as printed.

    Blocks are parted by a space, scripts and styles left out; angle brackets that hold no HTML tag are text.
    Either is None when there is none.
    """
    if "<" not in markup:
        return squeezed(printable(_decoded(markup))), None
    tree = _tree(markup)
    pictures = (picture.get("src") for picture in tree.iter("img"))
    return squeezed(printable(_decoded("".join(_pieces(tree))))), next(filter(None, pictures), None)


def names(printed: Iterable[object]) -> list[str]:
    """Keywords or authors as a list of distinct plain names in the order given."""
    return list(dict.fromkeys(name for one in printed if (name := title(one))))


def _decoded(text: str) -> str:
    for _ in range(_ESCAPES):
        text = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    return text


def _tree(markup: str) -> Any:  # noqa: ANN401 - lxml carries no types
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    return etree.fromstring(f"<html><body><div>{_NO_TAG.sub('&lt;', printable(markup))}</div></body></html>", parser)


def _pieces(tree: Any) -> Iterator[str]:  # noqa: ANN401 - lxml carries no types
    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        silent += (name in _SILENT) * (1 if event == "start" else -1)
        if name in _BLOCKS:
            yield " "
        words = element.text if event == "start" else element.tail
        if words and not silent:
            yield words
