"""The queue of URLs: found, leased, and done only when what came of them is stored."""

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pymongo import UpdateOne

from rfispider.frontier import discovery, records, schema, transitions, worker_id
from rfispider.frontier.diagnostics import FrontierDiagnostics
from rfispider.frontier.host_budget import HostBudgets
from rfispider.frontier.integrity import FrontierIntegrity
from rfispider.frontier.leasing import Leasing, leased_under
from rfispider.frontier.policy.politeness import Limits
from rfispider.frontier.policy.revisit import FAILURES, State, plan
from rfispider.frontier.records import Completion, Document, Lease
from rfispider.frontier.statistics import FrontierStats
from rfispider.items import FETCHABLE_KINDS, Kind, Link, Outcome
from rfispider.mongo import operations as db
from rfispider.mongo.clock import ServerClock
from rfispider.mongo.connection import Connection, operation

LEASE_S = 60.0
"""How long the work of a dead worker on another machine lies still. Renew leases three times as often."""

ATTEMPTS = 12
"""A URL that was claimed so often and never settled takes its workers down: it is failed unfetched, as after too many
failures. Far over their limit, since every URL a killed worker held counts one."""


class Frontier:
    """What one worker sees of the frontier that all of them share.

    Times are compared on the server only, so the clocks of the workers do not matter.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        worker: str | None = None,
        lease_s: float = LEASE_S,
        limits: Limits | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Work on the database `name` as `worker`, by default this very process; two live workers must not share it.

        `jitter` gives the random numbers from 0 to 1 that spread retries.
        """
        database = connection.client[name]
        self.connection = connection
        self.worker = worker or worker_id.identity()
        self.lease_s = lease_s
        self.hosts = HostBudgets(connection, db.collection(database, schema.HOSTS), limits or Limits())
        self.statistics = FrontierStats(connection, db.collection(database, schema.FRONTIER), self.worker)
        self.integrity = FrontierIntegrity(connection, db.collection(database, schema.FRONTIER))
        self.diagnostics = FrontierDiagnostics(
            connection, db.collection(database, schema.FRONTIER), db.collection(database, schema.HOSTS)
        )
        self._database = database
        self._urls = db.collection(database, schema.FRONTIER)
        self._jitter = jitter
        self._clock = ServerClock()
        self._claims = Leasing(self._urls, self.worker, lease_s, self._clock, jitter)
        self._held: dict[str, Lease] = {}

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
        """The frontier over a connection of its own, which `close` closes; the collections are prepared.

        Raises:
            DatabaseError: the server cannot be reached, or refuses.

        """
        connection = await Connection.open(uri)
        frontier = cls(connection, database, worker=worker, lease_s=lease_s, limits=limits)
        try:
            await frontier.prepare()
        except BaseException:
            await connection.close()
            raise
        return frontier

    @operation("preparing the frontier", timed=False)
    async def prepare(self) -> None:
        """Make collections, validators and indexes where they are missing.

        Without a time-out: to index what another release has written takes as long as there is much of it.
        """
        await schema.prepare(self._database)
        hello = await self._database.client.admin.command("hello")
        self._clock.set(hello["localTime"].replace(tzinfo=UTC))

    async def close(self) -> None:
        """Close the connection; leases stay as they are (see `release`)."""
        await self.connection.close()

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

    @operation("adding URLs to the frontier")
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
        about = discovery.DiscoveryContext(now=self.now(), backfill=backfill, stale_s=stale_s, max_depth=max_depth)
        known = await self._known(found)
        writes = [_write(key, known.get(key), link, about) for key, link in found.items()]
        operations = [write for write in writes if write]
        if operations:
            await db.retrying(lambda: self._urls.bulk_write(operations, ordered=False))
        return found.keys() - known.keys()

    @operation("looking for URLs in the frontier")
    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether any of the links was first heard of after a time of the server."""
        query = {"_id": {"$in": list(discovery.merged(links))}, "added_at": {"$gt": since}}
        return await db.retrying(lambda: self._urls.find_one(query, {"_id": 1})) is not None

    @operation("reopening pages", timed=False)
    async def requeue_for_depth(self, editions: Collection[str | None], max_depth: int | None) -> int:
        """Make pages due whose related links were beyond the depth of the crawl that read them; returns how many.

        `max_depth` is the depth of this crawl, None is no limit: only pages whose links are within it are meant. One
        round trip, which finds nothing unless the depth has risen. Without a time-out: it may concern most of a grown
        archive.
        """
        near = {} if max_depth is None else {"depth": {"$lt": max_depth}}
        left = {"unfollowed": True, "edition": {"$in": list(editions)}, "state": State.DONE.value, **near}
        result = await db.retrying(lambda: self._urls.update_many(left, transitions.reopened()))
        return result.modified_count

    async def _known(self, keys: Collection[str]) -> dict[str, Document]:
        cursor = self._urls.find({"_id": {"$in": list(keys)}}, dict.fromkeys(discovery.KNOWN_FIELDS, 1))
        return {document["_id"]: document for document in await cursor.to_list()}

    # ---- Leases ---------------------------------------------------------------------------------------------

    @operation("claiming URLs")
    async def claim(
        self, n: int, editions: Collection[str | None], kinds: Collection[Kind] = FETCHABLE_KINDS
    ) -> list[Lease]:
        """Lease up to n URLs that are due, of these editions and kinds; fewer do not mean that no more are due.

        By priority, then by due time, sources, news and backfill of each edition taking turns. What a dead worker
        held is due when its lease has run out. Two round trips; a third when another worker claimed the same.
        """
        leases = await self._claims.claim(n, editions, kinds)
        self._held.update((lease.key, lease) for lease in leases)
        return await self._without_poison(leases)

    async def _without_poison(self, leases: list[Lease]) -> list[Lease]:
        poison = [lease for lease in leases if lease.attempts > ATTEMPTS]
        if poison:
            reason = f"claimed {ATTEMPTS} times and never settled"
            final = [replace(lease, failures=FAILURES.limit) for lease in poison]
            await self.acknowledge([Completion(lease=each, outcome=Outcome.FAILED, error=reason) for each in final])
        return [lease for lease in leases if lease.attempts <= ATTEMPTS]

    @operation("renewing leases")
    async def heartbeat(self) -> list[Lease]:
        """Renew every lease of this worker, in one update; return those that another worker has taken over."""
        held = dict(self._held)
        if not held:
            return []
        mine = _guard(held.values())
        result = await db.retrying(lambda: self._urls.update_many(mine, transitions.renewed(self.lease_s)))
        if result.matched_count == len(held):
            return []
        kept = await leased_under(self._urls, {key: lease.token for key, lease in held.items()})
        # A lease that was acknowledged while this ran is neither held nor lost.
        lost = [lease for key, lease in held.items() if key not in kept and self._held.get(key) is lease]
        self._forget(lost)
        return lost

    @operation("acknowledging visits")
    async def acknowledge(self, done: Sequence[Completion]) -> list[Lease]:
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
            result = await db.retrying(lambda: self._urls.bulk_write(operations, ordered=False))
        except BaseException:
            self._held.update((lease.key, lease) for lease in leases)
            raise
        if result.matched_count == len(operations):
            return []
        return await self._unsettled(leases)

    def removes(self, done: Completion) -> bool:
        """Whether this visit is the one that makes its URL a tombstone."""
        return plan(records.visit(done, self.now(), 0.0)).state is State.GONE

    async def _unsettled(self, leases: Sequence[Lease]) -> list[Lease]:
        cursor = self._urls.find({"_id": {"$in": [lease.key for lease in leases]}}, {"last.token": 1})
        documents = await cursor.to_list()
        settled = {each["_id"]: each.get("last", {}).get("token") for each in documents}
        return [lease for lease in leases if settled.get(lease.key) != lease.token]

    async def fail(self, lease: Lease, reason: str, *, status: int | None = None) -> bool:
        """Write down that a visit failed, and let it be tried again later; False when the lease was lost."""
        return not await self.acknowledge(
            [Completion(lease=lease, outcome=Outcome.FAILED, status=status, error=reason)]
        )

    @operation("releasing leases")
    async def release(self, leases: Iterable[Lease]) -> int:
        """Give leases back unused, due as they were before and without an attempt counted; how many still were ours."""
        given = list(leases)
        if not given:
            return 0
        self._forget(given)
        # Not repeated: a second run would find nothing, and a lease left behind runs out.
        result = await self._urls.update_many(_guard(given), transitions.given_back(attempted=False))
        return result.modified_count

    @operation("recovering the leases of dead workers")
    async def recover(self) -> int:
        """Give back at once what dead workers of this machine held, and what this worker held in an earlier life.

        Returns the number of URLs. What this worker holds now stays held, so it may be called at any time; the leases
        of other machines run out.
        """
        holders = await self._urls.distinct("lease.worker", {"state": State.LEASED.value})
        dead = [name for name in holders if name == self.worker or worker_id.is_dead(name)]
        if not dead:
            return 0
        theirs = {"state": State.LEASED.value, "lease.worker": {"$in": dead}, "_id": {"$nin": list(self._held)}}
        result = await db.retrying(lambda: self._urls.update_many(theirs, transitions.given_back(attempted=True)))
        return result.modified_count

    def _forget(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            held = self._held.get(lease.key)
            if held and held.token == lease.token:
                del self._held[lease.key]


def _write(key: str, known: Document | None, link: Link, about: discovery.DiscoveryContext) -> UpdateOne | None:
    if known is None:
        return UpdateOne({"_id": key}, {"$setOnInsert": discovery.document(link, about)}, upsert=True)
    update = discovery.changes(known, link, about)
    if update is None:
        return None
    # The due time of a lease is its end: moved, the lease would be another worker's to take.
    unleased = {"state": {"$ne": State.LEASED.value}} if discovery.reopens(known, link, about) else {}
    return UpdateOne({"_id": key, **unleased}, update)


def _settle(done: Completion, now: datetime, jitter: float) -> UpdateOne:
    held = {"_id": done.lease.key, "lease.token": done.lease.token}
    return UpdateOne(held, transitions.settled(done, plan(records.visit(done, now, jitter))))


def _guard(leases: Iterable[Lease]) -> Document:
    """The filter of these very leases: a token stands for one claim, so none of a later claim can match."""
    held = list(leases)
    tokens = list({lease.token for lease in held})
    return {"_id": {"$in": [lease.key for lease in held]}, "lease.token": {"$in": tokens}}
