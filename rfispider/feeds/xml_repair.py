"""From the source of one entry, well-formed or not, to its element.

Nothing is expanded or loaded: the document type was cut off with everything else before the root. What is not
well-formed is mended in the ways feeds and sitemaps are really broken, then read as far as it goes.
"""

import re
from html import escape
from html.entities import html5
from typing import Any, Final, TypeAlias

from lxml import etree

from rfispider.text import printable

Element: TypeAlias = Any
"""An element of lxml, which carries no types."""

ATOM: Final = "http://www.w3.org/2005/Atom"
CONTENT_NAMESPACE: Final = "http://purl.org/rss/1.0/modules/content/"
DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MEDIA: Final = "http://search.yahoo.com/mrss/"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PREFIXES: Final = {
    "content": CONTENT_NAMESPACE,
    "dc": DUBLIN_CORE,
    "itunes": ITUNES,
    "media": MEDIA,
    "rdf": RDF,
    "image": "http://www.google.com/schemas/sitemap-image/1.1",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}
"""Prefixes by which these namespaces go, also where nobody declares them."""

_DECLARATION: Final = re.compile(r"""\sxmlns(?::([A-Za-z_][\w.-]{0,99}))?\s*=\s*(?:"([^"<&]*)"|'([^'<&]*)')""")
_MAX_DECLARATIONS: Final = 100
_CDATA: Final = "<![CDATA["
_MAX_TAG: Final = 1_000
"""Characters of the longest start tag before a CDATA section."""
_LAST_TAG: Final = re.compile(r"<([A-Za-z_][\w:.-]{0,99})[^<>]*>\s*\Z")
_REMARK: Final = re.compile(r"<!--(?:(?!<!--).)*?-->|<\?[^<>]*\?>", re.DOTALL)
_NO_TAG: Final = re.compile(r"<(?!/?[A-Za-z_])")
_REFERENCE: Final = re.compile(
    r"&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)([A-Za-z][A-Za-z0-9]{1,31};)?"
)
_CHARACTER: Final = re.compile(r"&#([xX][0-9A-Fa-f]{1,9}|[0-9]{1,9});")
_TEXT_TAG: Final = re.compile(
    r"<(/?)((?:\w{1,20}:)?(?:title|description|summary|caption)|content:encoded|content)(?=[\s/>])[^<>]*>"
)
_PARSERS: Final = {
    recover: etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    for recover in (False, True)
}


def namespaces(head: str) -> str:
    """The namespace declarations in the beginning of a document, and the usual ones, as attributes."""
    declared: dict[str, str] = {}
    for prefix, quoted, apostrophed in _DECLARATION.findall(head)[:_MAX_DECLARATIONS]:
        declared.setdefault(prefix, quoted or apostrophed)
    for prefix, uri in PREFIXES.items():
        declared.setdefault(prefix, uri)
    written = (f'{"xmlns:" if prefix else "xmlns"}{prefix}="{escape(uri)}"' for prefix, uri in declared.items())
    return " ".join(written)


def element(source: str, declarations: str = "") -> tuple[Element | None, str | None]:
    """The element that a piece of a document is the source of, and what was wrong with it if it had to be mended.

    `declarations` are the namespaces that hold around it, as `namespaces` gives them. None if there is no element.

    >>> url, fault = element("<url><loc>/?a=1&b=2</loc></url>")
    >>> url.findtext("loc"), fault.startswith("not well-formed")
    ('/?a=1&b=2', True)
    """
    text = printable(source)
    fault = None if text == source else "holds control characters"
    try:
        return _parsed(text, declarations, recover=False), fault
    except etree.XMLSyntaxError as error:
        fault = f"not well-formed: {' '.join(str(error.msg).split()):.160}"
    try:
        return _parsed(_without_surrogates(mended(text)), declarations, recover=True), fault
    except etree.XMLSyntaxError:
        return None, fault


def mended(source: str) -> str:
    """The source with its usual faults put right: CDATA, stray `<` and `&`, HTML entities, raw HTML in texts."""
    without_remarks = _REMARK.sub("", _without_cdata(source))
    return _with_escaped_texts(_REFERENCE.sub(_reference, _NO_TAG.sub("&lt;", without_remarks)))


def _parsed(source: str, declarations: str, *, recover: bool) -> Element | None:
    document = f"<document {declarations}>{source}</document>"
    root = etree.fromstring(document.encode(), _PARSERS[recover])
    return next(root.iterchildren(etree.Element), None) if root is not None else None


def _without_surrogates(source: str) -> str:
    """The source without references to half a character, which libxml2 takes and nobody can encode."""
    return _CHARACTER.sub(lambda match: "\ufffd" if _is_surrogate(match[1]) else match[0], source)


def _is_surrogate(number: str) -> bool:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return 0xD800 <= code <= 0xDFFF  # noqa: PLR2004 - the bounds of Unicode


def _reference(match: re.Match[str]) -> str:
    character = html5.get(match[1]) if match[1] else None
    return escape(character) if character else "&amp;" + (match[1] or "")


def _without_cdata(source: str) -> str:
    """The same source with its CDATA sections as escaped text; one that never ends goes as far as its element."""
    first, *sections = source.split(_CDATA)
    pieces = [first]
    for section in sections:
        inside, end, after = section.partition("]]>")
        if not end and (tag := _LAST_TAG.search(pieces[-1][-_MAX_TAG:])):
            inside, end, after = section.partition(f"</{tag[1]}")
        pieces += (escape(inside, quote=False), end.removeprefix("]]>") + after)
    return "".join(pieces)


def _with_escaped_texts(source: str) -> str:
    """Escape the tags that stand raw in titles and descriptions, so that the elements around them keep their places."""
    pieces: list[str] = []
    name, at = "", 0
    for match in _TEXT_TAG.finditer(source):
        closing, tag = match.groups()
        if name and closing and tag == name:
            pieces += (source[at : match.start()].replace("<", "&lt;"), match[0])
            name, at = "", match.end()
        elif not name and not closing and not match[0].endswith("/>"):
            pieces.append(source[at : match.end()])
            name, at = tag, match.end()
    return "".join((*pieces, source[at:]))
