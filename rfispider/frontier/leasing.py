"""How leases are got: the fronts of all lanes are read, shared out, and taken against other workers."""

import time
from collections.abc import Callable, Collection
from math import ceil

from bson import ObjectId

from rfispider.frontier import records, schema, transitions
from rfispider.frontier.policy import fair_share
from rfispider.frontier.records import Document, Lease
from rfispider.items import Kind
from rfispider.mongo import operations as db
from rfispider.mongo.clock import ServerClock

LOOK_S = 0.5
"""So long a claim passes over editions and bands that had nothing due; each costs a third of a millisecond to ask."""
CLAIM_TRIES = 6
"""So often a claim reaches again for what is due when other workers were faster every time."""
MOST_CROWD = 16
"""Workers that claim at the very same moment share the front of the queue in up to so many stretches."""


class Leasing:
    """Leases what is due for one worker; carries from claim to claim whose turn it is and how crowded it was."""

    def __init__(
        self, urls: db.Collection, worker: str, lease_s: float, clock: ServerClock, jitter: Callable[[], float]
    ) -> None:
        """Claim for `worker`, for `lease_s` seconds; the clock is set by what the server says."""
        self._urls = urls
        self._worker = worker
        self._lease_s = lease_s
        self._clock = clock
        self._jitter = jitter
        self._turns = fair_share.Turns({})
        self._busy = _BusyLanes()
        self._crowd = 1

    async def claim(self, n: int, editions: Collection[str | None], kinds: Collection[Kind]) -> list[Lease]:
        """Lease up to n URLs; none when nothing is due, or when others were faster every time."""
        for _ in range(CLAIM_TRIES):
            waiting = await self._waiting(n, editions, kinds)
            if waiting is None:
                return []
            if leases := await self._lease(waiting, n):
                return leases
        return []

    async def _waiting(
        self, n: int, editions: Collection[str | None], kinds: Collection[Kind]
    ) -> dict[str, Document] | None:
        """Documents that may be claimed, from the front of every lane, by key; None when there are none at all.

        Where other workers took most of what was read last time, it is read a random stretch further back, so that
        workers stop reaching for the same URLs.
        """
        lanes = fair_share.by_priority(editions, kinds)
        if n < 1 or not lanes:
            return None
        busy = self._busy.within(lanes)
        # Lanes that have work share the claim; twice the share leaves room when one of them runs dry.
        limit = min(n, ceil(2 * n / (len(busy) or self._busy.count)))
        skipped = int(self._jitter() * self._crowd) * limit
        queries = [lanes[lane] for lane in busy or lanes]
        documents = await db.rows(self._urls, fronts(queries, skipped, limit), hint=schema.CLAIM)
        self._busy.note({_lane(document) for document in documents}, whole=not busy, enough=len(documents) >= n)
        if documents:
            self._clock.set(documents[0]["now"])
        elif not busy and not skipped:
            return None
        else:
            self._crowd = 1
        return {document["_id"]: document for document in documents}

    async def _lease(self, waiting: dict[str, Document], n: int) -> list[Lease]:
        """Lease up to n of the documents, each lane getting its share."""
        lanes: dict[fair_share.Lane, list[str]] = {}
        for key, document in waiting.items():
            lanes.setdefault(_lane(document), []).append(key)
        token, wanted = ObjectId(), self._turns.deal(lanes, n)
        taken = await self._take(wanted, token)
        self._crowd = min(MOST_CROWD, self._crowd * 2) if 2 * len(taken) < len(wanted) else max(1, self._crowd - 1)
        return [records.lease(waiting[key], token, waiting[key]["now"]) for key in taken]

    async def _take(self, keys: list[str], token: ObjectId) -> list[str]:
        """Lease those of the keys that are still due."""
        if not keys:
            return []
        due = {"_id": {"$in": keys}, **transitions.DUE}
        # Safe to repeat: what the first try leased is due no more. And only after a write that a majority has can a
        # new primary be trusted to show what the old one leased to us.
        result = await db.retrying(
            lambda: self._urls.update_many(due, transitions.taken(self._worker, token, self._lease_s))
        )
        if result.modified_count == len(keys):
            return keys
        mine = await leased_under(self._urls, dict.fromkeys(keys, token))
        return [key for key in keys if key in mine]


async def leased_under(urls: db.Collection, tokens: dict[str, ObjectId]) -> set[str]:
    """Those of the keys that are leased under these tokens."""
    query = {"_id": {"$in": list(tokens)}}
    documents = await db.retrying(lambda: urls.find(query, {"lease.token": 1}).to_list())
    return {each["_id"] for each in documents if each.get("lease", {}).get("token") == tokens[each["_id"]]}


class _BusyLanes:
    """The lanes that had work when all were looked at: for a moment, a claim reads only those."""

    def __init__(self) -> None:
        self.count = 1
        self._lanes: set[fair_share.Lane] = set()
        self._until = 0.0

    def within(self, lanes: Collection[fair_share.Lane]) -> list[fair_share.Lane]:
        """Those of the lanes that are worth a look; none when it is time to look at all of them."""
        return [lane for lane in lanes if lane in self._lanes] if time.monotonic() < self._until else []

    def note(self, busy: set[fair_share.Lane], *, whole: bool, enough: bool) -> None:
        """What a look at the whole, or at the busy ones, has found; when it was not enough the next is a whole one."""
        if whole:
            self._until = time.monotonic() + LOOK_S
        if not enough:
            self._until = 0.0
        self._lanes, self.count = busy, max(1, len(busy))


def _lane(document: Document) -> fair_share.Lane:
    return fair_share.lane(document["edition"], document["kind"], document["priority"])


def fronts(queries: list[Document], skipped: int, limit: int) -> list[Document]:
    """The aggregation that reads the front of every lane, or a stretch a little behind it."""
    return db.union(
        schema.FRONTIER,
        [query | transitions.DUE for query in queries],
        [
            {"$sort": {"priority": -1, "due_at": 1}},
            {"$skip": skipped},
            {"$limit": limit},
            {"$project": {**dict.fromkeys(records.FIELDS, 1), "now": "$$NOW"}},
        ],
    )
