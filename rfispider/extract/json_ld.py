"""What a page says of itself in JSON-LD, however it is wrapped or broken."""

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import chain
from typing import Any, Final

from rfispider.extract.html_document import Document

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

_WRAPPING: Final = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$")
_TRAILING_COMMA: Final = re.compile(r",(\s*[\]}])")
_MAX_NODES: Final = 500
_MAX_LENGTH: Final = 2_000_000


def nodes(document: Document) -> list[Node]:
    """The nodes of all JSON-LD scripts of a page, lists and graphs taken apart; what cannot be read is left out."""
    scripts = [script for script in document.all("script") if "ld+json" in (script.get("type") or "").lower()]
    return list(chain.from_iterable(_flat(loaded(script.text)) for script in scripts))


def article(candidates: list[Node]) -> Node:
    """The fields of the article, gathered from all nodes that describe one; the first value of a field counts."""
    merged: Node = {}
    for node in candidates:
        if types(node) & ARTICLE_TYPES:
            for name, value in node.items():
                if value and name not in merged:
                    merged[name] = value
    return merged


def types(node: Node) -> set[str]:
    """The types of a node, without a prefix such as http://schema.org/."""
    value = node.get("@type")
    names = value if isinstance(value, list) else [value]
    return {name.rsplit("/", 1)[-1] for name in names if isinstance(name, str)}


def loaded(text: str | None) -> Any:
    """The JSON of a script, also where it is escaped as HTML or has a comma too many; None if it is none."""
    if not text or len(text) > _MAX_LENGTH:
        return None
    text = _WRAPPING.sub("", text).strip().rstrip(";")
    for attempt in (text, unescape(text), _TRAILING_COMMA.sub(r"\1", unescape(text))):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _flat(value: object) -> Iterator[Node]:
    """Objects of a value, those of its lists and graphs included, in order; no deeper than they are ever seen."""
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
