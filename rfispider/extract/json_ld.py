"""What a page says of its article in JSON-LD, however it is wrapped or broken."""

import json
import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import chain
from typing import Any, Final

from rfispider.extract.html_document import Document
from rfispider.site import urls

Node = dict[str, Any]
"""A JSON object, which JSON-LD calls a node."""

ARTICLE_TYPES: Final = frozenset(
    {
        "NewsArticle", "Article", "ReportageNewsArticle", "AnalysisNewsArticle", "BackgroundNewsArticle",
        "OpinionNewsArticle", "ReviewNewsArticle", "BlogPosting", "LiveBlogPosting", "RadioEpisode", "PodcastEpisode",
        "Episode", "SocialMediaPosting", "Report",
    }
)  # fmt: skip
"""Types of schema.org that a page of one article may have."""

_PREFIX: Final = re.compile(r".*[/:#]", re.DOTALL)
_STRING_OR_JUNK: Final = re.compile(
    r'("(?:[^"\\]++|\\.|\\\Z)*+(?:"|\Z))'
    r"|/\*.*?(?:\*/|\Z)|(?://[ \t]*)?(?:<!\[CDATA\[|\]\]>|<!--|-->)|//[^\n]*|,(?=\s*[\]}])|\ufeff",
    re.DOTALL,
)
"""A string, which stays as it is; or a comment, a wrapper of XML or HTML, a comma too many, a byte order mark."""
_BETWEEN_VALUES: Final = re.compile(r"[\s,;]*")
_DECODER: Final = json.JSONDecoder(strict=False)
_MAX_NODES: Final = 500
_MAX_LENGTH: Final = 2_000_000
_MAX_VALUES: Final = 50
"""Values one after the other that are read from a script."""
_MAX_DEPTH: Final = 4
"""Levels of a node on which references to other nodes are looked up."""


def article(document: Document, addresses: Iterable[str]) -> Node:
    """The node about the article of a page, references to other nodes looked up; empty if there is none.

    `addresses` are the URLs under which the page is known. A node that names one of them is about the article; failing
    that, the only one that may be. What several nodes say of different articles is never put together.
    """
    all_nodes = nodes(document)
    candidates = _distinct([node for node in all_nodes if types(node) & ARTICLE_TYPES])
    chosen = candidates[0] if len(candidates) == 1 else _about(candidates, {urls.key(each) for each in addresses})
    by_id = {identity: node for node in all_nodes if len(node) > 1 and isinstance(identity := node.get("@id"), str)}
    if not by_id:
        return chosen
    return {name: _looked_up(value, by_id, _MAX_DEPTH) for name, value in chosen.items()}


def nodes(document: Document) -> list[Node]:
    """The nodes of all JSON-LD scripts of a page, lists and graphs taken apart; what cannot be read is left out."""
    scripts = [script for script in document.all("script") if "ld+json" in (script.get("type") or "").lower()]
    values = chain.from_iterable(loaded(script.text) for script in scripts)
    return list(chain.from_iterable(map(_flat, values)))


def types(node: Node) -> set[str]:
    """The types of a node, without a prefix such as http://schema.org/.

    >>> types({"@type": ["http://schema.org/NewsArticle", "schema:Article"]}) == {"NewsArticle", "Article"}
    True
    """
    value = node.get("@type")
    names = value if isinstance(value, list) else [value]
    return {_PREFIX.sub("", name) for name in names if isinstance(name, str)}


# ---- which node ------------------------------------------------------------------------------------------


def _about(candidates: list[Node], keys: set[str]) -> Node:
    """The node about the article whose URLs have one of the keys; empty if it cannot be told from others."""
    for names in (("url", "@id"), ("mainEntityOfPage",)):
        named = _news_first([node for node in candidates if not keys.isdisjoint(_keys(node, names))])
        if named:
            return _single(named) or named[0]
    unnamed = [node for node in candidates if not _keys(node, ("url", "@id", "mainEntityOfPage"))]
    return _single(_news_first(unnamed)) or {}


def _news_first(candidates: list[Node]) -> list[Node]:
    """The nodes of the type that the site gives its articles; all of them if none has it."""
    return [node for node in candidates if "NewsArticle" in types(node)] or candidates


def _single(candidates: list[Node]) -> Node | None:
    """What several nodes say together if they contradict each other nowhere: they are parts of one."""
    merged: Node = {}
    for node in candidates:
        for name, value in node.items():
            if value and merged.setdefault(name, value) != value and not name.startswith("@"):
                return None
    return merged


def _distinct(candidates: list[Node]) -> list[Node]:
    """The nodes without repeated ones, those of one @id put together."""
    by_identity: dict[str, Node] = {}
    for number, node in enumerate(candidates):
        identity = node.get("@id")
        first = by_identity.setdefault(identity if isinstance(identity, str) else f"number {number}", node)
        if first is not node:
            first |= {name: value for name, value in node.items() if name not in first}
    distinct: list[Node] = []
    for node in by_identity.values():
        if node not in distinct:
            distinct.append(node)
    return distinct


def _keys(node: Node, names: Iterable[str]) -> set[str]:
    """Keys of the articles of the site that properties of a node name as what it is about."""
    values = chain.from_iterable(_as_list(node.get(name)) for name in names)
    addresses = [value.get("@id") or value.get("url") if isinstance(value, dict) else value for value in values]
    return {urls.key(address) for address in addresses if isinstance(address, str) and urls.is_article(address)}


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _looked_up(value: object, by_id: dict[str, Node], depth: int) -> object:
    """A value with its references replaced by the nodes that they name."""
    if isinstance(value, list):
        return [_looked_up(each, by_id, depth) for each in value[:_MAX_NODES]]
    if not isinstance(value, dict) or depth == 0:
        return value
    identity = value.get("@id")
    named = by_id.get(identity, {}) if isinstance(identity, str) else {}
    return {name: _looked_up(each, by_id, depth - 1) for name, each in {**named, **value}.items()}


# ---- reading ---------------------------------------------------------------------------------------------


def loaded(text: str | None) -> list[Any]:
    """The JSON values of a script, also where they are escaped as HTML, wrapped or commented; empty if it has none.

    >>> loaded('<!-- {"a": 1,} /* and */ {"b": "//"} -->')
    [{'a': 1}, {'b': '//'}]
    """
    if not text or len(text) > _MAX_LENGTH:
        return []
    try:
        return [_DECODER.decode(text)]
    except (ValueError, RecursionError):
        return _values(_cleaned(text)) or _values(_cleaned(unescape(text)))


def _cleaned(text: str) -> str:
    return _STRING_OR_JUNK.sub(lambda match: match[1] or " ", text)


def _values(text: str) -> list[Any]:
    """The values that stand one after the other in a text, up to the first that is broken."""
    values: list[Any] = []
    position = _end_of_gap(text, 0)
    try:
        while position < len(text) and len(values) < _MAX_VALUES:
            value, end = _DECODER.raw_decode(text, position)
            values.append(value)
            position = _end_of_gap(text, end)
    except (ValueError, RecursionError):
        return values
    return values


def _end_of_gap(text: str, start: int) -> int:
    gap = _BETWEEN_VALUES.match(text, start)
    return gap.end() if gap else start


def _flat(value: object) -> Iterator[Node]:
    """Nodes of a value, those of its lists and graphs included, in order; no deeper than they are ever seen."""
    waiting, seen = [value], 0
    while waiting and seen < _MAX_NODES:
        current = waiting.pop(0)
        seen += 1
        if isinstance(current, list):
            waiting = [*current[:_MAX_NODES], *waiting]
        elif isinstance(current, dict):
            yield current
            inner = [current.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage")]
            waiting = [*(value for value in inner if isinstance(value, list | dict)), *waiting]
