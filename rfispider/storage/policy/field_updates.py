"""Which fields of a stored article get another value from a newly seen state. Pure.

What is missing never erases what is known; what a better origin says replaces what a worse one said.
"""

from dataclasses import fields
from typing import Any, Final

from rfispider.items import NOT_STORED, Article, Status
from rfispider.storage.policy.precedence import WORTH, rank
from rfispider.storage.policy.visible_edits import essential_text, is_alike
from rfispider.text import without_spaces

SOURCES_MAX: Final = 20
"""How many places where an article was found are kept; the first ones tell most."""

_CONTENT: Final = ("lead", "text", "content_hash")
"""Changed together or not at all: the hash is that of the other two."""

_ABOUT_CONTENT: Final = ("status", "gone_at", "origin", "extractor", "fetched_at")
"""Tell of the content that is stored, and follow it."""

_APART: Final = NOT_STORED | {"key", "url", "edition", "aliases", "sources", "provenance", *_CONTENT, *_ABOUT_CONTENT}
"""Decided one by one, or never changed; every other field is merged by one rule."""

_MERGED: Final = tuple(field.name for field in fields(Article) if field.name not in _APART)

_HEADLINE: Final = frozenset({"title", "modified_at"})
"""What a worse origin may replace along with the text."""


def field_updates(old: Article, seen: Article, *, takes_over: bool) -> dict[str, Any]:
    """Field name -> new value, of the fields that change.

    `takes_over`: what was seen may take the place of the stored content.
    """
    leads = takes_over and (rank(seen) >= rank(old) or WORTH[seen.status] > WORTH[old.status])
    replaceable = _HEADLINE if takes_over else frozenset[str]()
    replaced = frozenset(_MERGED) if leads else replaceable
    updates = _content(old, seen, takes_over=takes_over, leads=leads) | _merged(old, seen, replaced)
    origins = {name: origin for name, origin in seen.provenance.items() if name in updates}
    provenance = {"provenance": old.provenance | origins} if origins else {}
    return updates | growth(old, seen) | _changes(old, provenance)


def _merged(old: Article, seen: Article, replaced: frozenset[str]) -> dict[str, Any]:
    """New values of the fields that are merged by one rule; `replaced` are those that may lose their value."""
    updates: dict[str, Any] = {}
    for name in _MERGED:
        before, after = getattr(old, name), getattr(seen, name)
        if not after or before == after:
            continue
        if not before or (name in replaced and not is_alike(name, before, after)):
            updates[name] = after
    return updates


def _content(old: Article, seen: Article, *, takes_over: bool, leads: bool) -> dict[str, Any]:
    """New values of lead, text, hash, and of the fields that tell of them."""
    updates: dict[str, Any] = {}
    if _replaces_content(old, seen, takes_over=takes_over, leads=leads):
        updates = {name: getattr(seen, name) for name in _CONTENT}
    if leads or updates:
        updates |= {name: getattr(seen, name) for name in _ABOUT_CONTENT}
    if WORTH[seen.status] < WORTH[old.status]:
        # An empty text was filled in: that alone is no lower status.
        updates.pop("status", None)
    if seen.status is Status.GONE:
        # It tells of a tombstone; the removal itself is not decided here.
        updates.pop("gone_at", None)
    return _changes(old, updates)


def _replaces_content(old: Article, seen: Article, *, takes_over: bool, leads: bool) -> bool:
    is_empty, was_empty = not (seen.lead or seen.text), not (old.lead or old.text)
    if is_empty or (old.lead, old.text) == (seen.lead, seen.text):
        return False
    if was_empty:
        return True
    if without_spaces(old.text) == without_spaces(seen.text):
        return _replaces_lead(old, seen, leads=leads)
    return takes_over and essential_text(old) != essential_text(seen)


def _replaces_lead(old: Article, seen: Article, *, leads: bool) -> bool:
    """Where the text is the same, the lead is a field like any other: filled in, or replaced by a better origin."""
    if not seen.lead or without_spaces(old.lead) == without_spaces(seen.lead):
        return False
    return leads or not old.lead


def growth(old: Article, seen: Article) -> dict[str, Any]:
    """New values of the fields that only ever grow: other URLs, and where the article was found."""
    grown = {
        "aliases": union(old.aliases, seen.aliases, without=old.url),
        "sources": union(old.sources, seen.sources)[: max(SOURCES_MAX, len(old.sources))],
    }
    return _changes(old, grown)


def _changes(old: Article, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that are other than the article has."""
    return {name: value for name, value in values.items() if value != getattr(old, name)}


def union(before: list[str], after: list[str], without: str | None = None) -> list[str]:
    """What is in either list, in order, each once; `without` is not added.

    >>> union(["a"], ["b", "a", "c", "b"], without="c")
    ['a', 'b']
    """
    present = {without, *before}
    return [*before, *(value for value in dict.fromkeys(after) if value not in present)]
