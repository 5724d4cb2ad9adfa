"""From the text of an XML document, well formed or not, to a parse tree without anything dangerous in it.

The document type is cut off before parsing, so that no entity is ever declared: there is nothing to expand,
and nothing to load from elsewhere. What is not well formed is mended in the ways feeds are really broken,
then read as far as it goes.
"""

import re
from html import escape
from html.entities import html5
from typing import Any

from lxml import etree

from rfispider.feeds.result import FeedError
from rfispider.text import printable

_START = re.compile(r"<(?:\?xml\b|!DOCTYPE\b|!--|[A-Za-z_])")
_PROLOGUE = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)", re.DOTALL)
_CDATA = "<![CDATA["
_NO_TAG = re.compile(r"<(?!/?[A-Za-z_]|!--|\?)")
_REFERENCE = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)([A-Za-z][A-Za-z0-9]{1,31};)?")
_CHARACTER = re.compile(r"&#([xX][0-9A-Fa-f]{1,9}|[0-9]{1,9});")
_TEXT_TAG = re.compile(r"<(/?)(title|description|summary|content:encoded|content|item|entry)(?=[\s/>])[^<>]*>")
_ENTRY_TAGS = ("item", "entry")
_ENTRY_END = re.compile(r"</(?:item|entry)\s*>")
_ROOT_END = re.compile(r"</[A-Za-z:]+\s*>\s*$")


def tree(text: str) -> tuple[Any, str | None]:
    """Parse a document; returns the root element, and what was wrong if it had to be mended.

    Raises FeedError when there is no element in it.
    """
    document, oddity = _without_prologue(printable(text))
    try:
        return _parsed(document, recover=False), oddity
    except etree.XMLSyntaxError as error:
        fault = f"not well-formed: {' '.join(str(error.msg).split()):.160}"
    try:
        root = _parsed(_without_surrogates(mended(document)), recover=True)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise FeedError(fault)
    return root, "; ".join(filter(None, (oddity, fault, "read leniently")))


def mended(document: str) -> str:
    """The document with its usual faults put right: CDATA, stray `<` and `&`, raw HTML in texts, a cut-off end."""
    whole = _REFERENCE.sub(_reference, _NO_TAG.sub("&lt;", _without_cdata(document)))
    whole = _with_escaped_texts(whole)
    return whole if _ROOT_END.search(whole[-200:]) else _without_last_piece(whole)


def _without_surrogates(document: str) -> str:
    """The document without references to half a character, which libxml2 takes and nobody can encode."""
    return _CHARACTER.sub(lambda found: "\ufffd" if _is_surrogate(found[1]) else found[0], document)


def _is_surrogate(number: str) -> bool:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return 0xD800 <= code <= 0xDFFF  # noqa: PLR2004 - the bounds of Unicode


def _parsed(document: str, *, recover: bool) -> Any:  # noqa: ANN401 - lxml carries no types
    parser = etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    return etree.fromstring(document.encode(), parser)


def _without_prologue(text: str) -> tuple[str, str | None]:
    """Cut off everything before the root element."""
    start = _START.search(text)
    if start is None:
        raise FeedError("neither XML nor JSON")
    at, problem = start.start(), None
    if text[:at].strip():
        problem = "text before the XML"
    while piece := _PROLOGUE.match(text, at):
        if "<!ENTITY" in piece[0]:
            problem = "declares entities of its own, left unexpanded"
        at = piece.end()
    return text[at:], problem


def _reference(found: re.Match[str]) -> str:
    character = html5.get(found[1]) if found[1] else None
    return escape(character) if character else "&amp;" + (found[1] or "")


def _without_cdata(document: str) -> str:
    """The same document with its CDATA sections as escaped text; one that never ends goes to the end."""
    first, *sections = document.split(_CDATA)
    pieces = [first]
    for section in sections:
        inside, _, after = section.partition("]]>")
        pieces += (escape(inside, quote=False), after)
    return "".join(pieces)


def _with_escaped_texts(document: str) -> str:
    """Escape the tags that stand raw in titles and descriptions, so that the elements around them keep their places."""
    pieces: list[str] = []
    name, at = "", 0
    for found in _TEXT_TAG.finditer(document):
        closing, tag = found.groups()
        if name and closing and tag == name:
            pieces += (document[at : found.start()].replace("<", "&lt;"), found[0])
            name, at = "", found.end()
        elif tag in _ENTRY_TAGS:
            name = ""
        elif not name and not closing and not found[0].endswith("/>"):
            pieces.append(document[at : found.end()])
            name, at = tag, found.end()
    return "".join((*pieces, document[at:]))


def _without_last_piece(document: str) -> str:
    """Drop the entry that a cut went through: its address may be half an address."""
    ends = [found.end() for found in _ENTRY_END.finditer(document)]
    start = re.search(r"<(?:item|entry)[\s>]", document)
    if ends:
        return document[: ends[-1]]
    return document[: start.start()] if start else document
