"""What a link that was found means for the frontier: a new URL, a sooner visit, a higher priority, or nothing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rfispider.frontier.policy.priorities import priority
from rfispider.frontier.policy.revisit import State
from rfispider.frontier.records import Document, compact
from rfispider.items import SCHEMA, Kind, Link
from rfispider.site import urls

WAITING = frozenset({State.DUE, State.FAILED, State.LEASED})
"""States of a URL that was not read yet, or not lately."""
COMPARED_FIELDS = (
    "state", "priority", "due_at", "depth", "told_at", "added_at", "published_at", "last.at", "entry.title",
)  # fmt: skip
"""The fields of a document that a link is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryContext:
    """Under which circumstances links are added."""

    now: datetime
    """The server's time."""
    backfill: bool = False
    """The links wait behind the news, and those to sources are read once."""
    stale_s: float | None = None
    """Seconds after a visit when a URL that is listed again is due at once; None = it keeps its due time."""
    max_depth: int | None = None
    """Links of pages at this depth are not followed: a page that turns out to be nearer is read again for them."""


def merged(links: Iterable[Link]) -> dict[str, Link]:
    """Links by key; of those to one URL the nearest, with the first entry that any of them has."""
    nearest: dict[str, Link] = {}
    for link in links:
        key = urls.key(link.url)
        other = nearest.get(key)
        if other is None:
            nearest[key] = link
        elif link.depth < other.depth or other.entry is None:
            nearer = min(other, link, key=lambda each: each.depth)
            nearest[key] = replace(nearer, entry=other.entry or link.entry)
    return nearest


def changed_at(link: Link) -> datetime | None:
    """When the source says the page last changed, to the millisecond that the database keeps."""
    time = (link.entry.modified_at or link.entry.published_at) if link.entry else None
    return time and time.replace(microsecond=time.microsecond // 1000 * 1000)


def days(link: Link) -> list[str]:
    """The days (ISO, UTC) that an article belongs to by its URL and its source; none for another kind."""
    if not urls.is_article(link.kind):
        return []
    return urls.days(link.url, link.entry.published_at if link.entry else None)


def added_fields(document: Mapping[str, Any]) -> Document:
    """The fields that a document of an earlier release lacks."""
    if not urls.is_article(Kind(document["kind"])):
        return {}
    found_days = urls.days(document["url"], document.get("published_at"))
    return {"days": found_days} if found_days else {}


def document(link: Link, context: DiscoveryContext) -> Document:
    """The document of a new URL, without its key; what is empty is left out."""
    optional = {
        "found_on": link.found_on,
        "entry": link.entry and compact(link.entry),
        "published_at": link.entry and link.entry.published_at,
        "days": days(link),
        "told_at": changed_at(link),
    }
    return {
        "url": link.url,
        "kind": link.kind.value,
        "edition": link.edition,
        "state": State.DUE.value,
        "priority": priority(link, backfill=context.backfill),
        "due_at": context.now,
        "attempts": 0,
        "depth": link.depth,
        "added_at": context.now,
        "schema": SCHEMA,
        **{name: value for name, value in optional.items() if value},
    }


def update(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> Document | None:
    """The update of the document of a URL that is found again; None when there is nothing to change.

    An update that moves the due time must not meet a lease, whose due time is its end: see `reopens`.
    """
    operators = {
        "$max": _higher_priority(present, link, context),
        "$min": {"depth": link.depth} if link.depth < present["depth"] else {},
        "$set": _new_fields(present, link, context),
        "$addToSet": _new_days(present, link),
        # Without them the answer is the whole page, and its links are read.
        "$unset": dict.fromkeys(("etag", "last_modified", "body_hash"), "") if _nearer(present, link, context) else {},
    }
    return {operator: fields for operator, fields in operators.items() if fields} or None


def reopens(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> bool:
    """Whether a URL that is found again is due at once.

    It is when it has changed since the last visit, when that was long ago, or when it is nearer than it seemed.
    """
    match present["state"]:
        case State.DONE:
            return any(test(present, link, context) for test in (_changed, _stale, _nearer))
        case State.DUE:
            # It waits for an answer that confirms the last one.
            return not _is_due(present, context) and _changed(present, link, context)
        case State.FAILED:
            return _stale(present, link, context)
        case State.GONE:
            return _changed(present, link, context)
        case _:
            return False


def _higher_priority(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> Document:
    higher = priority(link, backfill=context.backfill)
    waits = present["state"] in WAITING or reopens(present, link, context)
    return {"priority": higher} if waits and higher > present["priority"] else {}


def _new_fields(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> Document:
    again = reopens(present, link, context)
    fields = _due_again(present, link, context) if again else {}
    lacks_entry = present["state"] in WAITING and "entry" not in present
    if link.entry and (again or lacks_entry):
        fields["entry"] = compact(link.entry)
    if _tells_publication(present, link):
        fields["published_at"] = link.entry and link.entry.published_at
    return fields


def _new_days(present: Mapping[str, Any], link: Link) -> Document:
    found_days = days(link) if _tells_publication(present, link) else []
    return {"days": {"$each": found_days}} if found_days else {}


def _tells_publication(present: Mapping[str, Any], link: Link) -> bool:
    return bool(link.entry and link.entry.published_at) and "published_at" not in present


def _due_again(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> Document:
    due_at, change = present.get("due_at"), changed_at(link)
    fields: Document = {"state": State.DUE.value, "due_at": min(due_at, context.now) if due_at else context.now}
    return {**fields, "told_at": change} if change else fields


def _changed(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> bool:
    """Whether the source tells of a later change than it did before, or than the last visit."""
    change = changed_at(link)
    visited_at = _visited_at(present)
    last_change = present.get("told_at") or visited_at
    if change is None or change > last_change:
        return change is not None
    # A time in the future was an error of the source: it must not hide what changes until then.
    return bool(last_change > context.now >= change > visited_at)


def _stale(present: Mapping[str, Any], _: Link, context: DiscoveryContext) -> bool:
    return context.stale_s is not None and context.now - _visited_at(present) > timedelta(seconds=context.stale_s)


def _nearer(present: Mapping[str, Any], link: Link, context: DiscoveryContext) -> bool:
    if context.max_depth is None or present["state"] != State.DONE:
        return False
    return bool(link.depth < context.max_depth <= present["depth"])


def _is_due(present: Mapping[str, Any], context: DiscoveryContext) -> bool:
    due_at: datetime | None = present.get("due_at")
    return due_at is not None and due_at <= context.now


def _visited_at(present: Mapping[str, Any]) -> datetime:
    """When the last visit ended, or, before there was one, when the URL was added."""
    time: datetime = present.get("last", {}).get("at") or present["added_at"]
    return time
