"""The queue of URLs: found, leased, and done only when what came of them is stored."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from types import TracebackType
from typing import Any, Self

import pymongo
from bson import ObjectId
from pymongo import AsyncMongoClient, UpdateOne
from pymongo.errors import PyMongoError

from rfispider.frontier import database as db
from rfispider.frontier import discovery, records, schema, shares, updates, workers
from rfispider.frontier.census import Census
from rfispider.frontier.hosts import Hosts
from rfispider.frontier.records import Document, Done, Lease
from rfispider.items import Kind, Link, Outcome
from rfispider.politeness import Limits
from rfispider.revisit import State, plan

LEASE_S = 60.0
"""How long the work of a dead worker on another machine lies still. Renew leases three times as often."""

ATTEMPTS = 12
"""A URL that was claimed so often and never settled takes its workers down: it is failed unfetched. Far over the
limit of failures, since every URL a killed worker held counts one."""

LOOK_S = 0.5
"""So long a claim passes over editions and bands that had nothing due; each costs a third of a millisecond to ask."""
CLAIM_TRIES = 6
"""So often a claim reaches again for what is due when other workers were faster every time."""
MOST_CROWD = 16
"""Workers that claim at the very same moment share the front of the queue in up to so many stretches."""

FETCHABLE = frozenset(Kind) - {Kind.UTILITY, Kind.FOREIGN}


CONNECT_S = 5.0
"""Seconds within which the server must answer at the start."""


class Frontier:
    """What one worker sees of the frontier that all of them share.

    Times are compared on the server only, so the clocks of the workers do not matter.
    """

    def __init__(
        self,
        database: db.Database,
        *,
        worker: str | None = None,
        lease_s: float = LEASE_S,
        limits: Limits | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Work as `worker`, by default as this very process; two live workers must not share a name.

        `jitter` gives the random numbers from 0 to 1 that spread retries.
        """
        self.worker = worker or workers.identity()
        self.lease_s = lease_s
        self.hosts = Hosts(db.collection(database, schema.HOSTS), limits or Limits())
        self.census = Census(db.collection(database, schema.FRONTIER), self.worker)
        self._database = database
        self._urls = db.collection(database, schema.FRONTIER)
        self._jitter = jitter
        self._clock = _ServerClock()
        self._turns = shares.Turns({})
        self._busy = _BusyLanes()
        self._crowd = 1
        self._held: dict[str, Lease] = {}
        self._client: AsyncMongoClient[dict[str, Any]] | None = None

    # ---- Opening and closing --------------------------------------------------------------------------------

    @classmethod
    async def open(
        cls,
        uri: str,
        database: str,
        *,
        worker: str | None = None,
        lease_s: float = LEASE_S,
        limits: Limits | None = None,
    ) -> Self:
        """Connect, and prepare the collections.

        Raises:
            PyMongoError: the server cannot be reached or refuses.

        """
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, appname="rfispider-frontier")
        frontier = cls(client[database], worker=worker, lease_s=lease_s, limits=limits)
        frontier._client = client
        try:
            with pymongo.timeout(CONNECT_S):
                await client.admin.command("ping")
            await frontier.prepare()
        except BaseException:
            await client.close()
            raise
        return frontier

    async def prepare(self) -> None:
        """Make collections, validators and indexes where they are missing."""
        await schema.prepare(self._database)
        hello = await self._database.client.admin.command("hello")
        self._clock.set(hello["localTime"].replace(tzinfo=UTC))

    async def close(self) -> None:
        """Close the connection if it was opened here; leases stay as they are (see `release`)."""
        if self._client:
            await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def held(self) -> list[Lease]:
        """The leases of this worker, as far as it knows."""
        return list(self._held.values())

    def now(self) -> datetime:
        """The server's time, as well as it can be told without asking."""
        return self._clock.now()

    # ---- Finding --------------------------------------------------------------------------------------------

    async def add(
        self,
        links: Iterable[Link],
        *,
        backfill: bool = False,
        stale_s: float | None = None,
        max_depth: int | None = None,
    ) -> set[str]:
        """Make sure that links are known, and return the keys of those that were not.

        A known URL is given the higher priority and the smaller depth; it is due again at once if the link's entry
        tells of a later change, if it was last looked at over `stale_s` seconds ago (for sources at the start of a
        run), or if it lay at `max_depth` or further, where links are not followed, and turns out to be nearer.
        Two round trips, one when nothing changes.
        """
        found = discovery.merged(links)
        if not found:
            return set()
        about = discovery.Circumstances(now=self.now(), backfill=backfill, stale_s=stale_s, max_depth=max_depth)
        known = await self._known(found)
        writes = [_write(key, known.get(key), link, about) for key, link in found.items()]
        operations = [write for write in writes if write]
        if operations:
            await db.persist(lambda: self._urls.bulk_write(operations, ordered=False))
        return found.keys() - known.keys()

    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether any of the links was first heard of after a time of the server."""
        query = {"_id": {"$in": list(discovery.merged(links))}, "added_at": {"$gt": since}}
        return await db.persist(lambda: self._urls.find_one(query, {"_id": 1})) is not None

    async def _known(self, keys: Collection[str]) -> dict[str, Document]:
        cursor = self._urls.find({"_id": {"$in": list(keys)}}, dict.fromkeys(discovery.KNOWN_FIELDS, 1))
        return {document["_id"]: document for document in await cursor.to_list()}

    # ---- Leases ---------------------------------------------------------------------------------------------

    async def claim(self, n: int, editions: Collection[str | None], kinds: Collection[Kind] = FETCHABLE) -> list[Lease]:
        """Lease up to n URLs that are due, of these editions and kinds; fewer do not mean that no more are due.

        By priority, then by due time, sources, news and backfill of each edition taking turns. What a dead worker
        held is due when its lease has run out. Two round trips; a third when another worker claimed the same.
        """
        for _ in range(CLAIM_TRIES):
            waiting = await self._waiting(n, editions, kinds)
            if waiting is None:
                return []
            leases = await self._lease(waiting, n)
            if leases:
                self._held.update((lease.key, lease) for lease in leases)
                return await self._without_poison(leases)
        return []

    async def _waiting(
        self, n: int, editions: Collection[str | None], kinds: Collection[Kind]
    ) -> dict[str, Document] | None:
        """Documents that may be claimed, from the front of every lane, by key; None when there are none at all.

        Where other workers took most of what was read last time, it is read a random stretch further back, so that
        workers stop reaching for the same URLs.
        """
        lanes = shares.by_priority(editions, kinds)
        if n < 1 or not lanes:
            return None
        busy = self._busy.within(lanes)
        # Lanes that have work share the claim; twice the share leaves room when one of them runs dry.
        limit = min(n, ceil(2 * n / (len(busy) or self._busy.count)))
        skipped = int(self._jitter() * self._crowd) * limit
        queries = [lanes[lane] for lane in busy or lanes]
        documents = await db.rows(self._urls, _fronts(queries, skipped, limit), hint=schema.CLAIM)
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
        lanes: dict[shares.Lane, list[str]] = {}
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
        due = {"_id": {"$in": keys}, **updates.DUE}
        try:
            result = await self._urls.update_many(due, updates.taken(self.worker, token, self.lease_s))
        except PyMongoError as error:
            # Repeating it would count the attempt twice; what was leased before the server went away is ours.
            if not db.passing(error):
                raise
        else:
            if result.modified_count == len(keys):
                return keys
        mine = await self._mine(dict.fromkeys(keys, token))
        return [key for key in keys if key in mine]

    async def _without_poison(self, leases: list[Lease]) -> list[Lease]:
        poison = [lease for lease in leases if lease.attempts > ATTEMPTS]
        if poison:
            reason = f"claimed {ATTEMPTS} times and never settled"
            await self.acknowledge([Done(lease=each, outcome=Outcome.FAILED, error=reason) for each in poison])
        return [lease for lease in leases if lease.attempts <= ATTEMPTS]

    async def _mine(self, tokens: dict[str, ObjectId]) -> set[str]:
        """Those of the keys that are leased under these tokens."""
        query = {"_id": {"$in": list(tokens)}}
        documents = await db.persist(lambda: self._urls.find(query, {"lease.token": 1}).to_list())
        return {each["_id"] for each in documents if each.get("lease", {}).get("token") == tokens[each["_id"]]}

    async def heartbeat(self) -> list[Lease]:
        """Renew every lease of this worker, in one update; return those that another worker has taken over."""
        held = dict(self._held)
        if not held:
            return []
        mine = _guard(held.values())
        result = await db.persist(lambda: self._urls.update_many(mine, updates.renewed(self.lease_s)))
        if result.matched_count == len(held):
            return []
        kept = await self._mine({key: lease.token for key, lease in held.items()})
        # A lease that was acknowledged while this ran is neither held nor lost.
        lost = [lease for key, lease in held.items() if key not in kept and self._held.get(key) is lease]
        self._forget(lost)
        return lost

    async def acknowledge(self, done: Sequence[Done]) -> list[Lease]:
        """Write down what came of leases and when their URLs are due again; return the leases that were lost.

        A lost lease was taken over by another worker after it ran out: the write leaves the URL to the new holder.
        Safe to repeat.
        """
        if not done:
            return []
        leases = [each.lease for each in done]
        self._forget(leases)
        now = self.now()
        operations = [_settle(each, now, self._jitter()) for each in done]
        try:
            result = await db.persist(lambda: self._urls.bulk_write(operations, ordered=False))
        except BaseException:
            self._held.update((lease.key, lease) for lease in leases)
            raise
        if result.matched_count == len(operations):
            return []
        return await self._unsettled(leases)

    async def _unsettled(self, leases: Sequence[Lease]) -> list[Lease]:
        cursor = self._urls.find({"_id": {"$in": [lease.key for lease in leases]}}, {"last.token": 1})
        documents = await cursor.to_list()
        settled = {each["_id"]: each.get("last", {}).get("token") for each in documents}
        return [lease for lease in leases if settled.get(lease.key) != lease.token]

    async def fail(self, lease: Lease, reason: str, *, status: int | None = None) -> bool:
        """Write down that a visit failed, and let it be tried again later; False when the lease was lost."""
        return not await self.acknowledge([Done(lease=lease, outcome=Outcome.FAILED, status=status, error=reason)])

    async def release(self, leases: Iterable[Lease]) -> int:
        """Give leases back unused, due as they were before and without an attempt counted; how many still were ours."""
        given = list(leases)
        if not given:
            return 0
        self._forget(given)
        # Not repeated: a second run would find nothing, and a lease left behind runs out.
        result = await self._urls.update_many(_guard(given), updates.given_back(attempted=False))
        return result.modified_count

    async def recover(self) -> int:
        """Give back at once what dead workers of this machine held, and what this worker held in an earlier life.

        Returns the number of URLs. What this worker holds now stays held, so it may be called at any time; the leases
        of other machines run out.
        """
        holders = await self._urls.distinct("lease.worker", {"state": State.LEASED.value})
        dead = [name for name in holders if name == self.worker or workers.is_dead(name)]
        if not dead:
            return 0
        theirs = {"state": State.LEASED.value, "lease.worker": {"$in": dead}, "_id": {"$nin": list(self._held)}}
        result = await db.persist(lambda: self._urls.update_many(theirs, updates.given_back(attempted=True)))
        return result.modified_count

    def _forget(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            held = self._held.get(lease.key)
            if held and held.token == lease.token:
                del self._held[lease.key]


class _ServerClock:
    """The server's time, carried on between answers by a clock that nobody sets."""

    def __init__(self) -> None:
        self.set(datetime.now(UTC))

    def set(self, now: datetime) -> None:
        self._told, self._heard = now, time.monotonic()

    def now(self) -> datetime:
        return self._told + timedelta(seconds=time.monotonic() - self._heard)


class _BusyLanes:
    """The lanes that had work when all were looked at: for a moment, a claim reads only those."""

    def __init__(self) -> None:
        self.count = 1
        self._lanes: set[shares.Lane] = set()
        self._until = 0.0

    def within(self, lanes: Collection[shares.Lane]) -> list[shares.Lane]:
        """Those of the lanes that are worth a look; none when it is time to look at all of them."""
        return [lane for lane in lanes if lane in self._lanes] if time.monotonic() < self._until else []

    def note(self, busy: set[shares.Lane], *, whole: bool, enough: bool) -> None:
        """What a look at the whole, or at the busy ones, has found; when it was not enough the next is a whole one."""
        if whole:
            self._until = time.monotonic() + LOOK_S
        if not enough:
            self._until = 0.0
        self._lanes, self.count = busy, max(1, len(busy))


def _lane(document: Document) -> shares.Lane:
    return shares.lane(document["edition"], document["kind"], document["priority"])


def _fronts(queries: list[Document], skipped: int, limit: int) -> list[Document]:
    """The aggregation that reads the front of every lane, or a stretch a little behind it."""
    return db.union(
        schema.FRONTIER,
        [query | updates.DUE for query in queries],
        [
            {"$sort": {"priority": -1, "due_at": 1}},
            {"$skip": skipped},
            {"$limit": limit},
            {"$project": {**dict.fromkeys(records.FIELDS, 1), "now": "$$NOW"}},
        ],
    )


def _write(key: str, known: Document | None, link: Link, about: discovery.Circumstances) -> UpdateOne | None:
    if known is None:
        return UpdateOne({"_id": key}, {"$setOnInsert": discovery.document(link, about)}, upsert=True)
    update = discovery.changes(known, link, about)
    if update is None:
        return None
    # The due time of a lease is its end: moved, the lease would be another worker's to take.
    unleased = {"state": {"$ne": State.LEASED.value}} if discovery.reopens(known, link, about) else {}
    return UpdateOne({"_id": key, **unleased}, update)


def _settle(done: Done, now: datetime, jitter: float) -> UpdateOne:
    held = {"_id": done.lease.key, "lease.token": done.lease.token}
    return UpdateOne(held, updates.settled(done, plan(records.visit(done, now, jitter))))


def _guard(leases: Iterable[Lease]) -> Document:
    """The filter of these very leases: a token stands for one claim, so none of a later claim can match."""
    held = list(leases)
    tokens = list({lease.token for lease in held})
    return {"_id": {"$in": [lease.key for lease in held]}, "lease.token": {"$in": tokens}}
