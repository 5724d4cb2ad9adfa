"""What a link that was found means for the frontier: new, sooner, more important, or nothing. Pure."""

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
KNOWN_FIELDS = ("state", "priority", "due_at", "depth", "told_at", "added_at", "published_at", "last.at", "entry.title")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryContext:
    """Under which links are added."""

    now: datetime
    """Time of the server."""
    backfill: bool = False
    """Work that waits behind the news, and whose sources are read once."""
    stale_s: float | None = None
    """What was last looked at longer ago than this is due again; None = whatever was planned for it stays."""
    max_depth: int | None = None
    """Pages at this depth were not followed: one that turns out to be nearer is fetched again to be."""


def merged(links: Iterable[Link]) -> dict[str, Link]:
    """Links by key; of those that lead to one document the nearest, with what the first of them said of it."""
    found: dict[str, Link] = {}
    for link in links:
        key = urls.key(link.url)
        other = found.get(key)
        if other is None:
            found[key] = link
        elif link.depth < other.depth or other.entry is None:
            nearest = min(other, link, key=lambda each: each.depth)
            found[key] = replace(nearest, entry=other.entry or link.entry)
    return found


def told_at(link: Link) -> datetime | None:
    """When the source says the document last changed, to the millisecond that the database keeps."""
    told = (link.entry.modified_at or link.entry.published_at) if link.entry else None
    return told and told.replace(microsecond=told.microsecond // 1000 * 1000)


def days(link: Link) -> list[str]:
    """The days (ISO, UTC) that an article belongs to as far as its URL and the source tell; none for another kind."""
    if not urls.is_article(link.kind):
        return []
    return urls.days(link.url, link.entry.published_at if link.entry else None)


def added(document: Mapping[str, Any]) -> Document:
    """What a document of an earlier release lacks."""
    told = urls.days(document["url"], document.get("published_at"))
    return {"days": told} if told and urls.is_article(Kind(document["kind"])) else {}


def document(link: Link, about: DiscoveryContext) -> Document:
    """What is stored of a URL that was not known, without its key; what is empty is left out."""
    optional = {
        "found_on": link.found_on,
        "entry": link.entry and compact(link.entry),
        "published_at": link.entry and link.entry.published_at,
        "days": days(link),
        "told_at": told_at(link),
    }
    return {
        "url": link.url,
        "kind": link.kind.value,
        "edition": link.edition,
        "state": State.DUE.value,
        "priority": priority(link, backfill=about.backfill),
        "due_at": about.now,
        "attempts": 0,
        "depth": link.depth,
        "added_at": about.now,
        "schema": SCHEMA,
        **{name: value for name, value in optional.items() if value},
    }


def changes(known: Mapping[str, Any], link: Link, about: DiscoveryContext) -> Document | None:
    """The update of a known URL that is found again, None when there is nothing to change.

    An update that moves the due time must not meet a lease, whose due time is its end: see `reopens`.
    """
    again = reopens(known, link, about)
    fields = _again(known, link, about) if again else {}
    wanted = priority(link, backfill=about.backfill)
    update: Document = {}
    if (again or known["state"] in WAITING) and wanted > known["priority"]:
        update["$max"] = {"priority": wanted}
    if link.depth < known["depth"]:
        update["$min"] = {"depth": link.depth}
    if link.entry and (again or (known["state"] in WAITING and "entry" not in known)):
        fields["entry"] = compact(link.entry)
    if link.entry and link.entry.published_at and "published_at" not in known:
        fields["published_at"] = link.entry.published_at
        if told := days(link):
            update["$addToSet"] = {"days": {"$each": told}}
    if fields:
        update["$set"] = fields
    if _nearer(known, link, about):
        # Without them the answer is the whole page, and its links are read.
        update["$unset"] = {"etag": "", "last_modified": "", "body_hash": ""}
    return update or None


def reopens(known: Mapping[str, Any], link: Link, about: DiscoveryContext) -> bool:
    """Whether a known URL is due at once: it changed, was not looked at for long, or is nearer than it seemed."""
    if known["state"] == State.LEASED:
        return False
    if known["state"] == State.FAILED:
        return _stale(known, about)
    if known["state"] == State.GONE:
        return _changed(known, link, about)
    return known["state"] == State.DONE and (
        _changed(known, link, about) or _stale(known, about) or _nearer(known, link, about)
    )


def _again(known: Mapping[str, Any], link: Link, about: DiscoveryContext) -> Document:
    told = told_at(link)
    fields: Document = {"state": State.DUE.value, "due_at": _sooner(known.get("due_at"), about.now)}
    return {**fields, "told_at": told} if told else fields


def _sooner(due_at: datetime | None, now: datetime) -> datetime:
    return min(due_at, now) if due_at else now


def _changed(known: Mapping[str, Any], link: Link, about: DiscoveryContext) -> bool:
    """Whether the source tells of a later change than it did before, or than our last look."""
    told = told_at(link)
    looked_at = known.get("last", {}).get("at") or known["added_at"]
    seen = known.get("told_at") or looked_at
    if told is None or told > seen:
        return told is not None
    # A time that has not come was told in error: it must not hide what changes until then.
    return bool(seen > about.now >= told > looked_at)


def _stale(known: Mapping[str, Any], about: DiscoveryContext) -> bool:
    looked_at = known.get("last", {}).get("at") or known["added_at"]
    return about.stale_s is not None and about.now - looked_at > timedelta(seconds=about.stale_s)


def _nearer(known: Mapping[str, Any], link: Link, about: DiscoveryContext) -> bool:
    return (
        about.max_depth is not None and known["state"] == State.DONE and link.depth < about.max_depth <= known["depth"]
    )
