"""The records that workers exchange with the frontier, and their form as documents. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId

from rfispider.frontier.policy.revisit import Poll, VisitFacts
from rfispider.items import Audio, Entry, Kind, Outcome

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What makes the next request of a URL conditional."""

    etag: str | None = None
    last_modified: str | None = None
    """The header as it was sent."""
    body_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One URL that this worker may fetch, until the lease runs out."""

    key: str
    url: str
    """Canonical."""
    kind: Kind
    edition: str | None
    token: ObjectId
    """Fences off an earlier holder: only the holder of the present token can acknowledge."""
    claimed_at: datetime
    """Time of the server at the claim."""
    due_at: datetime
    """Since when it had been due: the difference is the lag."""
    added_at: datetime
    """When the URL was first heard of."""
    priority: int = 0
    attempts: int = 1
    """Claims since the last visit that did not fail, this one included."""
    failures: int = 0
    """Visits in a row that failed."""
    misses: int = 0
    """Answers 404 or 410 in a row."""
    depth: int = 0
    """Related-link hops from the source."""
    found_on: str | None = None
    entry: Entry | None = None
    """What a source said of the URL, without the content it may have carried."""
    published_at: datetime | None = None
    validators: Validators = field(default_factory=Validators)
    interval_s: float | None = None
    """Present polling interval of a source."""
    poll: Poll | None = None
    """The last poll of a source."""
    unfollowed: bool = False
    """Its related links were left alone when it was read: they were beyond the depth of that crawl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What came of a lease."""

    lease: Lease
    outcome: Outcome
    status: int | None = None
    """HTTP status."""
    error: str | None = None
    """Why it failed, in one line for a person."""
    validators: Validators | None = None
    """Replaces what is known; None leaves that as it is (304, failures)."""
    published_at: datetime | None = None
    """When the article says it was published; None leaves what is known."""
    poll: Poll | None = None
    """What a source listed; None when it was unchanged or is no source."""
    followed: bool | None = None
    """Whether the links of the page were within the depth of the crawl; None when it was not read."""
    max_depth: int | None = None
    """The depth of the crawl; None is no limit."""
    held_off_s: float | None = None
    """It was not asked for, since its host refuses pages, and is not to be for so many seconds; None if it was."""


FIELDS = (
    "url", "kind", "edition", "state", "due_at", "added_at", "priority", "attempts", "failures", "misses", "depth",
    "found_on", "entry", "published_at", "etag", "last_modified", "body_hash", "interval_s", "poll",
    "unfollowed",
)  # fmt: skip
"""The fields of a document that a lease is made of."""


def lease(document: Mapping[str, Any], token: ObjectId, claimed_at: datetime) -> Lease:
    """The lease that a claim makes of a document as it was before the claim."""
    told = {name: document[name] for name in ("found_on", "published_at", "interval_s") if name in document}
    counted = {name: document.get(name, 0) for name in ("priority", "failures", "misses", "depth")}
    return Lease(
        key=document["_id"],
        url=document["url"],
        kind=Kind(document["kind"]),
        edition=document["edition"],
        token=token,
        claimed_at=claimed_at,
        due_at=document["due_at"],
        added_at=document["added_at"],
        attempts=document.get("attempts", 0) + 1,
        entry=entry(document["url"], document["entry"]) if "entry" in document else None,
        validators=Validators(**{name: document.get(name) for name in ("etag", "last_modified", "body_hash")}),
        poll=poll(document["poll"]) if "poll" in document else None,
        unfollowed=document.get("unfollowed", False),
        **told,
        **counted,
    )


def visit(done: Completion, now: datetime, jitter: float) -> VisitFacts:
    """What the decision about the next visit is made from."""
    held = done.lease
    return VisitFacts(
        kind=held.kind,
        outcome=done.outcome,
        at=now,
        first_seen_at=held.added_at,
        published_at=done.published_at or held.published_at,
        interval_s=held.interval_s,
        before=held.poll,
        poll=done.poll,
        failures=held.failures,
        misses=held.misses,
        once=held.priority < 0,
        held_off_s=done.held_off_s,
        jitter=jitter,
    )


def compact(said: Entry) -> Document:
    """An entry as it is kept with its URL: what is empty left out, and the content too.

    An entry that carries content has made an article already; a second copy would only fill the frontier.
    """
    kept = {name: value for name, value in asdict(said).items() if value and name not in {"url", "content"}}
    if said.audio:
        kept["audio"] = {name: value for name, value in asdict(said.audio).items() if value is not None}
    return kept


def entry(url: str, document: Mapping[str, Any]) -> Entry:
    """The entry of a URL as it was kept."""
    fields = dict(document)
    if "audio" in fields:
        fields["audio"] = Audio(**fields["audio"])
    return Entry(url=url, **fields)


def poll(document: Mapping[str, Any]) -> Poll:
    """A poll as it was kept."""
    return Poll(**{**document, "keys": tuple(document["keys"])})
