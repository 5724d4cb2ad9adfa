"""One visit: what is asked for a lease, and what the frontier records of it. Pure."""

from datetime import UTC, datetime

from rfispider.frontier import Completion, Lease, Validators
from rfispider.frontier.policy.revisit import POLL_KEYS, Poll
from rfispider.items import SOURCE_KINDS, Link, Outcome, VisitResult

_NOT_FETCHED = frozenset({Outcome.FAILED, Outcome.BLOCKED, Outcome.STUB, Outcome.GONE, Outcome.UNCHANGED})


def link_of(lease: Lease) -> Link:
    """The link that a lease stands for."""
    return Link(
        url=lease.url,
        kind=lease.kind,
        edition=lease.edition,
        depth=lease.depth,
        found_on=lease.found_on,
        entry=lease.entry,
        backfill=lease.priority < 0,
    )


def conditions(validators: Validators) -> dict[str, str]:
    """The headers of a conditional GET."""
    headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in headers.items() if value}


def completion_of(
    lease: Lease, visit: VisitResult, now: datetime, *, max_depth: int | None = None, held_off_s: float | None = None
) -> Completion:
    """What the frontier records of a visit by a crawl of this depth (None: no limit).

    `held_off_s`: it was not asked for, and must not be for so many seconds; None if it was.
    """
    outcome = visit.outcome or Outcome.FAILED
    fetched = outcome not in _NOT_FETCHED
    validators = Validators(etag=visit.etag, last_modified=visit.last_modified, body_hash=visit.body_hash)
    return Completion(
        lease=lease,
        outcome=outcome,
        status=visit.status,
        error=visit.error or (None if visit.outcome else "nothing came of it"),
        validators=validators if fetched else None,
        published_at=visit.published_at,
        poll=poll_of(visit, now) if fetched and lease.kind in SOURCE_KINDS else None,
        followed=_followed(lease, max_depth) if fetched else None,
        max_depth=max_depth,
        claim=visit.claim_evidence,
        held_off_s=visit.held_off_s if held_off_s is None else held_off_s,
    )


def _followed(lease: Lease, max_depth: int | None) -> bool:
    """Whether related links are followed from here; what a source lists is as near as the source itself."""
    return max_depth is None or lease.depth < max_depth or lease.kind in SOURCE_KINDS


def poll_of(visit: VisitResult, now: datetime) -> Poll:
    """What a look at a source showed."""
    times = sorted(visit.times)
    return Poll(
        at=now.astimezone(UTC),
        keys=tuple(visit.listed[:POLL_KEYS]),
        oldest_at=times[0] if times else None,
        newest_at=times[-1] if times else None,
    )
