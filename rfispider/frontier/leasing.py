"""How leases are won: the fronts of all lanes are read, shared out, and claimed in competition with other workers."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import ceil

from bson import ObjectId

from rfispider.frontier import records, schema, transitions
from rfispider.frontier.policy import fair_share
from rfispider.frontier.policy.fair_share import Lane
from rfispider.frontier.records import Document, Lease
from rfispider.items import Kind
from rfispider.mongo import operations as db
from rfispider.mongo.clock import ServerClock

BUSY_S = 0.5
"""Seconds for which a claim passes over editions and bands that had nothing due; to ask each of them costs a third of a
millisecond."""
CLAIM_TRIES = 6
"""How often a claim tries again when other workers were faster each time."""
MOST_STRETCHES = 16
"""Workers that claim at the very same moment spread over at most so many stretches of the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Which part of the queue a claim reads."""

    queries: list[Document]
    """The filter of each lane that is read."""
    whole: bool
    """Every lane is read, not only those that had work lately."""
    skipped: int
    """URLs left out at the front of each lane."""
    limit: int
    """URLs read of each lane."""


class Leasing:
    """Leases what is due for one worker. Keeps from claim to claim whose turn it is and how crowded the queue was."""

    def __init__(
        self, urls: db.Collection, worker: str, lease_s: float, clock: ServerClock, jitter: Callable[[], float]
    ) -> None:
        """Claim for `worker`, for `lease_s` seconds each; the clock is set by the answers of the server."""
        self._urls = urls
        self._worker = worker
        self._lease_s = lease_s
        self._clock = clock
        self._jitter = jitter
        self._turns = fair_share.Turns({})
        self._busy = _BusyLanes()
        self._stretches = 1

    async def claim(self, n: int, editions: Collection[str | None], kinds: Collection[Kind]) -> list[Lease]:
        """Lease up to n URLs; none when nothing is due, or when others were faster every time."""
        lanes = fair_share.by_priority(editions, kinds)
        if n < 1 or not lanes:
            return []
        for _ in range(CLAIM_TRIES):
            reading = self._reading(lanes, n)
            documents = await self._read(reading, n)
            if documents:
                if leases := await self._lease(documents, n):
                    return leases
            elif reading.whole and not reading.skipped:
                return []
            else:
                self._stretches = 1
        return []

    def _reading(self, lanes: Mapping[Lane, Document], n: int) -> _Reading:
        """What a claim of n URLs reads.

        Where other workers took most of what was read last time, it begins a random stretch further back, so that
        workers stop reaching for the same URLs.
        """
        busy = self._busy.among(lanes)
        # Lanes that have work share the claim; twice the share leaves room when one of them runs dry.
        limit = min(n, ceil(2 * n / (len(busy) or self._busy.count)))
        return _Reading(
            queries=[lanes[lane] for lane in busy or lanes],
            whole=not busy,
            skipped=int(self._jitter() * self._stretches) * limit,
            limit=limit,
        )

    async def _read(self, reading: _Reading, n: int) -> dict[str, Document]:
        """The documents that a claim of n URLs can choose from, by key."""
        pipeline = fronts(reading.queries, reading.skipped, reading.limit)
        documents = await db.rows(self._urls, pipeline, hint=schema.CLAIM_INDEX)
        lanes = {_lane(document) for document in documents}
        self._busy.note(lanes, whole=reading.whole, enough=len(documents) >= n)
        if documents:
            self._clock.set(documents[0]["now"])
        return {document["_id"]: document for document in documents}

    async def _lease(self, documents: dict[str, Document], n: int) -> list[Lease]:
        """Lease up to n of the documents, each lane getting its share."""
        lanes: dict[Lane, list[str]] = {}
        for key, document in documents.items():
            lanes.setdefault(_lane(document), []).append(key)
        token, chosen = ObjectId(), self._turns.deal(lanes, n)
        won = await self._take(chosen, token)
        if 2 * len(won) < len(chosen):
            self._stretches = min(MOST_STRETCHES, self._stretches * 2)
        else:
            self._stretches = max(1, self._stretches - 1)
        return [records.lease_of(documents[key], token, documents[key]["now"]) for key in won]

    async def _take(self, keys: list[str], token: ObjectId) -> list[str]:
        """Lease those of the keys that are still due, and return them."""
        if not keys:
            return []
        due = {"_id": {"$in": keys}, **transitions.DUE}
        # Idempotent: what the first try has leased is not due any more. Only after a write with majority can a new
        # primary be trusted to know what the old one has leased to us.
        result = await db.retrying(
            lambda: self._urls.update_many(due, transitions.leased(self._worker, token, self._lease_s))
        )
        if result.modified_count == len(keys):
            return keys
        won = await leased_under(self._urls, dict.fromkeys(keys, token))
        return [key for key in keys if key in won]


async def leased_under(urls: db.Collection, tokens: dict[str, ObjectId]) -> set[str]:
    """Those of the keys that are leased under these tokens."""
    query = {"_id": {"$in": list(tokens)}}
    documents = await db.retrying(lambda: urls.find(query, {"lease.token": 1}).to_list())
    return {each["_id"] for each in documents if each.get("lease", {}).get("token") == tokens[each["_id"]]}


class _BusyLanes:
    """The lanes that had work when all were read: for a moment, a claim reads only those."""

    def __init__(self) -> None:
        self.count = 1
        self._lanes: set[Lane] = set()
        self._until = 0.0

    def among(self, lanes: Collection[Lane]) -> list[Lane]:
        """Those of the lanes that are worth reading; none when it is time to read all of them."""
        return [lane for lane in lanes if lane in self._lanes] if time.monotonic() < self._until else []

    def note(self, busy: set[Lane], *, whole: bool, enough: bool) -> None:
        """Remember which lanes had work; after a reading that was not `enough`, all of them are read."""
        if whole:
            self._until = time.monotonic() + BUSY_S
        if not enough:
            self._until = 0.0
        self._lanes, self.count = busy, max(1, len(busy))


def _lane(document: Document) -> Lane:
    return fair_share.lane(document["edition"], document["kind"], document["priority"])


def fronts(queries: list[Document], skipped: int, limit: int) -> list[Document]:
    """The aggregation that reads a stretch of every lane, in the order of the queue."""
    return db.union(
        schema.FRONTIER,
        [query | transitions.DUE for query in queries],
        [
            {"$sort": {"priority": -1, "due_at": 1}},
            {"$skip": skipped},
            {"$limit": limit},
            {"$project": {**dict.fromkeys(records.LEASE_FIELDS, 1), "now": "$$NOW"}},
        ],
    )
