"""The writes of the frontier: one for a link that was found, one for a visit that has ended. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from rfispider.frontier import discovery, records, transitions
from rfispider.frontier.policy.revisit import State, plan
from rfispider.frontier.records import Completion, Document, Lease
from rfispider.items import Link


def discovered(
    key: str, present: Mapping[str, Any] | None, link: Link, context: discovery.DiscoveryContext
) -> UpdateOne | None:
    """What is written of a link, given the document of its URL if there is one; None when nothing changes."""
    if present is None:
        return UpdateOne({"_id": key}, {"$setOnInsert": discovery.document(link, context)}, upsert=True)
    update = discovery.update(present, link, context)
    if update is None:
        return None
    # The due time of a lease is its end: if that was moved, another worker could claim the URL.
    unleased = {"state": {"$ne": State.LEASED.value}} if discovery.reopens(present, link, context) else {}
    return UpdateOne({"_id": key, **unleased}, update)


def completed(completion: Completion, now: datetime, jitter: float) -> UpdateOne:
    """What is written of a visit; matches nothing when the lease was lost."""
    visit = records.visit_facts(completion, now, jitter)
    own = {"_id": completion.lease.key, "lease.token": completion.lease.token}
    return UpdateOne(own, transitions.completed(completion, visit, plan(visit)))


def leased_as(leases: Iterable[Lease]) -> Document:
    """The filter of these very leases: a token stands for one claim, so none of a later claim matches."""
    owned = list(leases)
    tokens = list({lease.token for lease in owned})
    return {"_id": {"$in": [lease.key for lease in owned]}, "lease.token": {"$in": tokens}}
