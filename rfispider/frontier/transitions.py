"""What happens to a lease, as update pipelines: the clock in them is the server's. Pure.

A leased URL carries the end of its lease as its due time, so that one range of one index finds everything that may
be claimed: what is due for the first time, again, after a failure, and what a dead worker left.
"""

from typing import Any

from bson import ObjectId

from rfispider.frontier.policy import priorities
from rfispider.frontier.policy.revisit import NextVisit, State
from rfispider.frontier.records import Completion, Document, Validators
from rfispider.items import SOURCE_KINDS, Outcome

Pipeline = list[Document]

ERROR_CHARACTERS = 500
"""A longer reason of a failure is cut: a traceback belongs in the log."""

GAPS_KEPT = 50
"""So many gaps of a source are remembered, the latest last."""


def due(comparison: str) -> Document:
    """The filter of what is due, by comparison ($lte, $gt) with now.

    The type is asked for because the index holds only dates.
    """
    return {"due_at": {"$type": "date"}, "$expr": {comparison: ["$due_at", "$$NOW"]}}


DUE = due("$lte")


def after_now(seconds: float) -> Document:
    """The expression for a time so many seconds from now."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}


def taken(worker: str, token: ObjectId, lease_s: float) -> Pipeline:
    """Lease what is due; what it was before is kept for the day when the lease is given back."""
    expired = {"$eq": ["$state", State.LEASED.value]}
    lease = {
        "worker": {"$literal": worker},
        "token": token,
        "until": after_now(lease_s),
        "state": {"$cond": [expired, "$lease.state", "$state"]},
        "due_at": {"$cond": [expired, "$lease.due_at", "$due_at"]},
    }
    attempts = {"$add": [{"$ifNull": ["$attempts", 0]}, 1]}
    fields = {"state": State.LEASED.value, "due_at": after_now(lease_s), "attempts": attempts, "lease": lease}
    return [{"$set": fields}]


def renewed(lease_s: float) -> Pipeline:
    """Keep a lease for another while."""
    return [{"$set": {"lease.until": after_now(lease_s), "due_at": after_now(lease_s)}}]


def reopened() -> Pipeline:
    """Make due now what would have been due later, or never."""
    return [{"$set": {"state": State.DUE.value, "due_at": {"$min": ["$due_at", "$$NOW"]}}}]


def given_back(*, attempted: bool) -> Pipeline:
    """Undo a lease, whether or not its attempt counts."""
    fields: Document = {"state": "$lease.state", "due_at": "$lease.due_at"}
    if not attempted:
        fields["attempts"] = {"$subtract": ["$attempts", 1]}
    return [{"$set": fields}, {"$unset": "lease"}]


def settled(done: Completion, plan: NextVisit) -> Pipeline:
    """Write down what came of a lease, and end it."""
    fields: Document = {
        "state": plan.state.value,
        "due_at": None if plan.due_in_s is None else after_now(plan.due_in_s),
        "last": _last(done),
    }
    counted = {"failures": plan.failures, "misses": plan.misses, "interval_s": plan.interval_s}
    kept = {**_learnt(done), **counted, "attempts": 0}
    if plan.state in {State.DONE, State.GONE}:
        kept |= {"entry": None}
        if done.lease.kind not in SOURCE_KINDS and done.lease.priority > priorities.LOOK_AGAIN:
            kept["priority"] = priorities.LOOK_AGAIN
    if plan.gap:
        fields["gaps"] = _with_gap(plan)
    if done.followed is False and done.max_depth is not None:
        # It turned out to be nearer while it was leased: it is read again, for its links.
        near = {"$lt": ["$depth", done.max_depth]}
        fields["state"] = {"$cond": [near, State.DUE.value, fields["state"]]}
        fields["due_at"] = {"$cond": [near, "$$NOW", fields["due_at"]]}
    return _fields(fields, kept)


def _fields(fields: Document, literals: dict[str, Any]) -> Pipeline:
    """Set expressions and plain values; a plain value that is None or 0 is left out of the document."""
    # $literal: a header or a message may begin with a dollar sign.
    values = {name: {"$literal": value} for name, value in literals.items() if value or name == "attempts"}
    dropped = [name for name in literals if name not in values]
    return [{"$set": {**fields, **values}}, {"$unset": ["lease", *dropped]}]


def _last(done: Completion) -> Document:
    return {
        "at": "$$NOW",
        "status": done.status,
        "outcome": done.outcome.value,
        "error": {"$literal": done.error and done.error[:ERROR_CHARACTERS]},
        "token": done.lease.token,
    }


def _learnt(done: Completion) -> Document:
    fields: Document = {}
    # What is gone and comes back as it was has to be fetched whole: that it is unchanged would not revive it.
    validators = Validators() if done.outcome is Outcome.GONE else done.validators
    if validators:
        fields |= {
            "etag": validators.etag,
            "last_modified": validators.last_modified,
            "body_hash": validators.body_hash,
        }
    if done.followed is not None:
        fields["unfollowed"] = not done.followed
    if done.published_at:
        fields["published_at"] = done.published_at
    if done.poll and done.poll.keys:
        fields["poll"] = {
            "at": done.poll.at,
            "keys": list(done.poll.keys),
            "oldest_at": done.poll.oldest_at,
            "newest_at": done.poll.newest_at,
        }
    return fields


def _with_gap(plan: NextVisit) -> Document:
    gap = {"at": "$$NOW", "since": plan.gap and plan.gap.since, "until": plan.gap and plan.gap.until}
    return {"$slice": [{"$concatArrays": [{"$ifNull": ["$gaps", []]}, [gap]]}, -GAPS_KEPT]}
