"""Cut a feed of any dialect down to the elements that are read, as a small RSS or Atom document.

The feed parser then meets only well-formed documents of known size and vocabulary: its lenient mode and a few
of its functions take quadratic time, it drops `div` tags from unescaped HTML, and it takes the description of a
picture for that of the article.
"""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from lxml import etree

from rfispider.feeds.feed import FeedError

MAX_ENTRIES = 10_000
"""Entries read of one feed; a feed of real life has some dozens."""

ATOM = "http://www.w3.org/2005/Atom"
_ATOM_03 = "http://purl.org/atom/ns#"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_MEDIA = "http://search.yahoo.com/mrss/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMESPACES = {None: "", "content": _CONTENT, "dc": _DC, "itunes": _ITUNES, "media": _MEDIA}
_PREFIXES = {"content": _CONTENT, "dc": _DC, "itunes": _ITUNES, "media": _MEDIA, "atom": ""}
"""What a prefix means in a feed that forgot to declare it."""
_SPELLINGS = {_MEDIA.rstrip("/"): _MEDIA}
_ROOTS = {"rss", "rdf", "channel", "feed"}
_ENTRIES = {"item", "entry"}
_SPECIFIC = {
    _CONTENT: {"encoded"},
    _DC: {"creator", "date", "subject"},
    _ITUNES: {"duration", "image", "author", "keywords"},
    _MEDIA: {"content", "thumbnail", "keywords", "category"},
}
_COMMON = {
    *("title", "link", "guid", "id", "category", "author", "enclosure", "description", "summary", "content"),
    *("pubdate", "published", "updated", "issued", "modified"),
}
_MARKUP = {"title", "description", "summary", "content", "encoded"}
_ATTRIBUTES = ("href", "url", "rel", "type", "medium", "width", "duration", "length", "term", "label", "scheme", "mode")
_LONG = {"description", "summary", "content", "encoded"}
_MAX_TEXT = 4096
"""Characters of a text or attribute that is not the summary or content."""
_MAX_ALIKE = 50
"""Elements of one name in one entry."""


def distilled(root: Any) -> tuple[bytes, int]:  # noqa: ANN401 - lxml carries no types
    """The feed under `root` as a UTF-8 document, and how many entries were left out as beyond `MAX_ENTRIES`.

    Raises FeedError when the root is that of something else.
    """
    kind = _name(root)[1]
    if kind not in _ROOTS:
        raise FeedError("an HTML page, not a feed" if kind == "html" else f"not a feed: the root element is <{kind[:60]}>")
    is_atom = kind == "feed"
    base = root.get("{http://www.w3.org/XML/1998/namespace}base")
    feed = etree.Element("feed" if is_atom else "rss", nsmap={**_NAMESPACES, None: ATOM} if is_atom else None)
    ...
    return etree.tostring(feed), 0
