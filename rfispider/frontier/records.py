"""What workers and the frontier hand each other, and its form as documents. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId

from rfispider.frontier.policy import claims
from rfispider.frontier.policy.revisit import Poll, State, VisitFacts
from rfispider.items import Audio, Claim, Entry, Kind, Outcome

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
    """The server's time when it was leased."""
    due_at: datetime
    """Since when it had been due; the difference is the lag."""
    added_at: datetime
    """When the URL was added to the frontier."""
    priority: int = 0
    attempts: int = 0
    """Requests that were sent for it since its last visit was written down: each ended with its worker."""
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
    claim: Claim | None = None
    """What its last answer claimed, if that has to be confirmed by the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How the visit of a lease ended."""

    lease: Lease
    outcome: Outcome
    status: int | None = None
    """HTTP status."""
    error: str | None = None
    """Why it failed, in one line for a person."""
    validators: Validators | None = None
    """Replace the stored ones; None leaves those as they are (304, failures). After a claim there are none."""
    published_at: datetime | None = None
    """When the article says it was published; None leaves the stored time."""
    poll: Poll | None = None
    """What a source listed; None when it was unchanged or is no source."""
    followed: bool | None = None
    """Whether the links of the page were within the depth of the crawl; None when it was not read."""
    max_depth: int | None = None
    """The depth of the crawl; None is no limit."""
    claim: str | None = None
    """With the outcome CLAIMED: what the answer says (see `items.Claim.evidence`)."""
    held_off_s: float | None = None
    """It was not asked for, since its host refuses pages, and is not to be for so many seconds; None if it was."""


LEASE_FIELDS = (
    "url", "kind", "edition", "state", "due_at", "added_at", "priority", "attempts", "failures", "misses", "depth",
    "found_on", "entry", "published_at", "etag", "last_modified", "body_hash", "interval_s", "poll",
    "unfollowed", "claim",
)  # fmt: skip
"""The fields of a document from which a lease is made."""


def lease_of(document: Mapping[str, Any], token: ObjectId, claimed_at: datetime) -> Lease:
    """The lease that a claim makes of a document as it was before the claim."""
    optional = {name: document[name] for name in ("found_on", "published_at", "interval_s") if name in document}
    counters = {name: document.get(name, 0) for name in ("priority", "failures", "misses", "depth", "attempts")}
    return Lease(
        key=document["_id"],
        url=document["url"],
        kind=Kind(document["kind"]),
        edition=document["edition"],
        token=token,
        claimed_at=claimed_at,
        due_at=document["due_at"],
        added_at=document["added_at"],
        entry=entry_of(document["url"], document["entry"]) if "entry" in document else None,
        validators=_validators_of(document),
        poll=poll_of(document["poll"]) if "poll" in document else None,
        unfollowed=document.get("unfollowed", False),
        claim=Claim(**document["claim"]) if "claim" in document else None,
        **optional,
        **counters,
    )


def _validators_of(document: Mapping[str, Any]) -> Validators:
    """What makes the request of a lease conditional; nothing when it is taken over from another worker."""
    if document["state"] == State.LEASED.value:
        return Validators()
    return Validators(**{name: document.get(name) for name in ("etag", "last_modified", "body_hash")})


def visit_facts(completion: Completion, now: datetime, jitter: float) -> VisitFacts:
    """What the next visit is decided from."""
    lease = completion.lease
    return VisitFacts(
        kind=lease.kind,
        outcome=completion.outcome,
        at=now,
        first_seen_at=lease.added_at,
        published_at=completion.published_at or lease.published_at,
        interval_s=lease.interval_s,
        before=lease.poll,
        poll=completion.poll,
        failures=lease.failures,
        misses=lease.misses,
        once=lease.priority < 0,
        held_off_s=completion.held_off_s,
        claim=claim_after(completion, now),
        jitter=jitter,
    )


def claim_after(completion: Completion, now: datetime) -> Claim | None:
    """The claim that stands after a visit; None after any outcome but CLAIMED."""
    if completion.outcome is not Outcome.CLAIMED:
        return None
    return claims.claimed(completion.lease.claim, completion.claim or "", now)


def compact(entry: Entry) -> Document:
    """An entry as it is kept with its URL: what is empty left out, and the content too.

    An entry that carries content has made an article already; a second copy would only fill the frontier.
    """
    fields = {name: value for name, value in asdict(entry).items() if value and name not in {"url", "content"}}
    if entry.audio:
        fields["audio"] = {name: value for name, value in asdict(entry.audio).items() if value is not None}
    return fields


def entry_of(url: str, document: Mapping[str, Any]) -> Entry:
    """The entry of a URL as it was kept."""
    fields = dict(document)
    if "audio" in fields:
        fields["audio"] = Audio(**fields["audio"])
    return Entry(url=url, **fields)


def poll_of(document: Mapping[str, Any]) -> Poll:
    """A poll as it was kept."""
    return Poll(**{**document, "keys": tuple(document["keys"])})
