"""The parts of a feed's entry that are read, whatever the dialect: a closed vocabulary of known size.

It bounds what hostile feeds can make the feed parser do, keeps the captions of pictures from being taken for the
article, and turns elements inside texts into the HTML source that they stand for.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from rfispider.feeds.xml_repair import ATOM, CONTENT_NAMESPACE, DUBLIN_CORE, ITUNES, MEDIA, PREFIXES, RDF, Element

Name = tuple[str | None, str]
"""Namespace (empty for those of feeds, None for one that is not read) and lower-case local name."""

_CORE: Final = {"", RDF, ATOM, "http://purl.org/atom/ns#", "http://my.netscape.com/rdf/simple/0.9/"}
_SPELLINGS: Final = {uri.lower().rstrip("/"): uri for uri in PREFIXES.values()}
_VOCABULARY: Final[dict[str, frozenset[str]]] = {
    "": frozenset(
        {
            *("title", "link", "guid", "id", "category", "author", "enclosure", "description", "summary", "content"),
            *("pubdate", "published", "updated", "issued", "modified"),
        }
    ),
    CONTENT_NAMESPACE: frozenset({"encoded"}),
    DUBLIN_CORE: frozenset({"creator", "date", "subject"}),
    ITUNES: frozenset({"duration", "image", "author", "keywords"}),
    MEDIA: frozenset({"content", "thumbnail", "keywords", "category"}),
}
_PUBLICATION: Final = {("", "pubdate"), ("", "published"), ("", "issued")}
_MARKUP: Final = {("", "title"), ("", "description"), ("", "summary"), ("", "content"), (CONTENT_NAMESPACE, "encoded")}
_DATE: Final = (DUBLIN_CORE, "date")
_LINK: Final = ("", "link")
_XML_BASE: Final = "{http://www.w3.org/XML/1998/namespace}base"
_ATTRIBUTES: Final = (
    *("href", "url", "rel", "type", "medium", "width", "duration", "term", "label", "mode", "isPermaLink", "text"),
    _XML_BASE,
)
_TAG_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_INHERITED: Final = re.compile(r"^(<[\w.-]+)(?:\s+xmlns(?::[\w.-]+)?=\"[^\"]*\")+")
"""Namespaces of the feed that a piece of it would otherwise carry along."""
_MAX_TEXT: Final = 4096
"""Characters of a text or attribute that carries no markup: an address, a name, a date."""
_MAX_ALIKE: Final = 50
"""Elements of one name in one entry."""


@dataclass(frozen=True, slots=True)
class Part:
    """An element of an entry."""

    name: str
    """Local name in small letters, after the usual prefix of its namespace where it has one."""
    attributes: dict[str, str]
    text: str
    """Text, or HTML source; of a person the name."""


def parts_of(entry: Element) -> list[Part]:
    """The parts of an entry in its order. Its element is changed."""
    elements = [(element, _name(element)) for element in _elements(entry)]
    dated = any(name in _PUBLICATION for _, name in elements)
    read = _at_most_alike(pair for pair in elements if _is_read(*pair, dated=dated))
    parts = [_part(element, name) for element, name in read]
    about = entry.get(f"{{{RDF}}}about")
    if about and not any(part.name == "link" for part in parts):
        parts.append(Part("link", {}, about[:_MAX_TEXT]))
    return parts


def _at_most_alike(elements: Iterable[tuple[Element, Name]]) -> Iterator[tuple[Element, Name]]:
    alike: Counter[Name] = Counter()
    for element, name in elements:
        alike[name] += 1
        if alike[name] <= _MAX_ALIKE:
            yield element, name


def attributes_of(element: Element) -> dict[str, str]:
    """Those attributes of an element that are read, by their names as printed."""
    values = ((name, element.get(name)) for name in _ATTRIBUTES)
    return {"xml:base" if name == _XML_BASE else name: value[:_MAX_TEXT] for name, value in values if value}


def title_of(head: Element) -> str:
    """The title of a feed, in the element that its beginning makes; empty if there is none."""
    channels = [child for child in head.iterchildren(etree.Element) if _name(child) == ("", "channel")]
    for parent in (head, *channels):
        for child in parent.iterchildren(etree.Element):
            if _name(child) == ("", "title"):
                return _part(child, ("", "title")).text
    return ""


def _name(element: Element) -> Name:
    uri, _, qualified = element.tag.rpartition("}")
    prefix, _, local = qualified.rpartition(":")
    uri = uri[1:] or PREFIXES.get(prefix, "")
    uri = _SPELLINGS.get(uri.lower().rstrip("/"), uri)
    if uri in _CORE or (uri not in _VOCABULARY and "/rss" in uri):
        uri = ""
    return uri if uri in _VOCABULARY else None, local.lower()


def _elements(entry: Element) -> Iterator[Element]:
    """The elements of an entry, those inside the ones of Media RSS included."""
    for child in entry.iterchildren(etree.Element):
        yield child
        if _name(child)[0] == MEDIA:
            yield from _elements(child)


def _is_read(element: Element, name: Name, *, dated: bool) -> bool:
    """Whether an element is one of those that are read.

    The date of Dublin Core serves where there is no other, and an empty link must not hide the identifier.
    """
    uri, local = name
    if uri is None or local not in _VOCABULARY[uri]:
        return False
    if name == _DATE:
        return not dated
    return name != _LINK or bool(element.get("href") or (element.text or "").strip())


def _part(element: Element, name: Name) -> Part:
    attributes = attributes_of(element)
    if name in _MARKUP:
        return Part(_written(name), *_markup(element, attributes))
    person = _person(element) if name == ("", "author") and len(element) else element.text
    return Part(_written(name), attributes, (person or "")[:_MAX_TEXT])


def _written(name: Name) -> str:
    """The name under which the feed parser knows an element; the date of Dublin Core is that of publication."""
    uri, local = name
    if name == _DATE:
        return "published"
    prefix = next((prefix for prefix, known in PREFIXES.items() if known == uri), "")
    return f"{prefix}:{local}" if prefix else local


def _person(element: Element) -> str | None:
    names = (child.text for child in element.iterchildren(etree.Element) if _name(child) == ("", "name"))
    return next(names, None)


def _markup(element: Element, attributes: dict[str, str]) -> tuple[dict[str, str], str]:
    """The attributes and the text of an element; the elements inside it, if any, as HTML source."""
    if not len(element):
        if "xhtml" in attributes.get("type", ""):  # escaped all the same, or by the mending of a damaged feed
            attributes["type"] = "html"
        return attributes, element.text or ""
    for inner in element.iter(etree.Element):
        local = inner.tag.rpartition("}")[2].rpartition(":")[2]
        inner.tag = local if _TAG_NAME.fullmatch(local) else "span"
    etree.cleanup_namespaces(element)
    attributes.pop("mode", None)
    pieces = [_INHERITED.sub(r"\1", etree.tostring(child, encoding="unicode", method="html")) for child in element]
    return attributes | {"type": "html"}, html.escape(element.text or "", quote=False) + "".join(pieces)
