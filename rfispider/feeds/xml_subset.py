"""Cut a feed of any dialect down to the elements that are read, as a small RSS or Atom document.

The feed parser then meets only well-formed documents of known size and vocabulary: its lenient mode and a few
of its functions take quadratic time, it drops `div` tags from unescaped HTML, and it takes the description of a
picture for that of the article.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml import etree

from rfispider.feeds.result import MAX_ENTRIES, FeedError

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_MEDIA = "http://search.yahoo.com/mrss/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_CORE = {"", _RDF, _ATOM, "http://purl.org/atom/ns#", "http://my.netscape.com/rdf/simple/0.9/"}
_PREFIXES = {"content": _CONTENT, "dc": _DC, "itunes": _ITUNES, "media": _MEDIA}
_SPELLINGS = {uri.lower().rstrip("/"): uri for uri in _PREFIXES.values()}

_ROOTS = {"rss", "rdf", "channel", "feed"}
_ENTRIES = {"item", "entry"}
_VOCABULARY = {
    "": {
        *("title", "link", "guid", "id", "category", "author", "enclosure", "description", "summary", "content"),
        *("pubdate", "published", "updated", "issued", "modified"),
    },
    _CONTENT: {"encoded"},
    _DC: {"creator", "date", "subject"},
    _ITUNES: {"duration", "image", "author", "keywords"},
    _MEDIA: {"content", "thumbnail", "keywords", "category"},
}
_PUBLICATION = {"pubdate", "published", "issued"}
_MARKUP = {("", "title"), ("", "description"), ("", "summary"), ("", "content"), (_CONTENT, "encoded")}
_ATTRIBUTES = (
    *("href", "url", "rel", "type", "medium", "width", "duration", "term", "label", "mode", "isPermaLink"),
    *("text", f"{{{_XML}}}base"),
)
_TAG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_INHERITED = re.compile(r"^(<[\w.-]+)(?:\s+xmlns(?::[\w.-]+)?=\"[^\"]*\")+")
"""Namespaces of the feed that a piece of it would otherwise carry along."""
_MAX_TEXT = 4096
"""Characters of a text or attribute that carries no markup: an address, a name, a date."""
_MAX_ELEMENTS = 60_000
"""Elements in all; the feed parser takes 2-3 seconds for so many."""
_MAX_ALIKE = 50
"""Elements of one name in one entry."""


def distilled(root: Any) -> tuple[bytes, int]:  # noqa: ANN401 - lxml carries no types
    """The feed under `root` as a UTF-8 document, and how many of its entries had no room in it.

    Raises FeedError when the root is that of something else.
    """
    kind = _name(root)[1]
    if kind not in _ROOTS:
        raise FeedError("an HTML page, not a feed" if kind == "html" else f"no feed: its root element is <{kind:.60}>")
    core = _ATOM if kind == "feed" else ""
    feed = _made(None, (core, "feed" if core else "rss"), root)
    channel = feed if core else etree.SubElement(feed, "channel")
    _copy(_channel_title(root), channel, core)
    entries = [element for element in root.iter(etree.Element) if _name(element)[1] in _ENTRIES]
    read = _copy_entries(entries[:MAX_ENTRIES], channel, core)
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True), len(entries) - read


def _copy_entries(entries: list[Any], channel: Any, core: str) -> int:  # noqa: ANN401 - lxml carries no types
    """Copy entries as long as there is room; returns how many were."""
    room = _MAX_ELEMENTS
    for number, entry in enumerate(entries):
        if room <= 0:
            return number
        made = _made(channel, (core, "entry" if core else "item"), entry)
        _copy_entry(entry, made, core)
        room -= 1 + len(made)
    return len(entries)


def _name(element: Any) -> tuple[str | None, str]:  # noqa: ANN401 - lxml carries no types
    """Namespace (empty for that of feeds, None for one that is not read) and lower-case name of an element."""
    told, _, name = element.tag.rpartition("}")
    prefix, _, local = name.rpartition(":")
    uri = told[1:] or _PREFIXES.get(prefix, "")
    uri = _SPELLINGS.get(uri.lower().rstrip("/"), uri)
    if uri in _CORE or (uri not in _VOCABULARY and "/rss" in uri):
        uri = ""
    return uri if uri in _VOCABULARY else None, local.lower()


def _made(parent: Any, name: tuple[str, str], source: Any) -> Any:  # noqa: ANN401 - lxml carries no types
    """A new element with those attributes of `source` that are read."""
    tag = f"{{{name[0]}}}{name[1]}" if name[0] else name[1]
    made = etree.Element(tag, nsmap=_PREFIXES) if parent is None else etree.SubElement(parent, tag)
    for attribute in _ATTRIBUTES:
        if value := source.get(attribute):
            made.set(attribute, value[:_MAX_TEXT])
    return made


def _channel_title(root: Any) -> Any:  # noqa: ANN401 - lxml carries no types
    outer = [root, *(child for child in root.iterchildren(etree.Element) if _name(child)[1] == "channel")]
    titles = (
        child for parent in outer for child in parent.iterchildren(etree.Element) if _name(child) == ("", "title")
    )
    return next(titles, None)


def _copy_entry(entry: Any, made: Any, core: str) -> None:  # noqa: ANN401 - lxml carries no types
    parts = [(part, _name(part)) for part in _parts(entry)]
    dated = any(name in _PUBLICATION for _, (_, name) in parts)
    addressed = any(name == ("", "link") for _, name in parts)
    seen: Counter[tuple[str | None, str]] = Counter()
    for part, name in parts:
        seen[name] += 1
        if seen[name] <= _MAX_ALIKE and not (name == (_DC, "date") and dated):
            _copy(part, made, core)
    if not addressed and (about := entry.get(f"{{{_RDF}}}about")):
        _made(made, (core, "link"), {}).text = about[:_MAX_TEXT]


def _parts(entry: Any) -> Iterator[Any]:  # noqa: ANN401 - lxml carries no types
    """The elements of an entry, those inside media groups included."""
    for child in entry.iterchildren(etree.Element):
        yield child
        if _name(child)[0] == _MEDIA:
            yield from _parts(child)


def _copy(element: Any, parent: Any, core: str) -> None:  # noqa: ANN401 - lxml carries no types
    """Add an element to the document, if it is one that is read; the date of Dublin Core is that of publication."""
    if element is None:
        return
    uri, local = name = _name(element)
    if uri is None or local not in _VOCABULARY[uri]:
        return
    plain = (core, "published" if core else "pubdate") if name == (_DC, "date") else (uri or core, local)
    made = _made(parent, plain, element)
    if name in _MARKUP:
        made.text = _markup(element, made)
    elif local == "author" and len(element):
        _copy_person(element, made, core)
    else:
        made.text = (element.text or "")[:_MAX_TEXT]


def _copy_person(element: Any, made: Any, core: str) -> None:  # noqa: ANN401 - lxml carries no types
    for child in element.iterchildren(etree.Element):
        if _name(child) == ("", "name"):
            _made(made, (core, "name"), {}).text = (child.text or "")[:_MAX_TEXT]
            return


def _markup(element: Any, made: Any) -> str:  # noqa: ANN401 - lxml carries no types
    """The text of an element; the elements inside it, if any, as HTML source."""
    if not len(element):
        if "xhtml" in made.get("type", ""):  # escaped all the same, or by the mending of a damaged feed
            made.set("type", "html")
        return element.text or ""
    for inner in element.iter(etree.Element):
        local = inner.tag.rpartition("}")[2].rpartition(":")[2]
        inner.tag = local if _TAG_NAME.fullmatch(local) else "span"
    etree.cleanup_namespaces(element)
    made.set("type", "html")
    made.attrib.pop("mode", None)
    pieces = [_INHERITED.sub(r"\1", etree.tostring(child, encoding="unicode", method="html")) for child in element]
    return html.escape(element.text or "", quote=False) + "".join(pieces)
