"""What happens to a lease, as update pipelines: the clock in them is the server's. Pure.

A leased URL carries the end of its lease as its due time, so that one range of one index finds everything that may
be claimed: what is due for the first time, again, after a failure, and what a dead worker left.
"""

from dataclasses import asdict
from dataclasses import fields as fields_of

from bson import ObjectId

from rfispider.frontier.policy import priorities
from rfispider.frontier.policy.revisit import Gap, NextVisit, State, VisitFacts
from rfispider.frontier.records import Completion, Document, Lease, Validators
from rfispider.items import SOURCE_KINDS, Claim, Outcome

Pipeline = list[Document]

ERROR_CHARACTERS = 500
"""Characters of the reason of a failure that are kept: a traceback belongs in the log."""

VALIDATORS = tuple(field.name for field in fields_of(Validators))
"""Names of what makes the next request conditional."""

GAPS_KEPT = 50
"""Gaps of a source that are kept, the latest last."""


def due(comparison: str) -> Document:
    """The filter of what is due, by comparison ($lte, $gt) with now.

    The type is asked for because the index holds only dates.
    """
    return {"due_at": {"$type": "date"}, "$expr": {comparison: ["$due_at", "$$NOW"]}}


DUE = due("$lte")


def after_now(seconds: float) -> Document:
    """The expression for the time so many seconds from now."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}


def leased(worker: str, token: ObjectId, lease_s: float) -> Pipeline:
    """Lease what is due, and keep what it was before for the case that the lease is given back."""
    expired = {"$eq": ["$state", State.LEASED.value]}
    lease = {
        "worker": {"$literal": worker},
        "token": token,
        "until": after_now(lease_s),
        "sent": False,
        "state": {"$cond": [expired, "$lease.state", "$state"]},
        "due_at": {"$cond": [expired, "$lease.due_at", "$due_at"]},
    }
    # Its holder may have stored, or store yet, what nobody acknowledged: the next answer has to be whole.
    validators = {name: {"$cond": [expired, "$$REMOVE", f"${name}"]} for name in VALIDATORS}
    return [{"$set": {"state": State.LEASED.value, "due_at": after_now(lease_s), "lease": lease, **validators}}]


UNSENT: Document = {"lease.sent": {"$ne": True}}
"""The filter of leases whose request was not sent yet."""


def sent() -> Pipeline:
    """Count that the request of a lease is sent; to be used with `UNSENT`, so that it counts once."""
    return [{"$set": {"lease.sent": True, "attempts": {"$add": ["$attempts", 1]}}}]


def renewed(lease_s: float) -> Pipeline:
    """Extend a lease to so many seconds from now."""
    return [{"$set": {"lease.until": after_now(lease_s), "due_at": after_now(lease_s)}}]


def reopened() -> Pipeline:
    """Make due now what would have been due later, or never."""
    return [{"$set": {"state": State.DUE.value, "due_at": {"$min": ["$due_at", "$$NOW"]}}}]


def given_back(*, worker_died: bool) -> Pipeline:
    """Undo a lease. A request that was sent stays counted only if its worker died of it, as far as one can know.

    What a worker that died has stored and not acknowledged has to be read again: the next answer has to be whole.
    """
    fields: Document = {"state": "$lease.state", "due_at": "$lease.due_at"}
    if not worker_died:
        fields["attempts"] = {"$subtract": ["$attempts", {"$cond": ["$lease.sent", 1, 0]}]}
    return [{"$set": fields}, {"$unset": ["lease", *(VALIDATORS if worker_died else ())]}]


def completed(completion: Completion, visit: VisitFacts, plan: NextVisit) -> Pipeline:
    """Record how the visit of a lease ended, and end the lease."""
    fields: Document = {
        "state": plan.state.value,
        "due_at": None if plan.due_in_s is None else after_now(plan.due_in_s),
        "last": _last(completion),
    }
    counters = {"failures": plan.failures, "misses": plan.misses, "interval_s": plan.interval_s, "attempts": 0}
    literals = {**_learnt(completion), **counters}
    if visit.claim:
        fields["claim"] = _claim(completion.lease, visit.claim)
    else:
        literals["claim"] = None
    if plan.state in {State.DONE, State.GONE}:
        literals |= _settled(completion.lease)
    if plan.gap:
        fields["gaps"] = _with_gap(plan.gap)
    return _fields(fields | _read_again_if_nearer(completion, fields), literals)


def _claim(lease: Lease, claim: Claim) -> Document:
    is_new = claim is not lease.claim
    return {"evidence": {"$literal": claim.evidence}, "at": "$$NOW" if is_new else claim.at, "changes": claim.changes}


def _settled(lease: Lease) -> Document:
    """What changes when a URL has been read: what its source said is of no more use, and others go before it."""
    was_unread = lease.kind not in SOURCE_KINDS and lease.priority > priorities.LOOK_AGAIN
    return {"entry": None} | ({"priority": priorities.LOOK_AGAIN} if was_unread else {})


def _read_again_if_nearer(completion: Completion, fields: Document) -> Document:
    """A page whose links were left alone is due at once if it turned out to be nearer while it was leased."""
    if completion.followed is not False or completion.max_depth is None:
        return {}
    nearer = {"$lt": ["$depth", completion.max_depth]}
    return {
        "state": {"$cond": [nearer, State.DUE.value, fields["state"]]},
        "due_at": {"$cond": [nearer, "$$NOW", fields["due_at"]]},
    }


def _fields(fields: Document, literals: Document) -> Pipeline:
    """Set expressions and plain values; a plain value that is None or 0 is left out of the document."""
    # $literal: a header or a message may begin with a dollar sign.
    values = {name: {"$literal": value} for name, value in literals.items() if value or name == "attempts"}
    dropped = [name for name in literals if name not in values]
    return [{"$set": {**fields, **values}}, {"$unset": ["lease", *dropped]}]


def _last(completion: Completion) -> Document:
    return {
        "at": "$$NOW",
        "status": completion.status,
        "outcome": completion.outcome.value,
        "error": {"$literal": completion.error and completion.error[:ERROR_CHARACTERS]},
        "token": completion.lease.token,
    }


_FETCHED_WHOLE = frozenset({Outcome.CLAIMED, Outcome.GONE, Outcome.DUPLICATE})
"""Outcomes after which the next answer has to be whole: that a page is unchanged would neither confirm a claim, nor
revive what was gone, nor show that an alias differs from its article since that one was edited."""


def _learnt(completion: Completion) -> Document:
    """What the answer has taught; an answer that only claims teaches nothing."""
    validators = Validators() if completion.outcome in _FETCHED_WHOLE else completion.validators
    fields: Document = asdict(validators) if validators else {}
    if completion.outcome is Outcome.CLAIMED:
        return fields
    if completion.followed is not None:
        fields["unfollowed"] = not completion.followed
    if completion.published_at:
        fields["published_at"] = completion.published_at
    if completion.poll and completion.poll.keys:
        fields["poll"] = asdict(completion.poll) | {"keys": list(completion.poll.keys)}
    return fields


def _with_gap(gap: Gap) -> Document:
    document = {"at": "$$NOW", "since": gap.since, "until": gap.until}
    return {"$slice": [{"$concatArrays": [{"$ifNull": ["$gaps", []]}, [document]]}, -GAPS_KEPT]}
