"""The queue of URLs: found, leased, and done only when what came of them is stored.

A URL is in one of five states (`policy.revisit.State`) and has a due time. Whoever claims it gets a lease; as long as
the lease runs, nobody else gets the URL. It ends in one of four ways:

- `acknowledge`: the visit is over, its outcome is recorded, and the URL is due again when the policy says so;
- `release`: the worker gives it back unfinished, and the URL is due as it was before;
- `recover`: its worker has died on this machine, and the URL is due as it was before;
- it runs out: its worker has died elsewhere or stands still. The URL can be claimed again, and the old lease is lost:
  its token is no longer that of the URL, so nothing of a late acknowledgement is written.
"""

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rfispider.frontier import discovery, records, schema, transitions, worker_id, writes
from rfispider.frontier.diagnostics import FrontierDiagnostics
from rfispider.frontier.host_budget import HostBudgets
from rfispider.frontier.integrity import FrontierIntegrity
from rfispider.frontier.leasing import Leasing, leased_under
from rfispider.frontier.policy.politeness import Limits
from rfispider.frontier.policy.revisit import State, plan
from rfispider.frontier.records import Completion, Document, Lease
from rfispider.frontier.statistics import FrontierStats
from rfispider.items import FETCHABLE_KINDS, Kind, Link, Outcome
from rfispider.mongo import operations as db
from rfispider.mongo.clock import ServerClock
from rfispider.mongo.connection import Connection, operation

URL_LEASE_S = 60.0
"""Seconds for which the work of a dead worker on another machine waits. Renew leases three times as often."""

ATTEMPTS = 6
"""Requests for a URL that may end with their worker, in a row, before the URL is suspected of taking workers down. Then
it counts as failed, unfetched, and waits as after any other failure: a healthy page that was under way each time a
worker was killed is fetched later, and only one that goes on like this is given up."""


class Frontier:
    """What one worker does with the queue that all workers share.

    Times are compared on the server only, so the clocks of the workers do not matter. Every method raises DatabaseError
    when the server cannot be reached within the patience of the connection, or refuses.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        worker: str | None = None,
        lease_s: float = URL_LEASE_S,
        limits: Limits | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Work on the database `name` as `worker`, by default this very process; two live workers must not share it.

        `lease_s`: seconds that a lease lasts unless it is renewed. `jitter` gives the random numbers from 0 to 1 that
        spread retries.
        """
        database = connection.client[name]
        urls, hosts = db.collection(database, schema.FRONTIER), db.collection(database, schema.HOSTS)
        self.connection = connection
        self.worker = worker or worker_id.identity()
        self.lease_s = lease_s
        self.hosts = HostBudgets(connection, hosts, limits or Limits())
        self.statistics = FrontierStats(connection, urls, self.worker)
        self.integrity = FrontierIntegrity(connection, urls)
        self.diagnostics = FrontierDiagnostics(connection, urls, hosts)
        self._database = database
        self._urls = urls
        self._jitter = jitter
        self._clock = ServerClock()
        self._leasing = Leasing(urls, self.worker, lease_s, self._clock, jitter)
        self._leases: dict[str, Lease] = {}

    # ---- Opening and closing --------------------------------------------------------------------------------

    @classmethod
    async def open(
        cls,
        uri: str,
        database: str,
        *,
        worker: str | None = None,
        lease_s: float = URL_LEASE_S,
        limits: Limits | None = None,
    ) -> Self:
        """The prepared frontier over a connection of its own, which `close` closes.

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
        """Create the collections, validators and indexes that are missing. Must come before any other method.

        Without a time-out: to index the documents of another release takes as long as there are many of them.
        """
        await schema.prepare(self._database)
        hello = await self._database.client.admin.command("hello")
        self._clock.set(hello["localTime"].replace(tzinfo=UTC))

    async def close(self) -> None:
        """Close the connection. Leases stay as they are until they run out (see `release`)."""
        await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def leases(self) -> list[Lease]:
        """The leases of this worker: claimed, and neither acknowledged nor released nor seen to be lost."""
        return list(self._leases.values())

    def now(self) -> datetime:
        """An estimate of the server's time (aware, UTC), made without asking it; to be had once `prepare` has run."""
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
        """Put the URLs of links into the queue, and return the keys of those that were not in it.

        After it, every URL is in the queue; a new one is due at once. One that was there gets the higher priority and
        the smaller depth of both. It becomes due at once if its source tells of a later change, if its last visit was
        more than `stale_s` seconds ago (for sources at the start of a run), or if its page was read at `max_depth` or
        beyond, where links are not followed, and turns out to be nearer. A leased URL does not become due.

        Idempotent. Two round trips, one when nothing changes.
        """
        links_by_key = discovery.merged(links)
        if not links_by_key:
            return set()
        context = discovery.DiscoveryContext(now=self.now(), backfill=backfill, stale_s=stale_s, max_depth=max_depth)
        present = await self._present(links_by_key)
        operations = [
            write
            for key, link in links_by_key.items()
            if (write := writes.discovered(key, present.get(key), link, context))
        ]
        if operations:
            await db.retrying(lambda: self._urls.bulk_write(operations, ordered=False))
        return links_by_key.keys() - present.keys()

    @operation("looking for URLs in the frontier")
    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        """Whether the URL of any of the links was added after a time of the server (aware)."""
        query = {"_id": {"$in": list(discovery.merged(links))}, "added_at": {"$gt": since}}
        return await db.retrying(lambda: self._urls.find_one(query, {"_id": 1})) is not None

    @operation("reopening pages", timed=False)
    async def requeue_for_depth(self, editions: Collection[str | None], max_depth: int | None) -> int:
        """Make pages due that were read without following their links, if this crawl follows them; returns how many.

        `max_depth` is the depth of this crawl, None is no limit. One round trip, which finds nothing unless the depth
        has risen. Without a time-out: it may concern most of a grown archive.
        """
        within = {} if max_depth is None else {"depth": {"$lt": max_depth}}
        query = {"unfollowed": True, "edition": {"$in": list(editions)}, "state": State.DONE.value, **within}
        result = await db.retrying(lambda: self._urls.update_many(query, transitions.reopened()), timed=False)
        return result.modified_count

    async def _present(self, keys: Collection[str]) -> dict[str, Document]:
        fields = dict.fromkeys(discovery.COMPARED_FIELDS, 1)
        documents = await db.retrying(lambda: self._urls.find({"_id": {"$in": list(keys)}}, fields).to_list())
        return {document["_id"]: document for document in documents}

    # ---- Leases ---------------------------------------------------------------------------------------------

    @operation("claiming URLs")
    async def claim(
        self, n: int, editions: Collection[str | None], kinds: Collection[Kind] = FETCHABLE_KINDS
    ) -> list[Lease]:
        """Lease up to n URLs that are due, of these editions and kinds; fewer do not mean that no more are due.

        By priority, then by due time; sources, news and backfill of each edition take turns. After it, nobody else gets
        these URLs for `lease_s` seconds, nor longer while `heartbeat` renews the leases. URLs whose lease has run out
        are due again, too. Two round trips; a third when another worker claimed the same.
        """
        leases = await self._leasing.claim(n, editions, kinds)
        self._leases.update((lease.key, lease) for lease in leases)
        suspects = [lease for lease in leases if lease.attempts >= ATTEMPTS]
        if suspects:
            error = f"sent {ATTEMPTS} times and never settled"
            await self.acknowledge([Completion(lease=each, outcome=Outcome.FAILED, error=error) for each in suspects])
        return [lease for lease in leases if lease.attempts < ATTEMPTS]

    @operation("counting requests")
    async def mark_sent(self, leases: Sequence[Lease]) -> None:
        """Record that the requests of leases are about to be sent, in one update.

        Before: they are leases of this worker; those that were lost are left alone. After it, each counts as one of the
        `ATTEMPTS` of its URL until it is acknowledged or released. Idempotent: a lease counts once.
        """
        if not leases:
            return
        unsent = writes.leased_as(leases) | transitions.UNSENT
        await db.retrying(lambda: self._urls.update_many(unsent, transitions.sent()))

    @operation("renewing leases")
    async def heartbeat(self) -> list[Lease]:
        """Renew every lease of this worker, in one update, and return those that another worker has taken over.

        After it, the others last for `lease_s` seconds from now; the lost ones are no longer among `leases`.
        """
        leases = dict(self._leases)
        if not leases:
            return []
        own = writes.leased_as(leases.values())
        result = await db.retrying(lambda: self._urls.update_many(own, transitions.renewed(self.lease_s)))
        if result.matched_count == len(leases):
            return []
        renewed = await leased_under(self._urls, {key: lease.token for key, lease in leases.items()})
        # A lease that was acknowledged while this ran is not lost.
        lost = [lease for key, lease in leases.items() if key not in renewed and self._leases.get(key) is lease]
        self._forget(lost)
        return lost

    @operation("acknowledging visits")
    async def acknowledge(self, completions: Sequence[Completion]) -> list[Lease]:
        """Record how visits ended and when their URLs are due again; return the leases that were lost.

        Before: what came of the visits is stored. After it, the leases are over. A lost lease was taken over by another
        worker when it had run out: nothing of its completion is written, neither the outcome nor the validators, and
        the URL stays with its new holder. When this raises, the leases are still this worker's. Idempotent.
        """
        if not completions:
            return []
        leases = [each.lease for each in completions]
        self._forget(leases)
        now = self.now()
        operations = [writes.completed(each, now, self._jitter()) for each in completions]
        try:
            result = await db.retrying(lambda: self._urls.bulk_write(operations, ordered=False))
        except BaseException:
            self._leases.update((lease.key, lease) for lease in leases)
            raise
        if result.matched_count == len(operations):
            return []
        return await self._not_acknowledged(leases)

    def removes(self, completion: Completion) -> bool:
        """Whether this visit is the one after which its URL counts as gone."""
        return plan(records.visit_facts(completion, self.now(), 0.0)).state is State.GONE

    async def _not_acknowledged(self, leases: Sequence[Lease]) -> list[Lease]:
        query = {"_id": {"$in": [lease.key for lease in leases]}}
        documents = await db.retrying(lambda: self._urls.find(query, {"last.token": 1}).to_list())
        acknowledged = {each["_id"]: each.get("last", {}).get("token") for each in documents}
        return [lease for lease in leases if acknowledged.get(lease.key) != lease.token]

    async def fail(self, lease: Lease, reason: str, *, status: int | None = None) -> bool:
        """Acknowledge a visit that failed, to be tried again later; False when the lease was lost."""
        return not await self.acknowledge(
            [Completion(lease=lease, outcome=Outcome.FAILED, status=status, error=reason)]
        )

    @operation("releasing leases")
    async def release(self, leases: Iterable[Lease]) -> int:
        """Give leases back unfinished; returns how many of them were still this worker's.

        After it, their URLs are due as they were before the claim, and their requests do not count as attempts.
        """
        released = list(leases)
        if not released:
            return 0
        self._forget(released)
        # Not repeated: a second try could not tell how many there were. A lease that is left runs out.
        own = writes.leased_as(released)
        result = await self._urls.update_many(own, transitions.given_back(worker_died=False))
        return result.modified_count

    @operation("recovering the leases of dead workers")
    async def recover(self) -> int:
        """Give back the leases of dead workers of this machine, and those that this worker had before a restart.

        Returns the number of URLs; they are due as they were before the claim, and requests that were sent count as
        attempts. The present leases of this worker stay, so it may be called at any time; those of other machines run
        out by themselves.
        """
        query = {"state": State.LEASED.value}
        workers = await db.retrying(lambda: self._urls.distinct("lease.worker", query))
        dead = [name for name in workers if name == self.worker or worker_id.is_dead(name)]
        if not dead:
            return 0
        orphaned = {**query, "lease.worker": {"$in": dead}, "_id": {"$nin": list(self._leases)}}
        result = await db.retrying(lambda: self._urls.update_many(orphaned, transitions.given_back(worker_died=True)))
        return result.modified_count

    def _forget(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            present = self._leases.get(lease.key)
            if present and present.token == lease.token:
                del self._leases[lease.key]
