"""What stands among the text of an article without being part of it."""

import re
from collections.abc import Mapping
from typing import Final

from rfispider.extract.html_document import Element
from rfispider.site import selectors

BOILERPLATE_TAGS: Final = frozenset(
    {
        "script", "style", "button", "noscript", "iframe", "svg", "template", "figure", "figcaption", "form", "input",
        "select", "textarea", "nav", "object", "embed", "video", "audio", "canvas", "map", "math", "picture", "img",
        "source", "track", "dialog", "head", "title", "meta", "link", "label", "option", "datalist", "applet",
        "frameset",
    }
)  # fmt: skip
"""Elements of HTML that hold no text of an article, as the site uses them."""


def _begins(classes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"(?:^|\s)(?:" + "|".join(map(re.escape, classes)) + ")")


_NOISE: Final = _begins(selectors.NOISE_CLASSES)
_FURNITURE: Final = _begins(selectors.NOISE_CLASSES + selectors.FURNITURE_CLASSES)
_ATTRIBUTES: Final = frozenset(selectors.NOISE_ATTRIBUTES)
_HIDDEN: Final = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_CHROME: Final = frozenset(selectors.CHROME_TAGS)
_TEXT_OF_FIGURES: Final = ("table", "blockquote", "pre")
_FIRST: Final = 3
"""Direct children of an element among which the script of a player is looked for."""


def is_noise(element: Element) -> bool:
    """Whether an element inside a body is never text."""
    return _dropped(element, _NOISE)


def is_furniture(element: Element) -> bool:
    """Whether an element of an article that has no body element of its own is not of the body."""
    return element.tag in _CHROME or element.tag in ("h1", "time") or _dropped(element, _FURNITURE)


def _dropped(element: Element, classes: re.Pattern[str]) -> bool:
    tag = element.tag
    if tag == "figure":
        return is_hidden(element) or not _holds_text(element)
    if tag in BOILERPLATE_TAGS or "-" in tag:  # a custom element is a program
        return True
    attributes = element.attrib
    if attributes and (_has_class(attributes, classes) or not _ATTRIBUTES.isdisjoint(attributes) or is_hidden(element)):
        return True
    return tag == "div" and _is_player(element)


def _holds_text(figure: Element) -> bool:
    """Whether a figure is a table or a quotation, which are text, and no picture."""
    return next(figure.iterdescendants(*_TEXT_OF_FIGURES), None) is not None


def _has_class(attributes: Mapping[str, str], classes: re.Pattern[str]) -> bool:
    printed = attributes.get("class")
    return printed is not None and bool(classes.search(printed)) and selectors.COPYRIGHT_CLASS not in printed


def is_hidden(element: Element) -> bool:
    """Whether an element's own attributes say that it is not shown."""
    style = element.get("style")
    return element.get("hidden") is not None or (style is not None and bool(_HIDDEN.search(style)))


def _is_player(element: Element) -> bool:
    """Whether an element is the player of a recording: its settings are a script among its first children."""
    return any(child.tag == "script" and child.get(selectors.EMBED_SCRIPT_ATTRIBUTE) for child in element[:_FIRST])
