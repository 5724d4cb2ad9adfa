"""What a page says of itself in JSON-LD, however it is wrapped or broken."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any, Final

from rfispider.extract.html_document import Document

Thing = dict[str, Any]
"""A JSON object."""

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
_MAX_THINGS: Final = 500
_MAX_LENGTH: Final = 2_000_000


def things(document: Document) -> list[Thing]:
    """The objects of all JSON-LD scripts of a page, lists and graphs taken apart; what cannot be read is left out."""
    found: list[Thing] = []
    for script in document.all("script"):
        if "ld+json" in (script.get("type") or "").lower():
            found.extend(_flat(loaded(script.text)))
    return found


def article(objects: list[Thing]) -> Thing:
    """The fields of the article, gathered from all objects that describe one, the first word counting."""
    merged: Thing = {}
    for thing in objects:
        if types(thing) & ARTICLE_TYPES:
            for name, value in thing.items():
                if value and name not in merged:
                    merged[name] = value
    return merged


def types(thing: Thing) -> set[str]:
    """The types of an object, without a prefix such as http://schema.org/."""
    told = thing.get("@type")
    return {name.rsplit("/", 1)[-1] for name in (told if isinstance(told, list) else [told]) if isinstance(name, str)}


def loaded(text: str | None) -> Any:  # noqa: ANN401 - JSON may hold anything
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


def _flat(value: object) -> Iterator[Thing]:
    """Objects of a value, those of its lists and graphs included, in order; no deeper than they are ever seen."""
    waiting, seen = [value], 0
    while waiting and seen < _MAX_THINGS:
        current = waiting.pop(0)
        seen += 1
        if isinstance(current, list):
            waiting = [*current[:_MAX_THINGS], *waiting]
        elif isinstance(current, dict):
            yield current
            inner = [current.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage")]
            waiting = [*(value for value in inner if isinstance(value, list | dict)), *waiting]
